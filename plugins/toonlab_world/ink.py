"""The lines of the cartoon: a pen that follows the edges of shapes, swells in the shade and thins out with distance."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from .raster import SUPERSAMPLING, Raster
from .styles import Style


def draw_ink(raster: Raster, style: Style) -> NDArray[np.float32]:
    """How much ink lies on each supersample, in [0, 1]: the distance to the nearest edge against the pen's width."""
    weights = np.array([shape.line * (1.1 - 0.6 * shape.depth) for shape in raster.scene.shapes], np.float32)
    edges = _edges(raster.shapes) & (weights > 0).take(raster.shapes)
    if not edges.any():
        return np.zeros(edges.shape, np.float32)
    distance, nearest = cv2.distanceTransformWithLabels(
        (~edges).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )
    pressure = weights.take(raster.shapes[edges]) * (1 + style.line_swing * (0.5 - raster.light[edges]))
    width = np.maximum(style.line_width * pressure * edges.shape[0], SUPERSAMPLING)
    # OpenCV numbers the edge pixels from 1 in the order of rows, as indexing by `edges` does
    reach = np.concatenate([[0], width / 2]).astype(np.float32)[nearest]
    return np.clip(reach - cv2.GaussianBlur(distance, (0, 0), 0.8) + np.float32(0.5), 0, 1)


def _edges(shapes: NDArray[np.uint16]) -> NDArray[np.bool_]:
    """Pixels of a shape that touch a shape behind it: the line belongs to what is in front."""
    edges = np.zeros(shapes.shape, bool)
    edges[:, 1:] |= shapes[:, 1:] > shapes[:, :-1]
    edges[:, :-1] |= shapes[:, :-1] > shapes[:, 1:]
    edges[1:] |= shapes[1:] > shapes[:-1]
    edges[:-1] |= shapes[:-1] > shapes[1:]
    return edges
