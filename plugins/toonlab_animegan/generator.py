"""AnimeGAN's generator: separable convolutions down and up, eight inverted residual blocks between them."""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from toonlab.ops.checks import check_sides
from toonlab.ops.filters import full_precision
from toonlab.ops.layers import SameConv2d, truncated_normal_, upsample2x

from .layers import ConvBlock, InstanceNorm, SeparableBlock

BLOCKS = 8


class InvertedResidual(nn.Module):
    """Twice as many channels, depthwise 3x3, then linear back to as many as before; added to the input.

    Sandler et al., "MobileNetV2", CVPR 2018.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        hidden = 2 * channels
        self.expand = ConvBlock(channels, hidden, kernel_size=1)
        self.depthwise = ConvBlock(hidden, hidden, groups=hidden)
        self.project = nn.Sequential(SameConv2d(hidden, channels, kernel_size=1), InstanceNorm(channels))

    def forward(self, features: Tensor) -> Tensor:
        branch: Tensor = self.project(self.depthwise(self.expand(features)))
        return branch.add_(features)  # in place: the norm's gradient needs only its input


class Down(nn.Module):
    """Half the size, as the sum of two paths: one with a stride of 2, one of every second row and column."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.strided = SeparableBlock(inputs, outputs, stride=2)
        self.thinned = SeparableBlock(inputs, outputs)

    def forward(self, features: Tensor) -> Tensor:
        # TensorFlow 1's bilinear resize to half the size has no half-pixel centres: it takes these pixels as they are
        return self.strided(features) + self.thinned(features[..., ::2, ::2])


class AnimeGANGenerator(nn.Module):
    """AnimeGAN's generator; sides must be multiples of 4.

    `G_net` of its code (`net/generator.py`): photo -> cartoon, `(B, 3, H, W)` in [-1, 1]. Raises `PartError` for other
    sides, or below 8.

    Args:
        width: channels at full resolution; cost grows with its square. The original's 64 has 3,956,096 parameters.
    """

    side_multiple = 4

    def __init__(self, width: Annotated[int, Field(gt=0)] = 64) -> None:
        super().__init__()
        full, half, quarter = width, 2 * width, 4 * width
        self.b1 = nn.Sequential(ConvBlock(3, full), ConvBlock(full, full), Down(full, half))
        self.b2 = nn.Sequential(ConvBlock(half, half), SeparableBlock(half, half), Down(half, quarter))
        self.m = nn.Sequential(
            ConvBlock(quarter, quarter),
            *(InvertedResidual(quarter) for _ in range(BLOCKS)),
            ConvBlock(quarter, quarter),
        )
        self.u2 = nn.Sequential(SeparableBlock(quarter, half), SeparableBlock(half, half), ConvBlock(half, half))
        self.u1 = nn.Sequential(SeparableBlock(half, half), ConvBlock(half, full), ConvBlock(full, full))
        self.out = SameConv2d(full, 3, kernel_size=1)
        self.apply(_initialise)

    def forward(self, photo: Tensor) -> Tensor:
        check_sides(photo, "animegan: sides", multiple=4, smallest=8)
        quarter = self.m(self.b2(self.b1(photo)))  # (B, 4*width, H/4, W/4)
        half = self.u2(upsample2x(quarter))  # (B, 2*width, H/2, W/2)
        full = self.u1(upsample2x(half))  # (B, width, H, W)
        return torch.tanh(full_precision(self.out(full)))  # bf16 has fewer levels near -1 and 1 than a picture


def _initialise(module: nn.Module) -> None:
    """Glorot and Bengio's uniform weights, except for the depthwise convolutions of the residual blocks."""
    if isinstance(module, SameConv2d):
        nn.init.xavier_uniform_(module.weight)
    elif isinstance(module, InvertedResidual):  # visited after its convolutions
        truncated_normal_(module.depthwise.get_parameter("0.weight"), std=0.02)
