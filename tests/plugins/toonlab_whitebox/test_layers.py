from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from toonlab.ops.layers import SameConv2d
from toonlab_whitebox.layers import HalvingConv2d, convolution, halving


@pytest.fixture(autouse=True)
def seed() -> None:
    torch.manual_seed(0)


def test_halving_is_the_toolkits_convolution_that_pads_at_the_end():
    expected = SameConv2d(3, 4, stride=2, bias=True, padding_mode="zeros")
    actual = HalvingConv2d(3, 4)
    actual.load_state_dict(expected.state_dict())
    images = torch.randn(2, 3, 8, 12)
    torch.testing.assert_close(actual(images), expected(images), rtol=0, atol=1e-6)


@pytest.mark.parametrize(("height", "width"), [(5, 7), (6, 7), (7, 6), (1, 2)])
def test_odd_sides_are_padded_at_both_ends(height: int, width: int):
    module, images = HalvingConv2d(2, 3), torch.randn(1, 2, height, width)
    padded = F.pad(images, (width % 2, 1, height % 2, 1))  # left, right, top, bottom
    expected = F.conv2d(padded, module.weight, module.bias, stride=2)
    assert expected.shape[-2:] == ((height + 1) // 2, (width + 1) // 2)
    torch.testing.assert_close(module(images), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("module", [convolution(32, 64), halving(32, 64), convolution(16, 32, 7)])
def test_initial_weights_are_glorot_s(module: nn.Conv2d):
    outputs, inputs, *kernel = module.weight.shape
    bound = (6 / ((inputs + outputs) * kernel[0] * kernel[1])) ** 0.5
    torch.testing.assert_close(module.weight.std().detach(), torch.tensor(bound / 3**0.5), rtol=0.03, atol=0)
    assert module.weight.abs().max() <= bound
    assert not module.bias.any()
