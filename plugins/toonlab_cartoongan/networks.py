"""CartoonGAN's networks: a generator with residual blocks, and a discriminator of small patches.

As `networks.py` of its PyTorch code (znxlwm/pytorch-CartoonGAN), with what differs in its Lua code as options.
"""

from typing import Literal

import torch
from pydantic import PositiveInt
from torch import Tensor, nn

from toonlab.ops.checks import check_sides
from toonlab.ops.filters import full_precision

Padding = Literal["zeros", "reflect"]


def convolution(
    inputs: int, outputs: int, kernel_size: int = 3, stride: int = 1, padding: Padding = "zeros"
) -> nn.Conv2d:
    """A convolution with bias and a padding of half a kernel; strided, it rounds odd sides up."""
    return nn.Conv2d(inputs, outputs, kernel_size, stride, kernel_size // 2, padding_mode=padding)


def instance_norm(channels: int, affine: bool) -> nn.Module:
    """Instance norm (eps 1e-5) as a group norm with one channel per group: the same values, faster on a CPU."""
    return nn.GroupNorm(channels, channels, affine=affine)


def initialise(module: nn.Module) -> None:
    """Kernels from N(0, 0.02), biases 0, as both implementations do."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, std=0.02)
        assert module.bias is not None
        nn.init.zeros_(module.bias)


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions, each with its norm, and ReLU between them, added to the input."""

    def __init__(self, channels: int, padding: Padding, affine: bool) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            convolution(channels, channels, padding=padding),
            *_norm_and_relu(channels, affine),
            convolution(channels, channels, padding=padding),
            instance_norm(channels, affine),
        )

    def forward(self, features: Tensor) -> Tensor:
        return features + self.branch(features)


class CartoonGenerator(nn.Module):
    """CartoonGAN's generator: photo -> cartoon, `(B, 3, H, W)` in [-1, 1]; sides must be multiples of 4.

    Chen, Lai and Liu, "CartoonGAN", CVPR 2018, figure 2. The defaults are those of `networks.py` in its PyTorch code
    (znxlwm/pytorch-CartoonGAN); `padding: reflect` and `affine: true` are those of its Lua code
    (`models/architectures.lua`). Raises `PartError` for sides that are not multiples of 4, or below 8.

    Args:
        width: channels at full resolution; cost grows with its square. The original's 64 has 11,120,195 parameters.
        blocks: residual blocks; 8 in the paper and in the PyTorch code, 16 in the Lua code.
        padding: of the two 7x7 convolutions and of the residual blocks; the others pad with zeros.
        affine: instance norm with a scale and a shift per channel.
    """

    side_multiple, side_minimum = 4, 8

    def __init__(
        self, width: PositiveInt = 64, blocks: PositiveInt = 8, padding: Padding = "zeros", affine: bool = False
    ) -> None:
        super().__init__()
        half, quarter = 2 * width, 4 * width
        self.down = nn.Sequential(
            convolution(3, width, 7, padding=padding),
            *_norm_and_relu(width, affine),
            *_step(convolution(width, half, stride=2), half, affine),
            *_step(convolution(half, quarter, stride=2), quarter, affine),
        )
        self.blocks = nn.Sequential(*(ResidualBlock(quarter, padding, affine) for _ in range(blocks)))
        self.up = nn.Sequential(
            *_step(_double(quarter, half), half, affine),
            *_step(_double(half, width), width, affine),
            convolution(width, 3, 7, padding=padding),
        )
        self.apply(initialise)

    def forward(self, photo: Tensor) -> Tensor:
        check_sides(photo, "cartoongan: sides", multiple=4, smallest=8)
        cartoon = self.up(self.blocks(self.down(photo)))
        return torch.tanh(full_precision(cartoon))  # bf16 has fewer levels near -1 and 1 than a picture


def _step(resize: nn.Module, channels: int, affine: bool) -> list[nn.Module]:
    """A convolution that halves or doubles the sides, a second one, norm, ReLU."""
    return [resize, convolution(channels, channels), *_norm_and_relu(channels, affine)]


def _double(inputs: int, outputs: int) -> nn.Module:
    return nn.ConvTranspose2d(inputs, outputs, 3, stride=2, padding=1, output_padding=1)


def _norm_and_relu(channels: int, affine: bool) -> list[nn.Module]:
    return [instance_norm(channels, affine), nn.ReLU(inplace=True)]


class CartoonDiscriminator(nn.Module):
    """CartoonGAN's discriminator: `(B, in_channels, H, W)` -> logits `(B, 1, H/4, W/4)`, odd sides rounded up.

    Chen, Lai and Liu, "CartoonGAN", CVPR 2018, figure 2; `networks.py` of its PyTorch code (znxlwm/pytorch-CartoonGAN)
    without the final sigmoid, which belongs to the objective `bce`. The Lua code's (`models/architectures.lua`) has no
    sigmoid, and `affine: true`. Raises `PartError` for sides below 8.

    Args:
        in_channels: of the view; given by the engine.
        width: channels of the first convolution; cost grows with its square. The original's 32 has 1,128,385 parameters
            on 3 channels.
        affine: instance norm with a scale and a shift per channel.
    """

    def __init__(self, in_channels: PositiveInt, width: PositiveInt = 32, affine: bool = False) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            *_leaky(convolution(in_channels, width)),
            *_leaky(convolution(width, 2 * width, stride=2)),
            *_leaky(convolution(2 * width, 4 * width), instance_norm(4 * width, affine)),
            *_leaky(convolution(4 * width, 4 * width, stride=2)),
            *_leaky(convolution(4 * width, 8 * width), instance_norm(8 * width, affine)),
            *_leaky(convolution(8 * width, 8 * width), instance_norm(8 * width, affine)),
            convolution(8 * width, 1),
        )
        self.apply(initialise)

    def forward(self, view: Tensor) -> Tensor:
        check_sides(view, "cartoongan: a view's sides", smallest=8)
        return self.layers(view)


def _leaky(*layers: nn.Module) -> list[nn.Module]:
    return [*layers, nn.LeakyReLU(0.2, inplace=True)]
