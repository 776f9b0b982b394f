"""The features `example`: fixed filters for lines of several directions, and coarse colours."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from toonlab import FeaturesFactory, check_images, hookimpl
from toonlab.ops.filters import luminance


class ExampleFeatures(nn.Module):
    """Answers of Gabor filters to luminance, and the mean colour of 2x2 pixels; nothing is learnt, nothing downloaded.

    `(B, 3, H, W)` in [-1, 1] -> `(B, 2 * directions + 3, H/2, W/2)`, sides rounded up: for each direction a filter that
    answers to lines and one that answers to borders (Daugman, "Uncertainty relation for resolution in space, spatial
    frequency, and orientation optimized by two-dimensional visual cortical filters", JOSA A 1985).

    Args:
        directions: of lines, evenly spread.
        wavelength: of the filters, in pixels.
    """

    filters: Tensor

    def __init__(
        self, directions: Annotated[int, Field(gt=0)] = 6, wavelength: Annotated[float, Field(ge=2)] = 4.0
    ) -> None:
        super().__init__()
        self.register_buffer("filters", _filters(directions, wavelength))

    def forward(self, images: Tensor) -> Tensor:
        check_images(images, "example", channels=3)
        radius = self.filters.shape[-1] // 2
        gray = F.pad(luminance(images), (radius, radius, radius, radius), mode="replicate")
        lines = F.conv2d(gray, self.filters.to(gray.dtype), stride=2)
        return torch.cat([lines, F.avg_pool2d(images, 2, ceil_mode=True)], dim=1)


def _filters(directions: int, wavelength: float) -> Tensor:
    """`(2 * directions, 1, s, s)`, each of mean 0, its absolute values adding up to 2."""
    radius = math.ceil(wavelength)
    y, x = torch.meshgrid(*[torch.arange(-radius, radius + 1.0)] * 2, indexing="ij")
    window = torch.exp(-(x.square() + y.square()) / (wavelength * wavelength / 2))
    found = []
    for angle in torch.arange(directions) * math.pi / directions:
        phase = 2 * math.pi * (x * torch.cos(angle) + y * torch.sin(angle)) / wavelength
        for wave in (torch.cos(phase), torch.sin(phase)):
            centred = window * (wave - (window * wave).sum() / window.sum())
            found.append(2 * centred / centred.abs().sum())
    return torch.stack(found)[:, None]


@hookimpl
def register_features() -> Mapping[str, FeaturesFactory]:
    return {"example": ExampleFeatures}
