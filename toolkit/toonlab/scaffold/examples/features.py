"""The features `example`: fixed filters for borders of several directions, and coarse colours."""

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
    """Derivatives of luminance in several directions, and the mean colour of 2x2 pixels; nothing learnt or downloaded.

    `(B, 3, H, W)` in [-1, 1] -> `(B, directions + 3, H/2, W/2)`, sides rounded up.

    Args:
        directions: of the derivatives, evenly spread over half a turn.
        sigma: of the Gaussian that they smooth with, in pixels.
    """

    filters: Tensor

    def __init__(self, directions: Annotated[int, Field(gt=0)] = 6, sigma: Annotated[float, Field(gt=0)] = 1.0) -> None:
        super().__init__()
        self.register_buffer("filters", _filters(directions, sigma))

    def forward(self, images: Tensor) -> Tensor:
        check_images(images, "example", channels=3)
        radius = self.filters.shape[-1] // 2
        gray = F.pad(luminance(images), (radius, radius, radius, radius), mode="replicate")
        borders = F.conv2d(gray, self.filters.to(gray.dtype), stride=2)
        return torch.cat([borders, F.avg_pool2d(images, 2, ceil_mode=True)], dim=1)


def _filters(directions: int, sigma: float) -> Tensor:
    """Derivatives of a Gaussian, `(directions, 1, s, s)`: each has mean 0, and its absolute values add up to 2."""
    radius = math.ceil(3 * sigma)
    y, x = torch.meshgrid(*[torch.arange(-radius, radius + 1.0)] * 2, indexing="ij")
    angles = (torch.arange(directions) * math.pi / directions)[:, None, None]
    slopes = (x * angles.cos() + y * angles.sin()) * torch.exp(-(x.square() + y.square()) / (2 * sigma**2))
    return (2 * slopes / slopes.abs().sum(dim=(1, 2), keepdim=True))[:, None]


@hookimpl
def register_features() -> Mapping[str, FeaturesFactory]:
    return {"example": ExampleFeatures}
