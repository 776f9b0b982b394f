"""Distributions of edge sharpness and of flatness, in which cartoons differ from photos."""

from abc import abstractmethod

import cv2
import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from .bases import SetMetric
from .outline import luminance

Values = NDArray[np.float32]
_KEPT = 256  # quantiles that represent one picture
_EDGE = 0.15  # the least contrast of an edge, relative to the range of luma
_LOCAL = np.ones((5, 5), np.uint8)


class PixelDistribution(SetMetric):
    """The Wasserstein distance between the fakes' and the cartoons' distributions of a value per pixel.

    Every picture has the same weight, by 256 quantiles of its values.
    """

    fewest = 1

    @abstractmethod
    def values(self, luma: Values) -> Values:
        """The values of a picture, `(N,)`, from its luma, `(H, W)` in [0, 1]."""

    def gather(self, image: Tensor, index: int) -> Values:
        quantiles = (np.arange(_KEPT) + 0.5) / _KEPT
        return np.asarray(np.quantile(self.values(luminance(image)), quantiles), np.float32)

    def between(self, fakes: list[Values], cartoons: list[Values]) -> dict[str, float]:
        from scipy.stats import wasserstein_distance

        return {self.name: float(wasserstein_distance(np.concatenate(fakes), np.concatenate(cartoons)))}


class EdgeSharpness(PixelDistribution):
    """The difference in edge sharpness between fakes and real cartoons, in [0, 1].

    The sharpness of an edge pixel is its gradient by central differences, twice, over the contrast in the 5x5 square
    around it: 1 for a step from one pixel to the next, less for a gradual one. Edge pixels are those where the gradient
    is the largest of its 3x3 square, and the contrast at least 0.15 of the range. A picture without edges counts as 0.
    """

    name = "edge_sharpness"
    sees = frozenset({"blur"})
    ignores = frozenset({"color"})
    leads = False
    caveat = "the unmodified photo has a better score than the smoothed imitations of classic"

    def values(self, luma: Values) -> Values:
        padded = cv2.copyMakeBorder(luma, 1, 1, 1, 1, cv2.BORDER_REPLICATE)
        gradient = np.hypot(padded[1:-1, 2:] - padded[1:-1, :-2], padded[2:, 1:-1] - padded[:-2, 1:-1])
        contrast = cv2.dilate(luma, _LOCAL) - cv2.erode(luma, _LOCAL)
        edge = (gradient >= cv2.dilate(gradient, np.ones((3, 3), np.uint8))) & (contrast > _EDGE)
        return np.clip(gradient[edge] / contrast[edge], 0, 1) if edge.any() else np.zeros(1, np.float32)


class Flatness(PixelDistribution):
    """The difference in flatness between fakes and real cartoons, in powers of two of the local deviation.

    The value of a pixel is log2(1 + s), with s the standard deviation of luma in the 5x5 square around it, in steps of
    1/255; 0 in a constant area.
    """

    name = "flatness"
    caveat = (
        "where cartoons have painted texture, effects that flatten everything score worse than the unmodified photo"
    )
    sees = frozenset({"blend", "noise", "texture"})
    ignores = frozenset({"color"})

    def values(self, luma: Values) -> Values:
        luma = luma.astype(np.float64)
        variance = cv2.blur(luma * luma, (5, 5)) - cv2.blur(luma, (5, 5)) ** 2
        return np.log2(1 + 255 * np.sqrt(np.maximum(variance, 0))).ravel().astype(np.float32)
