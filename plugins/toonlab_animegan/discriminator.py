"""AnimeGAN's discriminator: logits of patches after two strided convolutions, with instance and spectral norm."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from torch import Tensor, nn

from toonlab.ops.checks import check_sides
from toonlab.ops.layers import spectral_norm as with_spectral_norm

from .layers import SLOPE, InstanceNorm


class ZeroPadConv2d(nn.Conv2d):
    """A 3x3 convolution without bias, zeros around the input; `(B, C, H, W)` -> `(B, out, H//stride, W//stride)`.

    With a stride of 2 the original pads only the top and the left. Padding all sides within the convolution computes
    the same without copying the input: on an even side it does not reach the last zeros, on an odd side the last
    output, which does, is cut off.
    """

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__(inputs, outputs, 3, stride, padding=1, bias=False)

    def forward(self, input: Tensor) -> Tensor:
        height, width = (side // stride for side, stride in zip(input.shape[-2:], self.stride, strict=True))
        return super().forward(input)[..., :height, :width]


class AnimeGANDiscriminator(nn.Module):
    """AnimeGAN's discriminator.

    `D_net` of its code (`net/discriminator.py`) with `n_dis` 3: `(B, in_channels, H, W)` -> logits
    `(B, 1, H//4, W//4)`. The gradient flows through the spectral norm's power iteration. Raises `PartError` for sides
    below 8.

    Args:
        in_channels: of the view; given by the engine.
        width: channels of the first convolution (half of the original's `ch`); cost grows with its square. The
            original's 32 has 1,128,800 parameters.
        spectral_norm: divide every kernel by its spectral norm.
    """

    def __init__(
        self,
        in_channels: Annotated[int, Field(gt=0)],
        width: Annotated[int, Field(gt=0)] = 32,
        spectral_norm: bool = True,
    ) -> None:
        super().__init__()
        self.spectral_norm = spectral_norm
        self.layers = nn.Sequential(
            *self._block(in_channels, width, norm=False),
            *self._block(width, 2 * width, stride=2, norm=False),
            *self._block(2 * width, 4 * width),
            *self._block(4 * width, 4 * width, stride=2, norm=False),
            *self._block(4 * width, 8 * width),
            *self._block(8 * width, 8 * width),
            self._convolution(8 * width, 1),
        )

    def forward(self, view: Tensor) -> Tensor:
        check_sides(view, "animegan: a view's sides", smallest=8)
        return self.layers(view)

    def _block(self, inputs: int, outputs: int, stride: int = 1, norm: bool = True) -> list[nn.Module]:
        convolution = self._convolution(inputs, outputs, stride)
        activation = nn.LeakyReLU(SLOPE, inplace=True)
        return [convolution, InstanceNorm(outputs), activation] if norm else [convolution, activation]

    def _convolution(self, inputs: int, outputs: int, stride: int = 1) -> nn.Module:
        convolution = ZeroPadConv2d(inputs, outputs, stride)
        nn.init.normal_(convolution.weight, std=0.02)
        return with_spectral_norm(convolution) if self.spectral_norm else convolution
