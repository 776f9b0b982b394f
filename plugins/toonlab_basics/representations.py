"""Simple representations: unchanged colours, and luminance."""

from dataclasses import dataclass, replace
from typing import Literal

from torch import Tensor

from toonlab import Views, check_images
from toonlab.ops.filters import luminance


@dataclass(frozen=True)
class RGB:
    """The unchanged colours: the identity."""

    def __call__(self, views: Views) -> Views:
        return views


@dataclass(frozen=True)
class Grayscale:
    """Luminance, 0.299 R + 0.587 G + 0.114 B (ITU-R BT.601): structure without colour.

    `(N, 3, H, W)` -> `(N, channels, H, W)` in the same value range, since the weights add up to 1. Raises `PartError`
    if the views do not have 3 channels.

    Args:
        channels: 1, or 3 equal ones for a discriminator that also sees colour (as AnimeGAN's).
    """

    channels: Literal[1, 3] = 1

    def __call__(self, views: Views) -> Views:
        return replace(views, real=self._gray(views.real), fake=self._gray(views.fake))

    def _gray(self, images: Tensor) -> Tensor:
        check_images(images, "grayscale", channels=3)
        return luminance(images).expand(-1, self.channels, -1, -1)
