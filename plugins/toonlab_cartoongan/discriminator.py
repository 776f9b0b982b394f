"""CartoonGAN's discriminator: logits of small patches, at a quarter of the image's size."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from torch import Tensor, nn

from toonlab.ops.checks import check_sides

from .layers import convolution, initialise, instance_norm


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

    def __init__(
        self,
        in_channels: Annotated[int, Field(gt=0)],
        width: Annotated[int, Field(gt=0)] = 32,
        affine: bool = False,
    ) -> None:
        super().__init__()
        double, fourfold, eightfold = 2 * width, 4 * width, 8 * width
        self.layers = nn.Sequential(
            convolution(in_channels, width),
            _leaky(),
            convolution(width, double, stride=2),
            _leaky(),
            convolution(double, fourfold),
            instance_norm(fourfold, affine),
            _leaky(),
            convolution(fourfold, fourfold, stride=2),
            _leaky(),
            convolution(fourfold, eightfold),
            instance_norm(eightfold, affine),
            _leaky(),
            convolution(eightfold, eightfold),
            instance_norm(eightfold, affine),
            _leaky(),
            convolution(eightfold, 1),
        )
        self.apply(initialise)

    def forward(self, view: Tensor) -> Tensor:
        check_sides(view, "cartoongan: a view's sides", smallest=8)
        return self.layers(view)


def _leaky() -> nn.Module:
    return nn.LeakyReLU(0.2, inplace=True)
