"""The layers of AnimeGAN's networks."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from toonlab.ops.layers import SameConv2d

SLOPE = 0.2  # of every LeakyReLU


class InstanceNorm(nn.GroupNorm):
    """Instance norm with a scale and a shift per channel, as `tf.contrib.layers.instance_norm`.

    Group norm with one channel per group, which on a CPU is faster than `nn.InstanceNorm2d`. In float32 it is
    inaccurate where a channel's mean is far above its deviation (2e-4 of the output of AnimeGAN's generator), so the
    mean is subtracted first; the gradient does not depend on it.
    """

    def __init__(self, channels: int, eps: float = 1e-5) -> None:
        super().__init__(channels, channels, eps)

    def forward(self, input: Tensor) -> Tensor:
        centred = input - input.detach().mean((2, 3), keepdim=True) if input.dtype == torch.float32 else input
        return F.group_norm(centred, self.num_groups, self.weight, self.bias, self.eps)


class ConvBlock(nn.Sequential):
    """Convolution with reflection padding, instance norm, LeakyReLU."""

    def __init__(self, inputs: int, outputs: int, kernel_size: int = 3, groups: int = 1) -> None:
        super().__init__(
            SameConv2d(inputs, outputs, kernel_size, groups=groups),
            InstanceNorm(outputs),
            nn.LeakyReLU(SLOPE, inplace=True),
        )


class SeparableBlock(nn.Sequential):
    """Depthwise 3x3, then 1x1 with nothing between them, instance norm, LeakyReLU."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__(
            SameConv2d(inputs, inputs, stride=stride, groups=inputs),
            SameConv2d(inputs, outputs, kernel_size=1),
            InstanceNorm(outputs, eps=1e-6),
            nn.LeakyReLU(SLOPE, inplace=True),
        )
