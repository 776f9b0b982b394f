"""The cartoon: flat tones, the style's palette, hard-edged clouds, and the lines of a pen.

The pen follows the edges of shapes, swells in the shade and thins out with distance.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from .painting import ink_tints, painted, pen_pressure, pen_weights
from .pixels import Pictures, as_bytes, blend, lookup, shrink
from .raster import SHADED, SUPERSAMPLING, Raster
from .styles import MAX_TONES, REFERENCE, Style, palette
from .texture import Layout

Mask = NDArray[np.bool_]
OUTLINE = 0.5  # the share of a pixel that must be inked to make it part of the outline
DARKEST, BRIGHTEST = 0.3, 0.82  # light at the ends of the scale that is cut into tones
STROKE = 0.75  # weight of a stroke, relative to the outline of the shape that it lies on
TAPER = 0.05  # lines thin out over this distance at the border of the area that has lines, in picture sides


def draw_cartoon(raster: Raster, style: Style, line_area: float = 1.0, difficulty: float = 0.0) -> Pictures:
    """Draw a rasterised scene in a style: a cartoon and what is known of it.

    `line_area` is the share of the picture that has lines, `difficulty` how hard it is: see `ToonWorld`. `cartoon` and
    `flat` (without lines and paint) are `(size, size, 3)` uint8 RGB; `outline` is `(size, size)` bool, true where a
    line was drawn; `regions` is `(size, size)` uint16, one number for each tone of each shape.
    """
    light = np.where(raster.shadow > 0, raster.light * np.float32(SHADED), raster.light)
    regions = raster.shapes * np.uint16(MAX_TONES)
    for threshold in np.linspace(DARKEST, BRIGHTEST, style.tones + 1)[1:-1]:
        regions += light > np.float32(threshold)
    paint = palette(raster.scene, style)
    color = shrink(lookup(paint, regions), raster.size)[..., :3].astype(np.float32)
    seen = regions[::SUPERSAMPLING, ::SUPERSAMPLING]
    ink = draw_ink(raster, style, line_area, difficulty)
    if style.hatching:
        ink = np.maximum(ink, hatch(raster, style, regions % MAX_TONES == 0, line_area))
    ink = shrink(ink, raster.size)
    own = np.array(style.ink_tint, np.float32)
    if difficulty:
        layout = Layout(raster.scene, raster.shapes)
        at = (shrink(light, raster.size) - DARKEST) / (BRIGHTEST - DARKEST) * style.tones - 0.5
        tone = np.clip(at, 0, max(style.tones - 1.001, 0)).astype(np.float32)
        color = painted(color, layout, raster.scene, tone, seen, paint, difficulty)
        own = ink_tints(raster.scene, style.ink_tint, difficulty).take(layout.labels)[..., None]
    line = color * (np.float32(0.45) * own) + np.array(style.ink, np.float32) * 255 * (1 - own)
    inked = as_bytes(blend(color, line, ink))
    return {"cartoon": inked, "flat": paint[seen][..., :3], "outline": ink >= OUTLINE, "regions": seen}


def draw_ink(raster: Raster, style: Style, area: float = 1.0, difficulty: float = 0.0) -> NDArray[np.float32]:
    """How much ink lies on each supersample, in [0, 1]: the distance to the nearest edge against the pen's width.

    `area` is the share of the picture that has lines, around the spot where a viewer looks first.
    """
    side = raster.shapes.shape[0]
    edges, weights = _lines(raster, style, difficulty)
    if not edges.any():
        return np.zeros(edges.shape, np.float32)
    distance, nearest = cv2.distanceTransformWithLabels(
        (~edges).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )
    pressure = weights * (1 + style.line_swing * (0.5 - raster.light[edges]))
    width = np.maximum(style.line_width / REFERENCE * side * pressure, SUPERSAMPLING)
    width *= _pen(raster, area)[edges]
    if difficulty:
        width *= pen_pressure(raster.scene, side, difficulty)[edges]
    # OpenCV numbers the edge pixels from 1 in the order of rows, as indexing by `edges` does
    reach = np.concatenate([[0], width / 2]).astype(np.float32).take(np.asarray(nearest, np.int32))
    reach -= cv2.GaussianBlur(distance, (0, 0), 0.8)
    reach += np.float32(0.5)
    return np.clip(reach, 0, 1, out=reach)


def _lines(raster: Raster, style: Style, difficulty: float) -> tuple[Mask, NDArray[np.float32]]:
    """Where the pen goes, and its weight at each of these pixels."""
    scene, shapes = raster.scene, raster.shapes
    table = np.array([shape.line * (1.1 - 0.6 * shape.depth) for shape in scene.shapes], np.float32)
    if difficulty:
        table *= pen_weights(scene, difficulty)
    edges = _edges(shapes)
    drawn = (edges & (table > 0).take(shapes)) | (raster.strokes > 0)
    outer = edges & _edges(np.array(scene.groups, np.uint16).take(shapes))
    if style.inner_lines == 0:
        drawn &= outer
    weights = table.take(shapes[drawn])
    weights[~outer[drawn]] *= style.inner_lines
    weights[~edges[drawn]] = STROKE * style.inner_lines
    return drawn, weights


def _pen(raster: Raster, area: float) -> NDArray[np.float32]:
    """The pen's weight by place: 1 near the spot where a viewer looks first, 0 far from it."""
    side = raster.shapes.shape[0]
    if area == 1:
        return np.ones((side, side), np.float32)
    at = (np.arange(side, dtype=np.float32) + np.float32(0.5)) / side
    x, y = raster.scene.spot
    away = np.sqrt((at[None] - np.float32(x)) ** 2 + (at[:, None] - np.float32(y)) ** 2)
    reach = np.quantile(away[::8, ::8], area)
    return np.clip((np.float32(reach) - away) / TAPER + np.float32(0.5), 0, 1)


def hatch(raster: Raster, style: Style, shaded: Mask, area: float = 1.0) -> NDArray[np.float32]:
    """The ink of parallel lines on what is shaded, in [0, 1]."""
    side = raster.shapes.shape[0]
    scale = side / REFERENCE
    at = np.arange(side, dtype=np.float32)
    phase = (at[None] * np.float32(0.62) + at[:, None] * np.float32(0.78)) / np.float32(style.hatch_spacing * scale)
    away = np.abs(phase - np.rint(phase)) * np.float32(style.hatch_spacing * scale)
    width = max(0.45 * style.line_width * scale, SUPERSAMPLING)
    return np.clip(width / 2 - away + np.float32(0.5), 0, 1) * shaded * _pen(raster, area)


def _edges(labels: NDArray[np.uint16]) -> Mask:
    """Pixels that touch a lower label: the line belongs to what is in front."""
    edges = np.zeros(labels.shape, bool)
    edges[:, 1:] |= labels[:, 1:] > labels[:, :-1]
    edges[:, :-1] |= labels[:, :-1] > labels[:, 1:]
    edges[1:] |= labels[1:] > labels[:-1]
    edges[:-1] |= labels[:-1] > labels[1:]
    return edges
