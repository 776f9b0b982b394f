"""The photo: soft light, textures, haze, soft shadows, and what a camera adds; no outlines."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from .camera import defocus, develop, vignette
from .noise import fractal_noise
from .photo_sky import sky_image
from .pixels import Image, Plane, blend, linear, linear_image, shrink, soften, unit
from .raster import Raster
from .scene import Air, Color, Scene


def render_photo(raster: Raster, sensor_noise: bool = True) -> NDArray[np.uint8]:
    """Render a rasterised scene as a photo, `(size, size, 3)` uint8 RGB.

    Without `sensor_noise` a picture agrees with its coarser versions; the sensor's noise is a matter of pixels.
    """
    scene = raster.scene
    seen = _see(raster)
    image = blend(_shade(seen, scene), linear(_distance(scene.air)), 0.8 * scene.air.haze * seen.depth**1.5)
    image = blend(sky_image(raster), image, seen.ground)
    image = vignette(defocus(image, seen.depth, scene.focus, scene.blur))
    return develop(image, scene.key, sensor_noise)


@dataclass(frozen=True, slots=True)
class Seen:
    """What the camera sees at each pixel, averaged over the supersamples; all in [0, 1]."""

    albedo: Image  # in linear light
    depth: Plane
    textures: NDArray[np.float32]  # (size, size, 4): grain, blotch, streak, leaf
    ground: Plane  # 0 for sky, 1 for anything else
    glow: Plane
    light: Plane
    shadow: Plane


def _see(raster: Raster) -> Seen:
    scene, size = raster.scene, raster.size
    shapes, light = _stray(raster)
    sky = len(scene.sky.ground) + len(scene.sky.objects)
    surfaces = [shape.surface for shape in scene.shapes]
    color = _spread(((*shape.surface.color, shape.depth) for shape in scene.shapes), shapes, size)
    texture = _spread(((t.grain, t.blotch, t.streak, t.leaf) for t in (s.texture for s in surfaces)), shapes, size)
    other = _spread(((float(label >= sky), s.glow, 0, 0) for label, s in enumerate(surfaces)), shapes, size)
    return Seen(
        albedo=linear_image(color[..., :3]),
        depth=unit(color[..., 3]),
        textures=unit(texture),
        ground=unit(other[..., 0]),
        glow=unit(other[..., 1]),
        light=shrink(light, size),
        shadow=soften(unit(shrink(raster.shadow, size)), 0.006),
    )


def _spread(rows: Iterable[tuple[float, ...]], shapes: NDArray[np.uint16], size: int) -> NDArray[np.uint8]:
    """Four properties in [0, 1] of each shape, as they are seen: `(size, size, 4)`, 255 for 1."""
    table = np.rint(np.array(list(rows), np.float32) * 255).astype(np.uint8)
    packed = table.view(np.uint32)[:, 0].take(shapes)  # one gather for all four
    return shrink(packed.view(np.uint8).reshape(*shapes.shape, 4), size)


def _stray(raster: Raster) -> tuple[NDArray[np.uint16], NDArray[np.float32]]:
    """Shapes and light with frayed edges: where a surface is ragged, each pixel is looked up a little beside itself."""
    side = raster.shapes.shape[0]
    reach = np.array([shape.surface.ragged * side for shape in raster.scene.shapes], np.float32).take(raster.shapes)
    noise = fractal_noise((*raster.scene.key, "stray"), side, (44, 44), octaves=3, gain=0.7)
    grid = np.arange(side, dtype=np.float32)
    maps = grid[None] + reach * noise, grid[:, None] + reach * noise[::-1, ::-1]
    shapes = cv2.remap(raster.shapes, *maps, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE)
    light = cv2.remap(raster.light, *maps, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE)
    return shapes.astype(np.uint16, copy=False), light.astype(np.float32, copy=False)


def _shade(seen: Seen, scene: Scene) -> Image:
    """Albedo times texture, lit by the sky, the sun and itself."""
    relief = np.einsum("hwc,hwc->hw", seen.textures, textures(scene, seen.depth.shape[0]))
    sun = 1.45 * seen.light * (1 - 0.85 * seen.shadow)
    ambient = 0.7 * (1 - 0.35 * seen.shadow)
    light = linear(scene.air.ambient) * ambient[..., None] + linear(scene.air.sunlight) * sun[..., None]
    textured = light * cv2.exp(relief * (1 - 0.6 * seen.depth))[..., None]
    return seen.albedo * (textured + 1.5 * seen.glow[..., None])


def textures(scene: Scene, size: int) -> NDArray[np.float32]:
    """Grain, blotches, upright streaks and leaves, as logarithms of brightness; `(size, size, 4)`."""
    fields = [
        fractal_noise((*scene.key, "grain"), size, (60, 60), octaves=3, gain=0.9),
        fractal_noise((*scene.key, "blotch"), size, (7, 6), octaves=5, gain=0.6),
        fractal_noise((*scene.key, "streak"), size, (36, 130), octaves=2, gain=0.8),
        fractal_noise((*scene.key, "leaf"), size, (36, 36), octaves=4, gain=0.85),
    ]
    return np.stack([_embossed(field, scene) for field in fields], axis=2)


def _embossed(field: Plane, scene: Scene) -> Plane:
    """Light a height field from the sun's side, by its difference to itself a small step further."""
    step = 0.007 * field.shape[0]
    shift = np.array([[1, 0, step * scene.air.sun[0]], [0, 1, step * scene.air.sun[1]]])
    beside = cv2.warpAffine(field, shift, field.shape, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return 0.4 * field + 0.6 * (beside - field)


def _distance(air: Air) -> Color:
    """What distance fades to: the sky at the horizon, a little darker."""
    return air.horizon[0] * 0.95, air.horizon[1] * 0.95, air.horizon[2] * 0.97
