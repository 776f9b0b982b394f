"""Outline F1: the agreement of a fake's dark lines with the outlines of the true cartoon."""

from typing import Annotated

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor

from .bases import PictureMean

Mask = NDArray[np.bool_]
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601
_DARK = 0.1  # added to the surroundings' luma, since relative contrast near black is noise


class OutlineF1(PictureMean):
    """F1 of a fake's dark outlines against the true ones, averaged per picture.

    A pixel of the fake belongs to a dark line if it is darker than the surroundings of the line: with luma `y` in
    [0, 1] and its morphological closing `c` by a disc of diameter `width`, (c - y) / (c + 0.1) > `contrast`.
    The closing fills dark structures thinner than the disc, so an edge between two areas, a dark area or a dark
    picture are not lines.

    Precision is the share of detected pixels within `tolerance` of a true outline pixel, recall the share of
    true outline pixels within `tolerance` of a detected one, F1 their harmonic mean. If one of the two masks is
    empty all three are 0; if both are, 1. A picture full of dark speckle has full recall, and a precision of at
    most the share of speckle near an outline.

    Args:
        tolerance: the largest distance of matching lines in pixels, along rows and columns (Chebyshev).
        width: the widest line that counts, relative to the shorter side, so that resolution does not matter.
        contrast: the least contrast of a line, relative to its surroundings.
    """

    name = "outline_f1"
    needs = frozenset({"outline"})
    sees = frozenset({"blend", "outline_removal", "outline_shift"})
    ignores = frozenset({"color"})
    leads = False
    caveat = "patterns that ignore the scene score highly; `lines` is corrected for chance"

    def __init__(
        self,
        tolerance: Annotated[int, Field(ge=0)] = 1,
        width: Annotated[float, Field(gt=0, le=0.5)] = 0.04,
        contrast: Annotated[float, Field(gt=0, lt=1)] = 0.25,
    ) -> None:
        super().__init__()
        self.tolerance, self.width, self.contrast = tolerance, width, contrast

    def measure(self, fake: Tensor, outline: Tensor) -> dict[str, float]:
        found = dark_lines(fake, self.width, self.contrast)
        f1, precision, recall = match(found, outline.cpu().numpy(), self.tolerance)
        return {"outline_f1": f1, "outline_precision": precision, "outline_recall": recall}


def dark_lines(image: Tensor, width: float, contrast: float) -> Mask:
    """The mask of dark lines, `(H, W)`, of an image, `(3, H, W)` in [-1, 1]; see `OutlineF1`."""
    from skimage.morphology import disk  # OpenCV's is not symmetric

    luma = luminance(image)
    radius = max(1, round(width * min(luma.shape)) // 2)  # of a disc that has a centre
    surroundings = cv2.morphologyEx(luma, cv2.MORPH_CLOSE, disk(radius, strict_radius=False))
    return np.asarray((surroundings - luma) / (surroundings + _DARK) > contrast)


def luminance(image: Tensor) -> NDArray[np.float32]:
    """Luma of ITU-R BT.601 in [0, 1], `(H, W)`, of an image, `(3, H, W)` in [-1, 1]."""
    return np.asarray((image.permute(1, 2, 0).cpu().numpy() + 1) / 2 @ _LUMA, np.float32)


def match(found: Mask, true: Mask, tolerance: int) -> tuple[float, float, float]:
    """F1, precision and recall of two masks, `(H, W)` each, with a tolerance in pixels."""
    if not found.any() or not true.any():
        score = float(found.any() == true.any())
        return score, score, score
    precision = float(grown(true, tolerance)[found].mean())
    recall = float(grown(found, tolerance)[true].mean())
    return 2 * precision * recall / max(precision + recall, 1e-12), precision, recall


def grown(mask: Mask, pixels: int) -> Mask:
    """A mask dilated by some pixels along rows and columns."""
    square = np.ones((2 * pixels + 1, 2 * pixels + 1), np.uint8)
    return np.asarray(cv2.dilate(mask.astype(np.uint8), square), bool)
