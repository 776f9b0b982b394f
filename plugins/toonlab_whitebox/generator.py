"""White-box's generator: a U-Net with additive skips, and a guided filter of its output along the photo's edges."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from torch import Tensor, nn

from toonlab.ops.checks import check_sides
from toonlab.ops.filters import full_precision, guided_filter
from toonlab.ops.layers import upsample2x

from .layers import convolution, halving

SLOPE = 0.2


class ResidualBlock(nn.Module):
    """Two convolutions with LeakyReLU between them, added to the input."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.branch = nn.Sequential(_activated(convolution(channels, channels)), convolution(channels, channels))

    def forward(self, features: Tensor) -> Tensor:
        return features + self.branch(features)


class WhiteboxUNet(nn.Module):
    """White-box's generator, with an output that follows the photo's edges; sides must be multiples of 4.

    `unet_generator` of its code (`train_code/network.py`), with the guided filter of `train.py` and of the inference:
    photo -> cartoon, `(B, 3, H, W)` in [-1, 1]. There is no norm and no tanh, so that the output may exceed the range.
    Raises `PartError` for other sides.

    Args:
        width: channels at full resolution; cost grows with its square. The original's 32 has 1,467,075 parameters.
        guided_radius: of the output's filter, which is guided by the photo; in pixels, 0 for none.
        guided_eps: of that filter in training: how little contrast in the photo is smoothed away, in squared units of
            [-1, 1].
        guided_eps_inference: the same for inference; a smaller value keeps more detail.
    """

    side_multiple = 4
    bounded = False  # linear, as in the authors' code; evaluation clamps

    def __init__(
        self,
        width: Annotated[int, Field(gt=0)] = 32,
        guided_radius: Annotated[int, Field(ge=0)] = 1,
        guided_eps: Annotated[float, Field(gt=0)] = 1e-2,
        guided_eps_inference: Annotated[float, Field(gt=0)] = 5e-3,
    ) -> None:
        super().__init__()
        self.guided_radius, self.guided_eps, self.guided_eps_inference = guided_radius, guided_eps, guided_eps_inference
        full, half, quarter = width, 2 * width, 4 * width
        self.full_down = _activated(convolution(3, full, 7))
        self.half_down = _activated(halving(full, full), convolution(full, half))
        self.quarter = nn.Sequential(
            _activated(halving(half, half), convolution(half, quarter)),
            *(ResidualBlock(quarter) for _ in range(4)),
            _activated(convolution(quarter, half)),
        )
        self.half_up = _activated(convolution(half, half), convolution(half, full))
        self.full_up = nn.Sequential(_activated(convolution(full, full)), convolution(full, 3, 7))

    def forward(self, photo: Tensor) -> Tensor:
        check_sides(photo, "whitebox_unet: sides", multiple=4)
        full = self.full_down(photo)  # (B, width, H, W)
        half = self.half_down(full)  # (B, 2*width, H/2, W/2)
        quarter = self.quarter(half)  # (B, 2*width, H/4, W/4)
        half = self.half_up(upsample2x(quarter) + half)  # (B, width, H/2, W/2)
        cartoon = full_precision(self.full_up(upsample2x(half) + full))
        return self._guided(photo, cartoon) if self.guided_radius else cartoon

    def _guided(self, photo: Tensor, cartoon: Tensor) -> Tensor:
        eps = self.guided_eps if self.training else self.guided_eps_inference
        return guided_filter(photo, cartoon, self.guided_radius, eps)


def _activated(*convolutions: nn.Module) -> nn.Sequential:
    """Each convolution followed by LeakyReLU."""
    layers = ((module, nn.LeakyReLU(SLOPE, inplace=module.stride == (1, 1))) for module in convolutions)
    return nn.Sequential(*(layer for pair in layers for layer in pair))
