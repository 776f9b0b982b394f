"""Blocks of the generators with layer norm, CTSS's and AnimeGANv2's."""

from torch import Tensor, nn

from .layers import LayerNorm, SameConv2d


class ConvBlock(nn.Sequential):
    """Convolution with reflection padding, layer norm, LeakyReLU 0.2: `(B, inputs, H, W)` -> `(B, outputs, H/s, W/s)`.

    `kernel_size`, `stride`, `groups` and `bias` are those of `SameConv2d`.

    Args:
        inputs: channels of the input.
        outputs: channels of the output.
    """

    def __init__(
        self, inputs: int, outputs: int, kernel_size: int = 3, stride: int = 1, groups: int = 1, bias: bool = False
    ) -> None:
        super().__init__(
            SameConv2d(inputs, outputs, kernel_size, stride, groups=groups, bias=bias),
            LayerNorm(outputs),
            nn.LeakyReLU(0.2, inplace=True),
        )


class InvertedResidual(nn.Module):
    """Twice as many channels, depthwise 3x3, then linear to `outputs`; added to the input where the channels agree.

    `(B, inputs, H, W)` -> `(B, outputs, H, W)`. Sandler et al., "MobileNetV2", CVPR 2018, with layer norm.

    Args:
        inputs: channels of the input.
        outputs: channels of the output.
        bias: whether the depthwise convolution has one; the others have none.
    """

    def __init__(self, inputs: int, outputs: int, bias: bool = False) -> None:
        super().__init__()
        hidden = 2 * inputs
        self.expand = ConvBlock(inputs, hidden, kernel_size=1)
        self.depthwise = ConvBlock(hidden, hidden, groups=hidden, bias=bias)
        self.project = nn.Sequential(SameConv2d(hidden, outputs, kernel_size=1), LayerNorm(outputs))
        self.residual = inputs == outputs

    def forward(self, features: Tensor) -> Tensor:
        branch = self.project(self.depthwise(self.expand(features)))
        return features + branch if self.residual else branch
