from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from toonlab_animegan.layers import InstanceNorm


def test_instance_norm_matches_tensorflow(golden):
    arrays = golden("ctss_losses")
    output = InstanceNorm(4)(torch.from_numpy(arrays["layernorm_in"]).movedim(-1, 1))
    torch.testing.assert_close(output.movedim(1, -1), torch.from_numpy(arrays["instancenorm_out"]), rtol=0, atol=2e-6)


@pytest.mark.parametrize("mean", [0.0, 3e3])
def test_instance_norm_keeps_its_digits_far_from_zero(mean: float):
    """A mean far above the spread, and a spread near the root of eps: the digits of the input alone are lost."""
    images = mean + torch.randn(2, 3, 40, 40, generator=torch.Generator().manual_seed(0))
    expected = F.instance_norm(images.double())
    torch.testing.assert_close(InstanceNorm(3)(images).double(), expected, rtol=0, atol=1e-6)


def test_instance_norm_s_gradients_are_those_of_torch_s_in_float64():
    generator = torch.Generator().manual_seed(0)
    images, weights = (torch.randn(2, 3, 8, 6, generator=generator) for _ in range(2))
    ours = InstanceNorm(3)
    torch.nn.init.normal_(ours.weight, generator=generator)
    given, exact = images.clone().requires_grad_(), images.double().requires_grad_()
    (ours(given) * weights).sum().backward()
    scale = ours.weight.detach().double().requires_grad_()
    (F.instance_norm(exact, weight=scale) * weights).sum().backward()
    torch.testing.assert_close(given.grad.double(), exact.grad, rtol=0, atol=1e-5)
    torch.testing.assert_close(ours.weight.grad.double(), scale.grad, rtol=1e-5, atol=1e-5)


def test_instance_norm_leaves_its_input_and_takes_bf16():
    images = torch.randn(1, 2, 4, 4, generator=torch.Generator().manual_seed(0))
    before = images.clone()
    output = InstanceNorm(2)(images)
    assert torch.equal(images, before)
    half = InstanceNorm(2)(images.bfloat16())
    assert half.dtype == torch.bfloat16
    torch.testing.assert_close(half.float(), output, rtol=0, atol=0.03)
