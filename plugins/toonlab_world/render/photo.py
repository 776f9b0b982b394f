"""The photo: soft light, textures, haze, soft shadows, reflections, and what a camera adds; no outlines."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from toonlab_world.scene.noise import fractal_noise
from toonlab_world.scene.scene import Scene

from .effects import defocus, develop, relief, sky_image, vignette
from .pixels import Image, Plane, blend, linear, linear_image, lookup, shrink, soften, tint, unit
from .raster import Raster

GROOVE = 0.3  # how much of the light is lost in a joint that fills a pixel; too little to make it a dark line


def render_photo(raster: Raster, texture_area: float = 1.0, sensor_noise: bool = True) -> NDArray[np.uint8]:
    """Render a rasterised scene as a photo, `(size, size, 3)` uint8 RGB.

    `texture_area` is the share of the picture that has textures. Without `sensor_noise` a picture agrees with its
    coarser versions; the sensor's noise is a matter of pixels.
    """
    scene = raster.scene
    seen = _see(raster)
    image = _shade(seen, scene, texture_area)
    faded = linear(np.multiply(scene.air.horizon, (0.95, 0.95, 0.97)))  # the sky at the horizon, a little darker
    image = blend(image, faded, 0.8 * scene.air.haze * seen.depth * cv2.sqrt(seen.depth))
    if seen.ground.min() < 1:
        image = blend(sky_image(raster), image, seen.ground)
    if seen.mirror.max() > 0:
        image = _reflect(image, seen.mirror, scene)
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
    mirror: Plane
    light: Plane
    shadow: Plane
    grooves: Plane  # joints and folds, where the cartoon has strokes


def _see(raster: Raster) -> Seen:
    scene, size = raster.scene, raster.size
    shapes, light = _stray(raster)
    sky = len(scene.sky.ground) + len(scene.sky.objects)
    surfaces = [shape.surface for shape in scene.shapes]
    color = _spread(((*shape.surface.color, shape.depth) for shape in scene.shapes), shapes, size)
    texture = _spread(((t.grain, t.blotch, t.streak, t.leaf) for t in (s.texture for s in surfaces)), shapes, size)
    other = _spread(((float(label >= sky), s.glow, s.mirror, 0) for label, s in enumerate(surfaces)), shapes, size)
    return Seen(
        albedo=linear_image(color[..., :3]),
        depth=unit(color[..., 3]),
        textures=unit(texture),
        ground=unit(other[..., 0]),
        glow=unit(other[..., 1]),
        mirror=unit(other[..., 2]),
        light=shrink(light, size),
        shadow=soften(unit(shrink(raster.shadow, size)), 0.006),
        grooves=unit(shrink(raster.strokes, size)),
    )


def _spread(rows: Iterable[tuple[float, ...]], shapes: NDArray[np.uint16], size: int) -> NDArray[np.uint8]:
    """Four properties in [0, 1] of each shape, as they are seen: `(size, size, 4)`, 255 for 1."""
    table = np.rint(np.array(list(rows), np.float32) * 255).astype(np.uint8)
    return shrink(lookup(table, shapes), size)


def _stray(raster: Raster) -> tuple[NDArray[np.uint16], NDArray[np.float32]]:
    """Shapes and light with frayed edges: where a surface is ragged, each pixel shows a point near it."""
    reach = np.array([shape.surface.ragged for shape in raster.scene.shapes], np.float32)
    if not reach.any():
        return raster.shapes, raster.light
    side = raster.shapes.shape[0]
    noise = fractal_noise((*raster.scene.key, "stray"), side, (44, 44), octaves=3, gain=0.7)
    reach = (reach * side).take(raster.shapes)
    grid = np.arange(side, dtype=np.float32)
    maps = grid[None] + reach * noise, grid[:, None] + reach * noise[::-1, ::-1]
    shapes, light = (
        cv2.remap(picture, *maps, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE)
        for picture in (raster.shapes, raster.light)
    )
    return np.asarray(shapes, np.uint16), np.asarray(light, np.float32)


def _shade(seen: Seen, scene: Scene, texture_area: float) -> Image:
    """Albedo times texture, lit by the sky, the sun and itself."""
    textured = cv2.exp(relief(seen.textures, scene, texture_area) * (1 - 0.6 * seen.depth))
    textured *= 1 - GROOVE * seen.grooves
    sun = 1.45 * seen.light * (1 - 0.85 * seen.shadow) * textured
    ambient = 0.7 * (1 - 0.35 * seen.shadow) * textured
    light = cv2.add(tint(ambient, linear(scene.air.ambient)), tint(sun, linear(scene.air.sunlight)))
    return cv2.multiply(seen.albedo, cv2.add(light, tint(1.5 * seen.glow, np.ones(3, np.float32))))


def _reflect(image: Image, mirror: Plane, scene: Scene) -> Image:
    """What stands beyond a level mirror, upside down in it, drawn out by the waves, more of it farther away."""
    size = image.shape[0]
    at = np.arange(size, dtype=np.float32)
    line = np.float32(scene.waterline * size)
    below = np.maximum(at - line, 0)[:, None]
    waves = fractal_noise((*scene.key, "ripple"), size, (70, 9), octaves=2, gain=0.7)
    x = at[None] + waves * (0.06 * below)
    y = np.clip(line - below * (1 + 0.25 * waves), 0, size - 1)
    seen = cv2.remap(image, x, y.astype(np.float32), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    near = below / np.float32(max(size - line, 1))
    return blend(image, seen, mirror * (1 - 0.45 * near))
