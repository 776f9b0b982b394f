"""The cartoon: flat tones, the style's palette, lines of varying width, hard-edged clouds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from toonlab_world.styles.inks import palette
from toonlab_world.styles.style import MAX_TONES, Style

from .ink import draw_ink, hatch
from .pixels import as_bytes, blend, lookup, shrink
from .raster import SHADED, SUPERSAMPLING, Raster

OUTLINE = 0.5  # the share of a pixel that must be inked to make it part of the outline
DARKEST, BRIGHTEST = 0.3, 0.82  # light at the ends of the scale that is cut into tones


@dataclass(frozen=True, slots=True)
class Drawing:
    """A cartoon and what is known of it.

    `cartoon` and `flat` (without lines) are `(size, size, 3)` uint8 RGB; `outline` is `(size, size)` bool, true where a
    line was drawn; `regions` is `(size, size)` uint16, one number for each tone of each shape.
    """

    cartoon: NDArray[np.uint8]
    flat: NDArray[np.uint8]
    outline: NDArray[np.bool_]
    regions: NDArray[np.uint16]


def draw_cartoon(raster: Raster, style: Style, line_area: float = 1.0) -> Drawing:
    """Draw a rasterised scene in a style; `line_area` is the share of the picture that has lines."""
    regions = _regions(raster, style)
    paint = palette(raster.scene, style)
    color = shrink(lookup(paint, regions), raster.size)[..., :3].astype(np.float32)
    ink = draw_ink(raster, style, line_area)
    if style.hatching:
        ink = np.maximum(ink, hatch(raster, style, regions % MAX_TONES == 0, line_area))
    ink = shrink(ink, raster.size)
    own = np.float32(style.ink_tint)
    line = color * (np.float32(0.45) * own) + np.array(style.ink, np.float32) * 255 * (1 - own)
    seen = regions[::SUPERSAMPLING, ::SUPERSAMPLING]
    inked = as_bytes(blend(color, line, ink))
    return Drawing(inked, paint[seen][..., :3], ink >= OUTLINE, seen)


def _regions(raster: Raster, style: Style) -> NDArray[np.uint16]:
    """Cut the light on each shape into the style's tones."""
    light = np.where(raster.shadow > 0, raster.light * np.float32(SHADED), raster.light)
    regions = raster.shapes * np.uint16(MAX_TONES)
    for threshold in np.linspace(DARKEST, BRIGHTEST, style.tones + 1)[1:-1]:
        regions += light > np.float32(threshold)
    return regions
