"""CartoonGAN's layers: sizes, values of the norm, initial weights."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from toonlab_cartoongan.layers import convolution, initialise, instance_norm


@pytest.mark.parametrize(("kernel_size", "stride", "sides"), [(3, 1, (7, 10)), (7, 1, (7, 10)), (3, 2, (4, 5))])
def test_a_convolution_keeps_sides_or_halves_them_rounded_up(
    kernel_size: int, stride: int, sides: tuple[int, int]
) -> None:
    layer = convolution(3, 5, kernel_size, stride)
    assert layer(torch.zeros(2, 3, 7, 10)).shape == (2, 5, *sides)
    assert layer.bias is not None


def test_reflection_is_at_the_border_only() -> None:
    images = torch.rand(1, 2, 9, 9, generator=torch.Generator().manual_seed(0))
    zeros, reflect = convolution(2, 2), convolution(2, 2, padding="reflect")
    reflect.load_state_dict(zeros.state_dict())
    a, b = zeros(images), reflect(images)
    torch.testing.assert_close(a[..., 1:-1, 1:-1], b[..., 1:-1, 1:-1])
    assert (a - b).abs().amax((0, 1))[0].min() > 0


def test_the_norm_is_torchs_instance_norm() -> None:
    features = torch.randn(2, 6, 5, 7, generator=torch.Generator().manual_seed(0)) * 3 + 2
    torch.testing.assert_close(instance_norm(6, affine=False)(features), nn.InstanceNorm2d(6)(features))
    assert not list(instance_norm(6, affine=False).parameters())
    assert [p.numel() for p in instance_norm(6, affine=True).parameters()] == [6, 6]


@pytest.mark.parametrize("layer", [nn.Conv2d(64, 64, 3), nn.ConvTranspose2d(64, 64, 3)])
def test_initial_kernels_are_normal_and_biases_zero(layer: nn.Module) -> None:
    torch.manual_seed(0)
    initialise(layer)
    assert layer.weight.std().item() == pytest.approx(0.02, rel=0.02)
    assert layer.weight.mean().abs() < 5e-4
    assert not layer.bias.any()


def test_other_layers_are_left_as_they_are() -> None:
    norm = instance_norm(4, affine=True)
    initialise(norm)
    assert torch.equal(norm.weight, torch.ones(4))
