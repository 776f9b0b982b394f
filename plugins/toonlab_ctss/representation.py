"""The input of CTSS's patch critic: the structure of a patch, without colour and contrast."""

from __future__ import annotations

from dataclasses import dataclass, replace

from torch import Tensor

from toonlab import Views, check_images
from toonlab.ops.filters import full_precision, min_max


@dataclass(frozen=True)
class GrayMinMax:
    """The sum of the three channels, stretched to [0, 1] for each patch.

    (g - min) / (max - min + 1e-8), as in CTSS's `model.py`: `(N, 3, H, W)`, any range -> `(N, 1, H, W)` in [0, 1]. A
    constant patch becomes 0.
    """

    def __call__(self, views: Views) -> Views:
        return replace(views, real=_gray(views.real), fake=_gray(views.fake), value_range=(0.0, 1.0))


def _gray(images: Tensor) -> Tensor:
    check_images(images, "gray_minmax", channels=3)
    return min_max(full_precision(images).sum(dim=1, keepdim=True), (2, 3), eps=1e-8)
