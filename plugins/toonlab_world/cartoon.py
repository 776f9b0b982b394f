"""The cartoon: flat tones, a saturated palette, dark outlines of varying width, hard-edged clouds."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .ink import draw_ink
from .palette import mix
from .pixels import shrink
from .raster import SHADED, SUPERSAMPLING, Raster
from .scene import Air, Color, Scene, Shape
from .styles import Style

MAX_TONES = 4
OUTLINE = 0.5  # the share of a pixel that must be inked to make it part of the outline
DARKEST, BRIGHTEST = 0.3, 0.82  # light at the ends of the scale that is cut into tones
SHADOW: Color = (0.18, 0.16, 0.3)  # what the shaded tones turn to


@dataclass(frozen=True, slots=True)
class Drawing:
    """A cartoon and what is known of it.

    `cartoon` and `flat` (without lines) are `(size, size, 3)` uint8 RGB; `outline` is `(size, size)` bool; `regions` is
    `(size, size)` uint16, one number for each tone of each shape.
    """

    cartoon: NDArray[np.uint8]
    flat: NDArray[np.uint8]
    outline: NDArray[np.bool_]
    regions: NDArray[np.uint16]


def draw_cartoon(raster: Raster, style: Style) -> Drawing:
    """Draw a rasterised scene in a style."""
    regions = _regions(raster, style)
    paint = palette(raster.scene, style)
    color = shrink(paint[regions], raster.size).astype(np.float32)
    ink = shrink(draw_ink(raster, style), raster.size)
    line = np.array(style.ink, np.float32) * 255 * (1 - style.ink_tint) + color * (0.45 * style.ink_tint)
    inked = color + (line - color) * ink[..., None]
    seen = regions[::SUPERSAMPLING, ::SUPERSAMPLING]
    return Drawing(np.rint(inked).astype(np.uint8), paint[seen], ink >= OUTLINE, seen)


def _regions(raster: Raster, style: Style) -> NDArray[np.uint16]:
    """Cut the light on each shape into the style's tones."""
    light = np.where(raster.shadow > 0, raster.light * np.float32(SHADED), raster.light)
    tones = np.zeros(light.shape, np.uint16)
    for threshold in np.linspace(DARKEST, BRIGHTEST, style.tones + 1)[1:-1]:
        tones += light > threshold
    return raster.shapes * np.uint16(MAX_TONES) + tones


def palette(scene: Scene, style: Style) -> NDArray[np.uint8]:
    """The colour of each region, `(shapes * MAX_TONES, 3)` sRGB."""
    lights = [(tone + 0.5) / style.tones for tone in range(MAX_TONES)]
    sky = [_sky_tone(scene.air, style, light) for light in lights]
    rest = [_tone(shape, scene.air, style, light) for shape in scene.shapes[1:] for light in lights]
    return np.rint(np.clip(np.array(sky + rest), 0, 1) * 255).astype(np.uint8)


def _sky_tone(air: Air, style: Style, light: float) -> Color:
    return mix(_vivid(air.zenith, style), _vivid(air.horizon, style), light * style.contrast)


def _tone(shape: Shape, air: Air, style: Style, light: float) -> Color:
    """The flat colour of a surface under an amount of light in [0, 1], tinted by the hour and faded by distance."""
    color = _vivid(shape.surface.color, style)
    shade = style.contrast * (0.62 - light) * (1 - shape.surface.glow)
    color = mix(color, mix(SHADOW, air.ambient, 0.2), shade) if shade > 0 else mix(color, (1, 1, 0.9), -0.8 * shade)
    tinted = (color[0] * air.sunlight[0], color[1] * air.sunlight[1], color[2] * air.sunlight[2])
    color = mix(color, tinted, style.mood + (0.4 if air.night and not shape.surface.glow else 0))
    return mix(color, _vivid(air.horizon, style), 0.55 * air.haze * shape.depth**1.5 * (shape.depth < 1))


def _vivid(color: Color, style: Style) -> Color:
    hue, saturation, value = colorsys.rgb_to_hsv(*color)
    return colorsys.hsv_to_rgb(hue, min(0.95, saturation * style.saturation), value**style.value)
