"""The blocks that two methods share; each method's networks are compared with its own code by the method's tests."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from toonlab.ops.blocks import ConvBlock, InvertedResidual


@pytest.mark.parametrize("outputs", [3, 4])
def test_a_residual_is_added_where_the_channels_agree(outputs: int) -> None:
    block, features = InvertedResidual(3, outputs), torch.rand(2, 3, 6, 4)
    nn.init.zeros_(block.project[1].weight)
    expected = features if outputs == 3 else torch.zeros(2, 4, 6, 4)
    torch.testing.assert_close(block(features), expected)


def test_only_the_depthwise_convolution_may_have_a_bias() -> None:
    biased, plain = InvertedResidual(3, 3, bias=True), InvertedResidual(3, 3)
    assert set(dict(biased.named_parameters())) - set(dict(plain.named_parameters())) == {"depthwise.0.bias"}


def test_a_stride_halves_the_sides() -> None:
    assert ConvBlock(3, 4, stride=2)(torch.rand(1, 3, 6, 5)).shape == (1, 4, 3, 2)
