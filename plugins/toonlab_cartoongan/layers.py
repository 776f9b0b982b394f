"""The layers of CartoonGAN's networks."""

from __future__ import annotations

from typing import Literal

from torch import nn


def convolution(
    inputs: int, outputs: int, kernel_size: int = 3, stride: int = 1, padding: Literal["zeros", "reflect"] = "zeros"
) -> nn.Conv2d:
    """A convolution with bias and a padding of half a kernel; strided, it rounds odd sides up."""
    return nn.Conv2d(inputs, outputs, kernel_size, stride, kernel_size // 2, padding_mode=padding)


def instance_norm(channels: int, affine: bool) -> nn.Module:
    """Instance norm (eps 1e-5) as a group norm with one channel per group: the same values, faster on a CPU."""
    return nn.GroupNorm(channels, channels, affine=affine)


def initialise(module: nn.Module) -> None:
    """N(0, 0.02) for kernels and 0 for biases, as both implementations do."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, std=0.02)
        assert module.bias is not None
        nn.init.zeros_(module.bias)
