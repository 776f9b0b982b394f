"""The classic cartoon effect: smoothing, few colours, dark edges."""

from dataclasses import dataclass
from typing import Annotated, Any

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field, NonNegativeFloat

from toonlab import Tunable

from .drawing import Drawing, Pixels, scale_of

Values = NDArray[np.float32]  # (H, W, 3) CIE Lab, or (H, W) of it; L in 0 … 100

_WIDER = 1.6  # of the two Gaussians' widths: where their difference comes near a Laplacian (Marr and Hildreth 1980)


@dataclass(eq=False, repr=False)
class Classic(Drawing):
    """Flat colours and dark outlines by bilateral filtering, a k-means palette and differences of Gaussians.

    The abstraction of Winnemöller, Olsen and Gooch, "Real-time video abstraction", SIGGRAPH 2006, computed in CIE Lab,
    with a palette of the whole picture instead of quantised luminance. Lengths refer to a shorter side of 256 pixels,
    and scale with it.

    Args:
        smoothing: spatial sigma of the bilateral filter, in pixels.
        similar: colour sigma of the bilateral filter, in units of Lab.
        passes: of the bilateral filter.
        colors: in the palette.
        line_width: sigma of the lines' inner Gaussian, in pixels.
        line_threshold: the contrast of a line to its surroundings, in units of L; twice as much is black.
        line_length: in pixels; shorter lines are dropped.
        saturation: factor of the colours' distance from gray.
    """

    smoothing: Annotated[float, Field(gt=0), Tunable(1, 6)] = 2.5
    similar: Annotated[float, Field(gt=0), Tunable(4, 40)] = 12.0
    passes: Annotated[int, Field(ge=0), Tunable(1, 6)] = 4
    colors: Annotated[int, Field(ge=2, le=256), Tunable(4, 32)] = 16
    line_width: Annotated[float, Field(gt=0), Tunable(0.5, 2)] = 0.9
    line_threshold: Annotated[float, Field(gt=0), Tunable(0.2, 5, log=True)] = 0.9
    line_length: NonNegativeFloat = 10.0
    saturation: Annotated[float, Field(ge=0), Tunable(1, 1.6)] = 1.2

    def draw(self, photo: Pixels) -> Pixels:
        scale = scale_of(photo)
        lab = floats(cv2.cvtColor(photo.astype(np.float32) / 255, cv2.COLOR_RGB2Lab))
        half = self.smoothed(lab, self.passes // 2, scale)
        ink = lines(half[..., 0], self.line_width * max(scale, 0.5), self.line_threshold, self.line_length * scale)
        flat = few_colors(self.smoothed(half, self.passes - self.passes // 2, scale), self.colors)
        flat[..., 1:] *= self.saturation
        rgb = cv2.cvtColor(flat * ink[..., None], cv2.COLOR_Lab2RGB)
        return (rgb.clip(0, 1) * 255).round().astype(np.uint8)

    def smoothed(self, lab: Values, passes: int, scale: float) -> Values:
        for _ in range(passes):
            lab = floats(cv2.bilateralFilter(lab, -1, self.similar, self.smoothing * scale))
        return lab


def floats(values: NDArray[Any]) -> Values:
    """An array with the type that OpenCV's stubs leave open."""
    return np.asarray(values, np.float32)


def lines(luminance: Values, width: float, threshold: float, length: float) -> Values:
    """The lines, 0 where ink is and 1 elsewhere, with soft edges: differences of Gaussians above a threshold.

    Args:
        luminance: `(H, W)` in 0 … 100.
        width: sigma of the inner Gaussian, in pixels.
        threshold: of the difference, in units of L.
        length: in pixels; shorter pieces, which look like dirt, are dropped.
    """
    inner, outer = (cv2.GaussianBlur(luminance, (0, 0), sigma) for sigma in (width, _WIDER * width))
    ink = np.clip((outer - inner) / threshold - 1, 0, 1)
    _, pieces, statistics, _ = cv2.connectedComponentsWithStats((ink > 0).astype(np.uint8), connectivity=8)
    extent = statistics[:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]].max(axis=1)
    return np.where((extent < length)[pieces], 1, 1 - ink).astype(np.float32)


def few_colors(lab: Values, count: int) -> Values:
    """Every pixel in the nearest of `count` colours, by k-means with a deterministic start."""
    pixels = lab.reshape(-1, 3)
    if len(pixels) == 1:  # OpenCV would read its three values as three pixels
        return lab
    count = min(count, len(pixels))
    order = pixels[:, 0].argsort(kind="stable")
    start = np.empty((len(pixels), 1), np.int32)
    start[order, 0] = np.arange(len(pixels)) * count // len(pixels)  # by luminance, equally many each
    stop = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_MAX_ITER, 20, 0.2)
    _, labels, palette = cv2.kmeans(pixels, count, start, stop, 1, cv2.KMEANS_USE_INITIAL_LABELS)
    return palette[labels[:, 0]].reshape(lab.shape)
