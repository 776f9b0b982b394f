from __future__ import annotations

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from toonlab import PartError
from toonlab.ops.layers import (
    LayerNorm,
    SameConv2d,
    SpectralNorm,
    spectral_norm,
    tapped,
    truncated_normal_,
    upsample2x,
    variance_scaling_,
)


@pytest.fixture(autouse=True)
def seed() -> None:
    torch.manual_seed(0)


@pytest.mark.parametrize("side", [8, 9])
def test_stride_2_pads_at_the_bottom_and_right_as_ctss(golden, side: int):
    arrays = golden("ctss_networks")
    convolution = SameConv2d(1, 1, stride=2)
    with torch.no_grad():
        convolution.weight.copy_(torch.arange(9.0).view(1, 1, 3, 3))
        output = convolution(torch.from_numpy(arrays[f"s2_in_{side}"]).movedim(-1, 1))
    assert torch.equal(output.movedim(1, -1), torch.from_numpy(arrays[f"s2_out_{side}"]))


def test_extra_start_is_extra_end_upside_down():
    end, start = SameConv2d(2, 3, stride=2), SameConv2d(2, 3, stride=2, extra="start")
    start.weight = nn.Parameter(end.weight.flip(2, 3))
    images = torch.randn(1, 2, 8, 10)
    torch.testing.assert_close(start(images.flip(2, 3)), end(images).flip(2, 3))


