"""Non-learned generators: the unmodified photo, and the base of those that draw, with mean shift and superpixels."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor, nn

from toonlab import Tunable
from toonlab.ops.levels import to_float, to_levels

Pixels = NDArray[np.uint8]  # (H, W, 3) RGB
REFERENCE = 256  # pixels: parameters in pixels refer to this shorter side


class Identity(nn.Module):
    """The unmodified photo: the floor of every comparison.

    `(B, 3, H, W)` in [-1, 1] -> the same tensor. A metric that ranks it first does not measure cartoonization.
    """

    floor = True

    def __init__(self) -> None:  # nn.Module's takes any arguments, and the signature is the schema
        super().__init__()

    def forward(self, photo: Tensor) -> Tensor:
        return photo


class Drawing(nn.Module, ABC):
    """A generator without learned weights; subclasses are dataclasses of their parameters, and implement `draw`.

    `(B, 3, H, W)` in [-1, 1] -> the same, rounded to 256 levels; deterministic and without a gradient.
    """

    def __post_init__(self) -> None:
        super().__init__()

    @abstractmethod
    def draw(self, photo: Pixels) -> Pixels:
        """The drawing of one photo, of the same size."""

    @torch.no_grad()
    def forward(self, photo: Tensor) -> Tensor:
        levels = to_levels(photo)
        pictures = levels.movedim(1, -1).contiguous().cpu().numpy()  # (B, H, W, 3)
        drawn = torch.from_numpy(np.stack([self.draw(picture) for picture in pictures]))
        return to_float(drawn.to(photo.device).movedim(-1, 1)).to(photo.dtype).contiguous()


def scale_of(photo: Pixels) -> float:
    """The picture's shorter side, relative to 256 pixels."""
    return min(photo.shape[:2]) / REFERENCE


@dataclass(eq=False, repr=False)
class MeanShift(Drawing):
    """Flat areas with sharp borders, without lines: mean-shift filtering over a pyramid (`cv2.pyrMeanShiftFiltering`).

    Comaniciu and Meer, "Mean shift: a robust approach toward feature space analysis", PAMI 2002.

    Args:
        radius: of the window in the plane, in pixels of a picture whose shorter side has 256; grows with it.
        color_radius: of the window in RGB, in levels of 0 … 255.
        levels: of the pyramid above the picture itself.
    """

    radius: Annotated[float, Field(gt=0), Tunable(4, 20)] = 10.0
    color_radius: Annotated[float, Field(gt=0), Tunable(10, 60)] = 30.0
    levels: Annotated[int, Field(ge=0, le=8)] = 1

    def draw(self, photo: Pixels) -> Pixels:
        radius = max(1.0, self.radius * scale_of(photo))
        return np.asarray(cv2.pyrMeanShiftFiltering(photo, radius, self.color_radius, maxLevel=self.levels), np.uint8)


@dataclass(eq=False, repr=False)
class Superpixel(Drawing):
    """Every superpixel in its mean colour: flat areas of any shape, without lines.

    Args:
        method: `felzenszwalb` (Felzenszwalb and Huttenlocher, "Efficient graph-based image segmentation", IJCV 2004),
            large where the photo is even and small where it is not, or `slic` (Achanta et al., "SLIC superpixels
            compared to state-of-the-art superpixel methods", PAMI 2012), all of about one size; scikit-image's.
        scale: of `felzenszwalb`: higher makes larger ones.
        smallest: of `felzenszwalb`: pixels in the smallest, for a picture whose shorter side has 256; grows with it.
        count: of `slic`: about how many.
        compactness: of `slic`, in units of Lab: higher makes rounder ones.
    """

    method: Literal["felzenszwalb", "slic"] = "felzenszwalb"
    scale: Annotated[float, Field(gt=0), Tunable(20, 500, log=True)] = 100.0
    smallest: Annotated[int, Field(gt=0), Tunable(5, 200, log=True)] = 20
    count: Annotated[int, Field(gt=0), Tunable(50, 2000, log=True)] = 400
    compactness: Annotated[float, Field(gt=0), Tunable(1, 40, log=True)] = 10.0

    def draw(self, photo: Pixels) -> Pixels:
        return mean_colors(photo, self.segments(photo))

    def segments(self, photo: Pixels) -> NDArray[np.int64]:
        """The number of each pixel's superpixel, from 0."""
        from skimage.segmentation import felzenszwalb, slic

        if self.method == "slic":
            return slic(photo, self.count, self.compactness, start_label=0)
        return felzenszwalb(photo, self.scale, min_size=max(1, round(self.smallest * scale_of(photo) ** 2)))


@dataclass(eq=False, repr=False)
class CannyInk(Drawing):
    """The photo with its edges painted black: Canny's, of the gray picture, without smoothing.

    A baseline that shows what a metric of lines gives to edges that are no outlines.

    Args:
        low: the lower threshold, in levels; the upper one is twice as high.
    """

    low: Annotated[int, Field(gt=0, le=500), Tunable(20, 200)] = 50

    def draw(self, photo: Pixels) -> Pixels:
        edges = cv2.Canny(cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY), self.low, 2 * self.low)
        return np.where(edges[..., None] > 0, 0, photo).astype(np.uint8)


@dataclass(eq=False, repr=False)
class Dots(Drawing):
    """The photo with black dots at regular distances: a baseline that no metric should rank above the photo.

    Args:
        period: the distance of dots, in pixels.
    """

    floor: ClassVar = True
    period: Annotated[int, Field(gt=0)] = 3

    def draw(self, photo: Pixels) -> Pixels:
        drawn = photo.copy()
        drawn[:: self.period, :: self.period] = 0
        return drawn


def mean_colors(photo: Pixels, segments: NDArray[np.int64]) -> Pixels:
    """`(H, W, 3)` levels and `(H, W)` segments' numbers from 0 -> every pixel in its segment's mean colour."""
    numbers = segments.ravel()
    sizes = np.maximum(np.bincount(numbers), 1)  # a number may be left out
    sums = [np.bincount(numbers, photo[..., channel].ravel()) for channel in range(3)]
    means = np.stack(sums, axis=-1) / sizes[:, None]
    return means.round().astype(np.uint8)[segments]
