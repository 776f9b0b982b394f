"""Metrics inside the regions of the true cartoon: the error of their colours, and residual texture."""

from typing import Annotated

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor

from .bases import PictureMean
from .outline import Mask, grown

Image = NDArray[np.float32]
_DEVIATION = 1.4826  # of a Gaussian, in medians of its absolute value
_SOFT = 1  # pixels: as far as a line's soft border goes beyond its mask


class FlatColorError(PictureMean):
    """The distance of the regions' colours from the true flat ones: mean ΔE2000 per region, averaged per picture.

    About 1 is just noticeable, 0 is equal, 100 is black instead of white. A region's colour is the median of each
    channel over its interior, which is robust to fine texture and thin lines. All regions of at least `smallest`
    interior pixels have the same weight.

    Sharma, Wu and Dalal, "The CIEDE2000 color-difference formula", Color Research and Application 2005.

    Args:
        smallest: the fewest interior pixels of a region that counts; the largest region always counts.
        margin: distance of interior pixels from borders and outlines, in pixels.
    """

    name = "flat_color_error"
    needs = frozenset({"flat", "regions", "outline"})
    higher_is_better = False
    sees = frozenset({"blend", "color"})
    ignores = frozenset({"outline_removal"})
    leads = False
    caveat = "the unmodified photo is closer to the cartoon's colours than an effect that only guesses them"

    def __init__(
        self, smallest: Annotated[int, Field(gt=0)] = 16, margin: Annotated[int, Field(ge=0, le=8)] = 1
    ) -> None:
        super().__init__()
        self.smallest, self.margin = smallest, margin

    def measure(self, fake: Tensor, flat: Tensor, regions: Tensor, outline: Tensor) -> dict[str, float]:
        from skimage.color import deltaE_ciede2000

        numbers = regions.cpu().numpy()
        inside = interior(numbers, outline.cpu().numpy(), self.margin)
        if not inside.any():
            return {}
        colors = [lab(medians(image, numbers, inside, self.smallest)) for image in (fake, flat)]
        return {"flat_color_error": float(np.mean(deltaE_ciede2000(*colors)))}


class ResidualTexture(PictureMean):
    """Texture inside regions that should be flat: the fine detail of lightness L*, averaged per picture.

    Fine detail is the difference of a pixel from the mean of the square around it; for interior pixels the square is in
    one region. The result is 1.4826 times the median of its absolute value, an estimate of the standard deviation. 0 is
    flat; L* ranges from 0 to 100. Colours, slow gradients and lines do not change it, since they affect less than half
    of the pixels.

    Args:
        margin: the square has a side of `2 * margin + 1` pixels.
    """

    name = "residual_texture"
    needs = frozenset({"flat", "regions", "outline"})
    higher_is_better = False
    sees = frozenset({"blend", "noise", "texture"})
    ignores = frozenset({"color", "outline_removal"})
    leads = False
    caveat = "a blank picture has the best score"

    def __init__(self, margin: Annotated[int, Field(ge=1, le=8)] = 2) -> None:
        super().__init__()
        self.margin = margin

    def measure(self, fake: Tensor, flat: Tensor, regions: Tensor, outline: Tensor) -> dict[str, float]:
        inside = interior(regions.cpu().numpy(), outline.cpu().numpy(), self.margin)
        if not inside.any():
            return {}
        side = 2 * self.margin + 1
        lightness = [np.ascontiguousarray(lab(image)[..., 0]) for image in (fake, flat)]
        detail = [plane - cv2.blur(plane, (side, side)) for plane in lightness]
        return {"residual_texture": _DEVIATION * float(np.median(np.abs(detail[0] - detail[1])[inside]))}


def medians(image: Tensor, regions: NDArray[np.int64], inside: Mask, smallest: int) -> Tensor:
    """The median of each channel over each region's interior pixels: `(3, H, W)` -> `(3, R, 1)`.

    Of regions with at least `smallest` such pixels; if there are none, of the largest.
    """
    from scipy.ndimage import median

    numbers, count = np.unique(regions[inside], return_counts=True)
    large = numbers[count >= min(smallest, count.max())]
    found = [median(plane[inside], regions[inside], large) for plane in image.cpu().numpy()]
    return torch.from_numpy(np.stack(found))[..., None]


def interior(regions: NDArray[np.int64], outline: Mask, margin: int) -> Mask:
    """The pixels whose surroundings of `margin` pixels along rows and columns are in their own region.

    The colours of two regions may blend at their border, and a line at its own. `regions`, a number for each
    region, and `outline` are `(H, W)`.
    """
    _, numbers = np.unique(regions, return_inverse=True)
    numbers = numbers.reshape(regions.shape).astype(np.float32)  # a type that OpenCV filters; exact up to 16 million
    square = np.ones((2 * margin + 1, 2 * margin + 1), np.uint8)
    uniform = np.asarray(cv2.dilate(numbers, square) == cv2.erode(numbers, square))
    return uniform & ~grown(outline, margin + _SOFT)


def lab(image: Tensor) -> Image:
    """CIELAB (D65, 2 degrees) of an sRGB image, `(3, H, W)` in [-1, 1] -> `(H, W, 3)`."""
    from skimage.color import rgb2lab

    return np.asarray(rgb2lab((image.permute(1, 2, 0).cpu().numpy().astype(np.float32) + 1) / 2))