@pytest.mark.parametrize("kernel_size", [1, 3, 7])
@pytest.mark.parametrize("padding_mode", ["reflect", "zeros"])
def test_stride_1_pads_both_ends_as_torch(kernel_size: int, padding_mode: str):
    ours = SameConv2d(4, 4, kernel_size, groups=2, bias=True, padding_mode=padding_mode)
    theirs = nn.Conv2d(4, 4, kernel_size, groups=2, padding=kernel_size // 2, padding_mode=padding_mode)
    theirs.load_state_dict(ours.state_dict())
    images = torch.randn(2, 4, 8, 9)
    torch.testing.assert_close(ours(images), theirs(images))


def test_layer_norm_matches_ctss(golden):
    arrays = golden("ctss_losses")
    output = LayerNorm(4)(torch.from_numpy(arrays["layernorm_in"]).movedim(-1, 1))
    torch.testing.assert_close(output.movedim(1, -1), torch.from_numpy(arrays["layernorm_out"]), rtol=0, atol=1e-6)


def test_torch_s_instance_norm_is_that_of_ctss(golden):
    arrays = golden("ctss_losses")
    output = nn.InstanceNorm2d(4, eps=1e-5)(torch.from_numpy(arrays["layernorm_in"]).movedim(-1, 1))
    torch.testing.assert_close(output.movedim(1, -1), torch.from_numpy(arrays["instancenorm_out"]), rtol=0, atol=1e-6)


def test_layer_norm_scales_and_shifts_each_channel():
    norm = LayerNorm(3)
    with torch.no_grad():
        norm.weight.copy_(torch.tensor([1.0, 2.0, 3.0]))
        norm.bias.copy_(torch.tensor([4.0, 5.0, 6.0]))
    images = torch.randn(2, 3, 4, 5) * 7 + 1
    flat = images.flatten(1)
    plain = ((flat - flat.mean(1, keepdim=True)) / flat.std(1, correction=0, keepdim=True)).view_as(images)
    expected = plain * norm.weight.view(3, 1, 1) + norm.bias.view(3, 1, 1)
    torch.testing.assert_close(norm(images), expected, rtol=0, atol=1e-5)
    channels_last = images.contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(norm(channels_last), expected, rtol=0, atol=1e-5)


def test_layer_norm_of_zeros_is_the_shift():
    norm = LayerNorm(2)
    nn.init.constant_(norm.bias, 0.5)
    assert torch.equal(norm(torch.zeros(1, 2, 4, 4)), torch.full((1, 2, 4, 4), 0.5))


def test_upsampling_matches_tensorflow_1(golden):
    arrays = golden("ctss_losses")
    output = upsample2x(torch.from_numpy(arrays["resize_in"]).movedim(-1, 1))
    torch.testing.assert_close(output.movedim(1, -1), torch.from_numpy(arrays["resize_up2"]), rtol=0, atol=2e-7)


def test_upsampling_keeps_channels_last():
    images = torch.randn(2, 3, 4, 5)
    output = upsample2x(images.contiguous(memory_format=torch.channels_last))
    assert output.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(output, upsample2x(images))


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_upsampling_has_the_right_gradient(memory_format: torch.memory_format):
    images = torch.randn(1, 2, 3, 1, dtype=torch.float64).to(memory_format=memory_format).requires_grad_()
    assert torch.autograd.gradcheck(upsample2x, images)


def power_iteration(weight: torch.Tensor, u: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The new u and sigma, as written in the TensorFlow 1 code of the field, on a row vector u."""
    matrix = weight.permute(2, 3, 1, 0).reshape(-1, len(weight))  # (h*w*in, out)
    v = F.normalize(u @ matrix.T, dim=0)
    u = F.normalize(v @ matrix, dim=0)
    return u, v @ matrix @ u


def normalised_convolution(stop_gradient: bool = False) -> tuple[SameConv2d, SpectralNorm, torch.Tensor]:
    convolution = spectral_norm(SameConv2d(3, 5), stop_gradient)
    parametrization = convolution.parametrizations.weight
    return convolution, parametrization[0], parametrization.original


def test_spectral_norm_makes_one_power_iteration_from_u():
    convolution, norm, weight = normalised_convolution()
    u, sigma = power_iteration(weight, norm.u.clone())
    torch.testing.assert_close(convolution.weight, weight / sigma)
    torch.testing.assert_close(norm.u, u)


def test_spectral_norm_leaves_u_alone_in_evaluation():
    convolution, norm, weight = normalised_convolution()
    before = norm.u.clone()
    convolution.eval()
    _, sigma = power_iteration(weight, before)
    for _ in range(2):
        torch.testing.assert_close(convolution.weight, weight / sigma)
    assert torch.equal(norm.u, before)


def test_spectral_norm_converges_to_the_largest_singular_value():
    convolution, _, weight = normalised_convolution()
    for _ in range(100):
        normalised = convolution.weight
    largest = torch.linalg.matrix_norm(weight.flatten(1), 2)
    torch.testing.assert_close(normalised, weight / largest, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("stop_gradient", [False, True])
def test_spectral_norm_differentiates_through_u_and_v_or_not(stop_gradient: bool):
    convolution, norm, weight = normalised_convolution(stop_gradient)
    u = norm.u.clone()
    probe = torch.randn_like(weight)
    (convolution.weight * probe).sum().backward()
    reference = weight.detach().clone().requires_grad_()
    new_u, sigma = power_iteration(reference, u)
    if stop_gradient:
        matrix = reference.permute(2, 3, 1, 0).reshape(-1, 5)
        v = F.normalize(u @ matrix.T, dim=0)
        sigma = v.detach() @ matrix @ new_u.detach()
    (reference / sigma * probe).sum().backward()
    torch.testing.assert_close(weight.grad, reference.grad)


def test_spectral_norm_can_be_evaluated_twice_before_the_backward_pass():
    convolution, norm, weight = normalised_convolution()
    u = norm.u.clone()
    images = torch.randn(2, 1, 3, 6, 6)
    sum(convolution(batch).square().sum() for batch in images).backward()
    together = weight.grad.clone()
    weight.grad = None
    norm.u.copy_(u)
    for batch in images:
        convolution(batch).square().sum().backward()
    torch.testing.assert_close(together, weight.grad)


def test_spectral_norm_under_autocast_iterates_in_float32():
    convolution, norm, _ = normalised_convolution()
    other = copy.deepcopy(convolution)
    with torch.autocast("cpu", torch.bfloat16):
        weight = convolution.weight
    assert torch.equal(weight, other.weight)
    assert norm.u.dtype == torch.float32


def test_spectral_norm_saves_u():
    convolution, norm, _ = normalised_convolution()
    other = normalised_convolution()[0]
    other.load_state_dict(convolution.state_dict())
    assert torch.equal(other.parametrizations.weight[0].u, norm.u)
    torch.testing.assert_close(other.weight, convolution.weight)


def test_truncated_normal_ends_at_two_standard_deviations():
    drawn = truncated_normal_(torch.empty(100_000), std=0.5)
    assert drawn.abs().max() <= 1
    torch.testing.assert_close(drawn.std(), torch.tensor(0.5 * 0.8796), rtol=0.01, atol=0)


@pytest.mark.parametrize(("fan_in", "expected"), [(None, (2 / 288) ** 0.5), (1000, (2 / 1000) ** 0.5)])
def test_variance_scaling_makes_up_for_the_truncation(fan_in: int | None, expected: float):
    drawn = variance_scaling_(torch.empty(256, 32, 3, 3), fan_in=fan_in)
    torch.testing.assert_close(drawn.std(), torch.tensor(expected), rtol=0.01, atol=0)


def test_features_of_layers_are_made_as_far_as_they_are_asked_for():
    modules = nn.ModuleList([nn.Conv2d(3, 4, 1), nn.ReLU(), nn.Conv2d(4, 5, 1), nn.Conv2d(6, 1, 1)])
    images = torch.rand(1, 3, 4, 4)
    first = modules[1](modules[0](images))
    deep, shallow, same = tapped(modules, [2, 3], images, [2, 0, 1])
    assert same is not images
    assert shallow is images
    torch.testing.assert_close(same, first)
    torch.testing.assert_close(deep, modules[2](first))
    for layers in ([3], [-1]):
        with pytest.raises(PartError, match=f"got {layers[0]}, expected 0, the images, to 2"):
            tapped(modules, [2, 3], images, layers)
