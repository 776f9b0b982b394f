"""Superpixels in their mean colours."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from toonlab import Tunable

from .drawing import Drawing, Pixels, scale_of


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

    def __init__(
        self,
        method: Literal["felzenszwalb", "slic"] = "felzenszwalb",
        scale: Annotated[float, Field(gt=0), Tunable(20, 500, log=True)] = 100.0,
        smallest: Annotated[int, Field(gt=0), Tunable(5, 200, log=True)] = 20,
        count: Annotated[int, Field(gt=0), Tunable(50, 2000, log=True)] = 400,
        compactness: Annotated[float, Field(gt=0), Tunable(1, 40, log=True)] = 10.0,
    ) -> None:
        super().__init__()
        self.method, self.scale, self.smallest = method, scale, smallest
        self.count, self.compactness = count, compactness

    def draw(self, photo: Pixels) -> Pixels:
        return mean_colors(photo, self.segments(photo))

    def segments(self, photo: Pixels) -> NDArray[np.int64]:
        """The number of each pixel's superpixel, from 0."""
        from skimage.segmentation import felzenszwalb, slic

        if self.method == "slic":
            return slic(photo, self.count, self.compactness, start_label=0)
        return felzenszwalb(photo, self.scale, min_size=max(1, round(self.smallest * scale_of(photo) ** 2)))


def mean_colors(photo: Pixels, segments: NDArray[np.int64]) -> Pixels:
    """`(H, W, 3)` levels and `(H, W)` segments' numbers from 0 -> every pixel in its segment's mean colour."""
    numbers = segments.ravel()
    sizes = np.maximum(np.bincount(numbers), 1)  # a number may be left out
    sums = [np.bincount(numbers, photo[..., channel].ravel()) for channel in range(3)]
    means = np.stack(sums, axis=-1) / sizes[:, None]
    return means.round().astype(np.uint8)[segments]
