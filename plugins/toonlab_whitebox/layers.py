"""The convolutions of White-box's networks: zero padding as in TensorFlow, with biases, Glorot and Bengio's weights."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn


class HalvingConv2d(nn.Conv2d):
    """A 3x3 convolution of stride 2 with TensorFlow's padding SAME: `(B, C, H, W)` -> `(B, out, ⌈H/2⌉, ⌈W/2⌉)`.

    An even side gets one row of zeros at the end, an odd one a row at each end. Instead of copying the input into a
    larger one, an even side has two rows added at each end by the convolution itself, and the first output, which looks
    at the wrong ones, is cut off.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels, 3, stride=2)

    def forward(self, input: Tensor) -> Tensor:
        top, left = (1 - side % 2 for side in input.shape[-2:])
        output = F.conv2d(input, self.weight, self.bias, self.stride, padding=(1 + top, 1 + left))
        return output[..., top:, left:]


def convolution(inputs: int, outputs: int, kernel_size: int = 3) -> nn.Conv2d:
    """A convolution that keeps the size, with its initial weights."""
    return initialised(nn.Conv2d(inputs, outputs, kernel_size, padding=kernel_size // 2))


def halving(inputs: int, outputs: int) -> nn.Conv2d:
    """A convolution that halves the size, with its initial weights."""
    return initialised(HalvingConv2d(inputs, outputs))


def initialised(module: nn.Conv2d) -> nn.Conv2d:
    """Weights uniform in ±√(6 / (fan_in + fan_out)) (Glorot and Bengio, AISTATS 2010), biases 0."""
    nn.init.xavier_uniform_(module.weight)
    assert module.bias is not None
    nn.init.zeros_(module.bias)
    return module
