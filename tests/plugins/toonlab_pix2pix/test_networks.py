"""pix2pix's generator against the paper's layers, written out from its weights."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from toonlab import PartError
from toonlab.testing import GeneratorTests
from toonlab.testing.frame import failures
from toonlab_pix2pix import register_generators
from toonlab_pix2pix.networks import UNet


def images(count: int, size: int = 32) -> Tensor:
    draw = torch.Generator().manual_seed(0)
    return torch.rand(count, 3, size, size, dtype=torch.float64, generator=draw) * 2 - 1


def unet(features: Tensor, weights: list[Tensor], channels: list[int]) -> Tensor:
    """From outside in: down, what lies within, up, in the order of the paper's layers; dropout is off.

    `weights` are those of the layers down, of the layers up (from the innermost), and of the last; with those of norms.
    """

    def take(number: int) -> list[Tensor]:
        return [weights.pop(0) for _ in range(number)]

    def normed(x: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
        mean, variance = x.mean((0, 2, 3), keepdim=True), x.var((0, 2, 3), keepdim=True, correction=0)
        return (x - mean) / (variance + 1e-5).sqrt() * scale[:, None, None] + shift[:, None, None]

    skips = [F.conv2d(features, *take(1), stride=2, padding=1)]
    for _ in channels[1:-1]:
        skips.append(normed(F.conv2d(F.leaky_relu(skips[-1], 0.2), *take(1), stride=2, padding=1), *take(2)))
    out = F.conv2d(F.leaky_relu(skips[-1], 0.2), *take(1), stride=2, padding=1)
    while skips:
        out = normed(F.conv_transpose2d(out.relu(), *take(1), stride=2, padding=1), *take(2))
        out = torch.cat([skips.pop(), out], 1)
    kernel, bias = take(2)
    assert not weights
    return F.conv_transpose2d(out.relu(), kernel, bias, stride=2, padding=1).tanh()


@pytest.mark.parametrize(("norm", "count"), [("batch", 3), ("batch", 1), ("instance", 1)])
def test_the_generator_is_the_papers(norm: str, count: int) -> None:
    """For one image both norms are the same."""
    net = UNet(2, depth=5, dropout=0, norm=norm).double()
    expected = unet(images(count), list(net.parameters()), [2, 4, 8, 16, 16])
    torch.testing.assert_close(net(images(count)), expected)


def test_parameters_are_as_many_as_those_of_the_authors_pytorch_code() -> None:
    down = [(3, 64), (64, 128), (128, 256), (256, 512), *[(512, 512)] * 4]
    up = [(512, 512), *[(1024, 512)] * 3, (1024, 256), (512, 128), (256, 64)]
    kernels = sum(16 * one * other for one, other in [*down, *up, (128, 3)])
    norms = sum(2 * channels for _, channels in [*down[1:-1], *up])
    assert sum(p.numel() for p in UNet().parameters()) == kernels + norms + 3 == 54_413_955


def test_the_three_innermost_layers_up_drop_half_in_training_alone() -> None:
    net = UNet(2)
    assert [layer[-1].p for layer in net.up] == [0.5, 0.5, 0.5, 0, 0, 0, 0]
    net = UNet(2, depth=4).double()
    assert not torch.equal(net(images(1)), net(images(1)))
    net.eval()
    assert torch.equal(net(images(1)), net(images(1)))


def test_weights_are_drawn_from_narrow_normal_distributions() -> None:
    net = UNet(64, depth=4)
    assert 0.0195 < float(net.up[0][1].weight.detach().std()) < 0.0205
    scales = torch.cat([module.weight for module in net.modules() if isinstance(module, nn.BatchNorm2d)]).detach()
    assert (abs(float(scales.mean()) - 1) < 0.005, 0.015 < float(scales.std()) < 0.025) == (True, True)


def test_sides_that_do_not_fit() -> None:
    with pytest.raises(PartError, match="unet: sides must be multiples of 16 and at least 16, got 24x24"):
        UNet(2, depth=4)(torch.zeros(1, 3, 24, 24))


@pytest.mark.parametrize("norm", ["batch", "instance"])
def test_it_is_a_generator_as_the_kit_wants_it(norm: str) -> None:
    assert register_generators() == {"unet": UNet}
    assert failures(GeneratorTests, UNet, {"width": 2, "depth": 3, "norm": norm}) == {}
