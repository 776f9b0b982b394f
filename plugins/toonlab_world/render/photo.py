"""The photo: soft light, textures, haze, soft shadows, reflections, and what a camera adds; no outlines."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from toonlab_world.scene.noise import fractal_noise
from toonlab_world.scene.scene import Scene

from .camera import shoot
from .effects import defocus, develop, relief, sky_image, veiled, vignette, where
from .pixels import Image, Plane, blend, linear, linear_image, lookup, shrink, soften, tint, unit
from .raster import Raster
from .texture import Layout, dappled, textured

WHITE = np.ones(3, np.float32)
GROOVE = 0.3  # how much of the light is lost in a joint that fills a pixel; too little to make it a dark line


def render_photo(
    raster: Raster, texture_area: float = 1.0, sensor_noise: bool = True, difficulty: float = 0.0
) -> NDArray[np.uint8]:
    """Render a rasterised scene as a photo, `(size, size, 3)` uint8 RGB.

    `texture_area` is the share of the picture that has textures, `difficulty` how hard it is: see `ToonWorld`. Without
    `sensor_noise` a picture agrees with its coarser versions; the sensor's noise is a matter of pixels.
    """
    scene, size = raster.scene, raster.size
    shapes, light = _stray(raster, 1 + difficulty)
    sky = len(scene.sky.ground) + len(scene.sky.objects)
    kinds = [(float(label >= sky), s.surface.glow, s.surface.mirror, 0) for label, s in enumerate(scene.shapes)]
    ground, glow, mirror, _ = cv2.split(unit(_spread(kinds, shapes, size)))  # ground: 0 for sky, 1 for anything else
    color = _spread([(*shape.surface.color, shape.depth) for shape in scene.shapes], shapes, size)
    albedo, depth = linear_image(color[..., :3]), unit(color[..., 3])
    rough, shade = _texture(raster, shapes, depth, texture_area), soften(unit(shrink(raster.shadow, size)), 0.006)
    material: Plane | float = 1.0
    if difficulty:
        layout = Layout(scene, shapes)
        strength = np.float32(difficulty) * (
            where(scene, size, texture_area) if texture_area < 1 else np.ones_like(depth)
        )
        material, color = textured(layout, scene, strength)
        rough, albedo = rough * material, cv2.multiply(albedo, color)
        shade = np.maximum(shade, np.minimum(strength, 1) * dappled(layout, scene))
    lit = _light(scene, shrink(light, size), rough, shade)
    image = cv2.multiply(albedo, cv2.add(lit, tint(1.5 * glow, WHITE)))
    faded = linear(np.multiply(scene.air.horizon, (0.95, 0.95, 0.97)))  # the sky at the horizon, a little darker
    image = blend(image, faded, 0.8 * scene.air.haze * depth * cv2.sqrt(depth))
    if ground.min() < 1:
        sky_light = sky_image(raster)
        if difficulty:
            sky_light = veiled(sky_light, scene, min(difficulty, 1))
        image = blend(sky_light, image, ground)
    if mirror.max() > 0:
        image = _reflect(image, mirror, scene, material)
    if difficulty:
        return shoot(image, depth, scene, difficulty, sensor_noise)
    image = vignette(defocus(image, depth, scene.focus, scene.blur))
    return develop(image, scene.key, sensor_noise)


def _spread(rows: Sequence[tuple[float, ...]], shapes: NDArray[np.uint16], size: int) -> NDArray[np.uint8]:
    """Four properties in [0, 1] of each shape, as they are seen: `(size, size, 4)`, 255 for 1."""
    table = np.rint(np.array(rows, np.float32) * 255).astype(np.uint8)
    return shrink(lookup(table, shapes), size)


def _stray(raster: Raster, far: float) -> tuple[NDArray[np.uint16], NDArray[np.float32]]:
    """Shapes and light with frayed edges: where a surface is ragged, pixels show a point `far` from them."""
    reach = np.array([shape.surface.ragged for shape in raster.scene.shapes], np.float32)
    if not reach.any():
        return raster.shapes, raster.light
    side = raster.shapes.shape[0]
    noise = fractal_noise((*raster.scene.key, "stray"), side, (44, 44), octaves=3, gain=0.7)
    reach = (reach * side * np.float32(far)).take(raster.shapes)
    grid = np.arange(side, dtype=np.float32)
    maps = grid[None] + reach * noise, grid[:, None] + reach * noise[::-1, ::-1]
    shapes, light = (
        cv2.remap(picture, *maps, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE)
        for picture in (raster.shapes, raster.light)
    )
    return np.asarray(shapes, np.uint16), np.asarray(light, np.float32)


def _texture(raster: Raster, shapes: NDArray[np.uint16], depth: Plane, area: float) -> Plane:
    """The brightness of textures, fainter with distance, and of grooves: joints and folds, the cartoon's strokes."""
    textures = (shape.surface.texture for shape in raster.scene.shapes)
    amplitudes = _spread([(t.grain, t.blotch, t.streak, t.leaf) for t in textures], shapes, raster.size)
    textured = cv2.exp(relief(unit(amplitudes), raster.scene, area) * (1 - 0.6 * depth))
    return textured * (1 - GROOVE * unit(shrink(raster.strokes, raster.size)))


def _light(scene: Scene, light: Plane, textured: Plane, shadow: Plane) -> Image:
    """The light of the sun and the sky on a textured surface."""
    sun = 1.45 * light * (1 - 0.85 * shadow) * textured
    ambient = 0.7 * (1 - 0.35 * shadow) * textured
    return cv2.add(tint(ambient, linear(scene.air.ambient)), tint(sun, linear(scene.air.sunlight)))


def _reflect(image: Image, mirror: Plane, scene: Scene, ripples: Plane | float) -> Image:
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
    if not isinstance(ripples, float):
        seen = cv2.multiply(seen, tint(ripples, WHITE))
    return blend(image, seen, mirror * (1 - 0.45 * near))
