"""Features of a fixed random network, which needs no weights."""

from __future__ import annotations

import math
from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor

from toonlab.ops.levels import to_float

_WIDTHS = (32, 64, 128, 256)
NAME = "random network, seed 0"


@torch.no_grad()
def random_features(images: Tensor) -> Tensor:
    """`(B, 3, H, W)` uint8 -> `(B, 960)`: mean and deviation of the channels of four random 3x3 convolutions.

    Strides of 2, LeakyReLU, He initialisation; no resizing, since the number of statistics does not depend on the size.
    """
    maps = to_float(images)
    found = []
    for weight in _weights():
        maps = F.leaky_relu(F.conv2d(F.pad(maps, (1, 1, 1, 1), "replicate"), weight, stride=2), 0.2)
        found += [maps.mean((2, 3)), maps.std((2, 3))]
    return torch.cat(found, dim=1)


@cache
def _weights() -> list[Tensor]:
    draws = torch.Generator().manual_seed(0)
    inputs = (3, *_WIDTHS)
    shapes = [(outputs, fan, 3, 3) for fan, outputs in zip(inputs, _WIDTHS, strict=False)]
    return [torch.randn(shape, generator=draws) * math.sqrt(2 / (1.04 * 9 * shape[1])) for shape in shapes]
