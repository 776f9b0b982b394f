"""The cartoon: flat tones, a saturated palette, dark outlines of varying width, hard-edged clouds."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from .palette import mix
from .raster import SHADED, SUPERSAMPLING, Raster
from .scene import Air, Color, Scene, Shape
from .styles import Style

_MAX_TONES = 4
_OUTLINE = 0.5  # ink that makes a pixel part of the outline


@dataclass(frozen=True, slots=True)
class Drawing:
    """A cartoon and what is known of it: `cartoon` and `flat` `(size, size, 3)` uint8 RGB, `outline` `(size, size)`
    bool, `regions` `(size, size)` uint16, one number for each tone of each shape."""

    cartoon: NDArray[np.uint8]
    flat: NDArray[np.uint8]
    outline: NDArray[np.bool_]
    regions: NDArray[np.uint16]


def cartoon(raster: Raster, style: Style) -> Drawing:
    """Draw a rasterised scene in a style."""
    regions = _regions(raster, style)
    paint = palette(raster.scene, style)
    ink = _ink(raster, style)
    color = cv2.resize(paint[regions], (raster.size, raster.size), interpolation=cv2.INTER_AREA)
    ink = cv2.resize(ink, (raster.size, raster.size), interpolation=cv2.INTER_AREA)
    line = np.array(style.ink, np.float32) * 255 * (1 - style.ink_tint) + color * (0.45 * style.ink_tint)
    inked = color + (line - color) * ink[..., None]
    seen = regions[::SUPERSAMPLING, ::SUPERSAMPLING]
    return Drawing(np.rint(inked).astype(np.uint8), paint[seen], ink >= _OUTLINE, seen)


def _regions(raster: Raster, style: Style) -> NDArray[np.uint16]:
    light = np.where(raster.shadow > 0, raster.light * SHADED, raster.light)
    tones = np.zeros(light.shape, np.uint16)
    for threshold in np.linspace(0.3, 0.82, style.tones + 1)[1:-1] if style.tones > 1 else ():
        tones += light > threshold
    return raster.shapes * np.uint16(_MAX_TONES) + tones


def palette(scene: Scene, style: Style) -> NDArray[np.uint8]:
    """The colour of each region, `(shapes * 4, 3)` sRGB."""
    colors = [
        tone_color(shape, scene.air, style, (tone + 0.5) / style.tones, label == 0)
        for label, shape in enumerate(scene.shapes)
        for tone in range(_MAX_TONES)
    ]
    return np.rint(np.clip(np.array(colors), 0, 1) * 255).astype(np.uint8)


def tone_color(shape: Shape, air: Air, style: Style, light: float, is_sky: bool) -> Color:
    """The flat colour of a surface under an amount of light in [0, 1]: shadows turn towards the sky's colour."""
    if is_sky:
        return mix(_vivid(air.zenith, style), _vivid(air.horizon, style), light * style.contrast)
    base = _vivid(shape.surface.color, style)
    shade = style.contrast * (0.62 - light) * (1 - shape.surface.glow)
    base = (
        mix(base, mix((0.05, 0.04, 0.2), air.ambient, 0.3), max(0.0, shade))
        if shade > 0
        else mix(base, (1, 1, 0.9), -shade * 0.8)
    )
    tinted = (base[0] * air.sunlight[0], base[1] * air.sunlight[1], base[2] * air.sunlight[2])
    base = mix(base, tinted, style.mood + (0.4 if air.night and not shape.surface.glow else 0))
    return mix(base, _vivid(air.horizon, style), 0.55 * air.haze * shape.depth**1.5) if shape.depth < 1 else base


def _vivid(color: Color, style: Style) -> Color:
    hue, saturation, value = colorsys.rgb_to_hsv(*color)
    return colorsys.hsv_to_rgb(hue, min(0.95, saturation * style.saturation), value**style.brightness)


def _ink(raster: Raster, style: Style) -> NDArray[np.float32]:
    """How much ink lies on each supersample, in [0, 1]: the distance to the nearest edge against the pen's width there."""
    weights = np.array([shape.line * (1.1 - 0.6 * shape.depth) for shape in raster.scene.shapes], np.float32)
    edges = _edges(raster.shapes) & (weights > 0).take(raster.shapes)
    if not edges.any():
        return np.zeros(edges.shape, np.float32)
    far, nearest = cv2.distanceTransformWithLabels(
        (~edges).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )
    pressure = weights.take(raster.shapes[edges]) * (1 + style.line_swing * (0.5 - raster.light[edges]))
    width = np.maximum(style.line_width * pressure * edges.shape[0], SUPERSAMPLING)
    reach = np.concatenate([[0], width / 2]).astype(np.float32).take(nearest)
    return np.clip(reach - cv2.GaussianBlur(far, (0, 0), 0.8) + 0.5, 0, 1)


def _edges(shapes: NDArray[np.uint16]) -> NDArray[np.bool_]:
    """Pixels of a shape that touch a shape behind it: the line belongs to what is in front."""
    edges = np.zeros(shapes.shape, bool)
    edges[:, 1:] |= shapes[:, 1:] > shapes[:, :-1]
    edges[:, :-1] |= shapes[:, :-1] > shapes[:, 1:]
    edges[1:] |= shapes[1:] > shapes[:-1]
    edges[:-1] |= shapes[:-1] > shapes[1:]
    return edges
