"""Preservation of the photo's content: edges and luminance of the fake against those of the photo.

The unmodified photo has the best score, so these never lead a table; they detect a fake that shows another scene.
"""

from typing import Annotated

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor

from .bases import PictureMean
from .closeness import ssim
from .outline import luminance, match

_KEPT = "content kept, not cartoon-ness: the unmodified photo has the best score"


class ContentEdges(PictureMean):
    """F1 of a fake's edges against the photo's, averaged per picture.

    Canny's edges of the smoothed luma; the thresholds are quantiles of the picture's own gradient, so that contrast
    does not matter: every picture has about the same number of edge pixels before thinning.

    Canny, "A computational approach to edge detection", IEEE TPAMI 1986.

    Args:
        tolerance: distance in pixels, along rows and columns, at which edges still match.
        share: of the pixels with the steepest gradients, where edges start; edges may continue along twice as many.
    """

    name = "content_edges"
    sees = frozenset({"outline_shift"})
    ignores = frozenset({"color"})
    best = "identity"
    leads = False
    caveat = _KEPT

    def __init__(
        self,
        tolerance: Annotated[int, Field(ge=0)] = 1,
        share: Annotated[float, Field(gt=0, le=0.4)] = 0.1,
    ) -> None:
        super().__init__()
        self.tolerance, self.share = tolerance, share

    def measure(self, fake: Tensor, photo: Tensor) -> dict[str, float]:
        f1, *_ = match(edges(fake, self.share), edges(photo, self.share), self.tolerance)
        return {"content_edges": f1}


class ContentSSIM(PictureMean):
    """SSIM of a fake's luma against the photo's, at most 1, averaged per picture; defined as `ssim` is."""

    name = "content_ssim"
    sees = frozenset({"noise", "texture"})
    best = "identity"
    leads = False
    caveat = _KEPT

    def measure(self, fake: Tensor, photo: Tensor) -> dict[str, float]:
        fake, photo = (torch.from_numpy(luminance(image))[None] * 2 - 1 for image in (fake, photo))
        return {"content_ssim": ssim(fake, photo, self.name)}


def edges(image: Tensor, share: float) -> NDArray[np.bool_]:
    """Where an image, `(3, H, W)` in [-1, 1], has edges, `(H, W)`; `ContentEdges` defines them."""
    smooth = cv2.GaussianBlur(luminance(image), (0, 0), 1.0)
    across, down = (cv2.Sobel(smooth, cv2.CV_32F, *order) for order in ((1, 0), (0, 1)))
    scale = 8000 / max(float(np.hypot(across, down).max()), 1e-6)  # Canny takes 16-bit gradients
    across, down = ((gradient * scale).astype(np.int16) for gradient in (across, down))
    steepness = np.hypot(across.astype(np.float32), down.astype(np.float32))
    low, high = (max(float(np.quantile(steepness, 1 - times * share)), 1.0) for times in (2, 1))
    return np.asarray(cv2.Canny(across, down, low, high, L2gradient=True) > 0)
