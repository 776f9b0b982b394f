"""Inside the regions of the true cartoon: is the colour right, and is what should be flat flat?"""

from __future__ import annotations

from abc import abstractmethod
from typing import Annotated

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor

from toonlab import Sample

from .outline import grown
from .pictures import Averaged

Image = NDArray[np.float32]
Mask = NDArray[np.bool_]
_DEVIATION = 1.4826  # of a Gaussian, in medians of its absolute value
_SOFT = 1  # pixels: as far as a line's soft border goes beyond its mask


class Interiors(Averaged):
    """What both metrics look at: pixels whose whole square of `2 * margin + 1` lies in one region, off the outlines.

    Pixels at borders are left out, since blending there is nobody's mistake.
    """

    needs = frozenset({"flat", "regions", "outline"})
    higher_is_better = False

    def __init__(self, margin: int) -> None:
        super().__init__()
        self.margin = margin

    def update(self, fake: Tensor, sample: Sample) -> None:
        flat = self.known(sample, "flat")
        fake = self.checked(fake, sample, tuple(flat.shape[-2:]))
        regions = self.known(sample, "regions").cpu().numpy()
        inside = interior(regions, self.known(sample, "outline").cpu().numpy(), self.margin)
        if inside.any():  # a picture that is all border says nothing
            self._pictures.append({self.name: self.judge(fake, flat, regions, inside)})

    @abstractmethod
    def judge(self, fake: Tensor, flat: Tensor, regions: NDArray[np.int64], inside: Mask) -> float:
        """The result of one picture: fake and flat truth, `(3, H, W)` in [-1, 1]."""


class FlatColorError(Interiors):
    """How far the regions' colours are from the true flat ones: mean ΔE2000 per region, averaged per picture.

    About 1 is just noticeable, 0 is right, 100 is black for white. A region's colour is the median of each channel
    over its interior, so fine texture and a stray line hardly count. Each region of at least `smallest` interior pixels
    counts once, however large it is.

    Sharma, Wu and Dalal, "The CIEDE2000 color-difference formula", Color Research and Application 2005.

    Args:
        smallest: interior pixels that a region must have to count; the largest counts in any case.
        margin: distance in pixels that interior pixels keep from borders and outlines.
    """

    name = "flat_color_error"
    sees = frozenset({"color"})
    ignores = frozenset({"outline_removal"})
    leads = False
    caveat = "the untouched photo is nearer to the cartoon's colours than an effect that only guesses them"

    def __init__(
        self, smallest: Annotated[int, Field(gt=0)] = 16, margin: Annotated[int, Field(ge=0, le=8)] = 1
    ) -> None:
        super().__init__(margin)
        self.smallest = smallest

    def judge(self, fake: Tensor, flat: Tensor, regions: NDArray[np.int64], inside: Mask) -> float:
        from skimage.color import deltaE_ciede2000

        colors = [lab(medians(image, regions, inside, self.smallest)) for image in (fake, flat)]
        return float(np.mean(deltaE_ciede2000(*colors)))


class ResidualTexture(Interiors):
    """Texture left inside regions that should be flat: the fine detail of lightness L*, averaged per picture.

    Fine detail is what a pixel differs by from the mean of the square around it, of which interior pixels have all
    in one region. Its size is 1.4826 times the median over them, the deviation if it is Gaussian. 0 is flat; L* goes
    from 0 to 100. It has no opinion on colours, slow gradients or lines, which half of the pixels know nothing of.

    Args:
        margin: half the side of that square, less a half, in pixels.
    """

    name = "residual_texture"
    sees = frozenset({"noise", "texture"})
    ignores = frozenset({"color", "outline_removal"})

    def __init__(self, margin: Annotated[int, Field(ge=1, le=8)] = 2) -> None:
        super().__init__(margin)

    def judge(self, fake: Tensor, flat: Tensor, regions: NDArray[np.int64], inside: Mask) -> float:
        side = 2 * self.margin + 1
        lightness = [np.ascontiguousarray(lab(image)[..., 0]) for image in (fake, flat)]
        detail = [plane - cv2.blur(plane, (side, side)) for plane in lightness]
        return _DEVIATION * float(np.median(np.abs(detail[0] - detail[1])[inside]))


def medians(image: Tensor, regions: NDArray[np.int64], inside: Mask, smallest: int) -> Tensor:
    """The median of each channel over each region's pixels that are inside: `(3, H, W)` -> `(3, R, 1)`.

    Regions of at least `smallest` such pixels, or, if there are none, the largest.
    """
    _, index, count = np.unique(regions[inside], return_inverse=True, return_counts=True)
    first = np.cumsum(count) - count
    large = count >= min(smallest, count.max())
    found = []
    for plane in image.cpu().numpy():
        values = plane[inside][np.lexsort((plane[inside], index))]
        found.append((values[first + (count - 1) // 2] + values[first + count // 2])[large] / 2)
    return torch.from_numpy(np.stack(found))[..., None]


def interior(regions: NDArray[np.int64], outline: Mask, margin: int) -> Mask:
    """Pixels that see nothing but their own region within `margin` pixels, along rows and columns.

    Args:
        regions: `(H, W)`, a number for each region.
        outline: `(H, W)`.
    """
    _, numbers = np.unique(regions, return_inverse=True)
    numbers = numbers.reshape(regions.shape).astype(np.float32)  # what OpenCV can filter; exact up to 16 million
    square = np.ones((2 * margin + 1, 2 * margin + 1), np.uint8)
    alone = np.asarray(cv2.dilate(numbers, square) == cv2.erode(numbers, square))
    return alone & ~grown(outline, margin + _SOFT)


def lab(image: Tensor) -> Image:
    """CIELAB (D65, 2 degrees) of an sRGB image, `(3, H, W)` in [-1, 1] -> `(H, W, 3)`."""
    from skimage.color import rgb2lab

    return np.asarray(rgb2lab((image.permute(1, 2, 0).cpu().numpy().astype(np.float32) + 1) / 2))
