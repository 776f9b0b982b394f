"""The photo's sky: a gradient, the glow of the sun, its disc, and clouds whose edges dissolve."""

from __future__ import annotations

import cv2
import numpy as np

from .noise import fractal_noise
from .pixels import Image, blend, linear, shrink, soften, unit
from .raster import Raster


def sky_image(raster: Raster) -> Image:
    """`(size, size, 3)` in linear light, over the whole picture."""
    image = _gradient(raster)
    if len(raster.scene.sky.ground) > 1:
        disc = soften(unit(shrink((raster.shapes == 1).astype(np.uint8) * 255, raster.size)), 0.004)
        image = blend(image, linear(raster.scene.sky.ground[1].surface.color) * 5, disc)
    return _with_clouds(raster, image) if raster.scene.sky.objects else image


def _gradient(raster: Raster) -> Image:
    air = raster.scene.air
    at = (np.arange(raster.size, dtype=np.float32) + np.float32(0.5)) / raster.size
    low = np.clip(at / raster.scene.horizon, 0, 1)[:, None, None] ** 1.3
    squared = (at[None] - air.sun_at[0]) ** 2 + (at[:, None] - air.sun_at[1]) ** 2
    glow = 0.3 * cv2.exp(squared * -14) + 0.5 * cv2.exp(squared * -90)
    strength = 0.3 if air.night else 1.0
    return (
        linear(air.zenith) * (1 - low) + linear(air.horizon) * low + linear(air.sunlight) * strength * glow[..., None]
    )


def _with_clouds(raster: Raster, sky: Image) -> Image:
    scene, size = raster.scene, raster.size
    heap = soften(unit(shrink(raster.clouds, size)), 0.015)
    wisps = fractal_noise((*scene.key, "cloud"), size, (9, 7), octaves=5, gain=0.6)
    cover = np.clip((heap + 0.5 * wisps * heap * (1.7 - heap) - 0.25) * 1.8, 0, 1)
    cover = cover * cover * (3 - 2 * cover)  # smoothstep
    light = np.clip(soften(shrink(raster.light, size), 0.015) + 0.12 * wisps, 0, 1)
    white = linear(scene.sky.objects[0].surface.color)
    return blend(sky, blend(linear(scene.air.ambient) * 1.1, white * 1.15, light), cover * 0.95)
