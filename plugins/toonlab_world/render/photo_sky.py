"""The photo's sky: a gradient, the glow of the sun, its disc, and clouds whose edges dissolve."""

from __future__ import annotations

import cv2
import numpy as np

from toonlab_world.scene.noise import fractal_noise

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
    low = np.clip(at / np.float32(raster.scene.horizon), 0, 1)[:, None] ** np.float32(1.3)
    across, down = (at - np.float32(air.sun_at[0])) ** 2, (at - np.float32(air.sun_at[1])) ** 2
    glow = sum(  # a Gaussian is a product of one along each side
        strength * np.exp(down * -narrow)[:, None] * np.exp(across * -narrow)
        for strength, narrow in ((np.float32(0.3), np.float32(14)), (np.float32(0.5), np.float32(90)))
    ) * np.float32(0.3 if air.night else 1.0)
    channels = zip(linear(air.zenith), linear(air.horizon), linear(air.sunlight), strict=True)
    return cv2.merge([glow * sun + (zenith * (1 - low) + horizon * low) for zenith, horizon, sun in channels])


def _with_clouds(raster: Raster, sky: Image) -> Image:
    scene, size = raster.scene, raster.size
    heap = soften(unit(shrink(raster.clouds, size)), 0.015)
    wisps = fractal_noise((*scene.key, "cloud"), size, (9, 7), octaves=5, gain=0.6)
    cover = np.clip((heap + 0.5 * wisps * heap * (1.7 - heap) - 0.25) * 1.8, 0, 1)
    cover = cover * cover * (3 - 2 * cover)  # smoothstep
    light = np.clip(soften(shrink(raster.light, size), 0.015) + 0.12 * wisps, 0, 1)
    white, shade = linear(scene.sky.objects[0].surface.color) * 1.15, linear(scene.air.ambient) * 1.1
    return blend(sky, blend(shade.astype(np.float32), white.astype(np.float32), light), cover * 0.95)
