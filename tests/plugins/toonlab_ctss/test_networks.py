from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from toonlab import PartError
from toonlab.ops.layers import upsample2x
from toonlab_ctss.networks import CTSSImage, CTSSPatch, CTSSPlain, CTSSUNet

BOTH = pytest.mark.parametrize("factory", [CTSSUNet, CTSSPlain])


def noise(*shape: int) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(0)) * 2 - 1


@pytest.fixture(autouse=True)
def seed() -> None:
    torch.manual_seed(0)


@pytest.mark.parametrize(("factory", "expected"), [(CTSSUNet, 2_233_920), (CTSSPlain, 2_141_760)])
def test_parameters_of_a_generator(factory, expected: int):
    assert sum(parameter.numel() for parameter in factory().parameters()) == expected


@pytest.mark.parametrize(("factory", "name"), [(CTSSUNet, "G_net_unet_out"), (CTSSPlain, "G_net_out")])
def test_output_matches_ctss(golden, seeded_weights, factory, name: str):
    arrays = golden("ctss_networks")
    with torch.no_grad():
        output = seeded_weights(factory())(torch.from_numpy(arrays["x64"]).movedim(-1, 1))
    torch.testing.assert_close(output.movedim(1, -1), torch.from_numpy(arrays[name]), rtol=0, atol=1e-4)


@BOTH
@pytest.mark.parametrize(("height", "width"), [(8, 8), (12, 20), (32, 16)])
def test_any_sides_that_are_multiples_of_4(factory, height: int, width: int):
    output = factory(width=4)(noise(2, 3, height, width))
    assert output.shape == (2, 3, height, width)
    assert output.abs().max() <= 1


@pytest.mark.parametrize(("height", "width"), [(10, 16), (16, 18), (4, 16)])
def test_other_sides_are_an_error(height: int, width: int):
    message = f"ctss_unet: sides must be multiples of 4 and at least 8, got {width}x{height}"
    with pytest.raises(PartError, match=message):
        CTSSUNet(width=4)(noise(1, 3, height, width))


@BOTH
def test_gradient_reaches_every_parameter(factory):
    network = factory(width=4)
    network(noise(1, 3, 16, 16)).square().sum().backward()
    assert all(parameter.grad.abs().max() > 0 for parameter in network.parameters())


@BOTH
def test_features_are_those_of_the_output(factory):
    net, photo, seen = factory(4), noise(1, 3, 16, 16), []
    net.b.register_forward_hook(lambda module, given, output: seen.append(output))
    net.d_up.register_forward_pre_hook(lambda module, given: seen.append(given[0]))
    net(photo)
    _, b, c = net.encode(photo, [0, 3, 9])
    assert torch.equal(b, seen[0])
    assert torch.equal(upsample2x(c), seen[1])


@BOTH
def test_channels_last_computes_the_same(factory):
    network, photo = factory(width=4).eval(), noise(1, 3, 16, 16)
    expected = network(photo)
    network.to(memory_format=torch.channels_last)
    output = network(photo.contiguous(memory_format=torch.channels_last))
    torch.testing.assert_close(output, expected, rtol=0, atol=1e-5)


def test_bf16_autocast_gives_a_float32_picture():
    network, photo = CTSSUNet(width=8), noise(1, 3, 32, 32)
    expected = network(photo)
    with torch.autocast("cpu", torch.bfloat16):
        output = network(photo)
    assert output.dtype == torch.float32
    torch.testing.assert_close(output, expected, rtol=0, atol=0.1)


def test_initial_weights_are_those_of_tensorflow():
    """He's, after truncation; for a depthwise kernel with all its channels counted as inputs, so much smaller."""
    convolutions = [module for module in CTSSUNet().modules() if isinstance(module, nn.Conv2d)]
    assert all(convolution.bias is None for convolution in convolutions)
    for convolution in convolutions[:-1]:  # the last has too few weights to tell
        weight = convolution.weight.detach()
        fan_in = convolution.in_channels * weight[0, 0].numel()
        torch.testing.assert_close(weight.std(), torch.tensor((2 / fan_in) ** 0.5), rtol=0.05, atol=0)
        assert weight.abs().max() <= 2 * (2.6 / fan_in) ** 0.5


def first_weight(network: nn.Module) -> tuple[nn.Parameter, Tensor]:
    """The kernel of the first convolution, in its own scale, and its u."""
    parametrization = next(m for m in network.modules() if isinstance(m, nn.Conv2d)).parametrizations.weight
    return parametrization.original, parametrization[0].u


@pytest.mark.parametrize("spectral_norm", [True, False])
@pytest.mark.parametrize(("factory", "channels", "expected"), [(CTSSImage, 3, 391_200), (CTSSPatch, 1, 98_544)])
def test_parameters_of_a_discriminator(factory, channels: int, expected: int, spectral_norm: bool):
    network = factory(in_channels=channels, spectral_norm=spectral_norm)
    assert sum(parameter.numel() for parameter in network.parameters()) == expected


def test_image_logits_gradient_and_power_iteration_match_ctss(golden, seeded_weights):
    arrays = golden("ctss_networks")
    network = seeded_weights(CTSSImage(in_channels=3))
    kernel, u = first_weight(network)
    assert torch.equal(u, torch.from_numpy(arrays["D_net_u1_before"][0]))
    logits = network(torch.from_numpy(arrays["x64"]).movedim(-1, 1))
    (logits - 1).square().sum().backward()

    expected = torch.from_numpy(arrays["D_net_out"])
    torch.testing.assert_close(logits.movedim(1, -1), expected, rtol=0, atol=1e-4 * float(expected.abs().max()))
    _, u = first_weight(network)
    torch.testing.assert_close(u, torch.from_numpy(arrays["D_net_u1_after_one_run"][0]), rtol=0, atol=1e-6)
    gradient = torch.from_numpy(arrays["D_net_dkernel1_of_sum_sq_logit_minus1"])  # (h, w, in, out)
    tolerance = 1e-4 * float(gradient.abs().max())
    torch.testing.assert_close(kernel.grad.permute(2, 3, 1, 0), gradient, rtol=0, atol=tolerance)


def test_patch_logits_match_ctss(golden, seeded_weights):
    arrays = golden("ctss_networks")
    with torch.no_grad():
        logits = seeded_weights(CTSSPatch(in_channels=1))(torch.from_numpy(arrays["gray96"]).movedim(-1, 1))
    expected = torch.from_numpy(arrays["patch_D_net_out"])
    torch.testing.assert_close(logits.movedim(1, -1), expected, rtol=0, atol=1e-4 * float(expected.abs().max()))


def test_gray_input_is_that_of_the_golden_run(golden, images):
    gray = (images[[0, 4], :, 64:160, 64:160].sum(dim=1) + 3) / 6
    torch.testing.assert_close(gray, torch.from_numpy(golden("ctss_networks")["gray96"])[..., 0], rtol=0, atol=1e-6)


@pytest.mark.parametrize(("side", "expected"), [(16, 2), (17, 2), (40, 5), (96, 12)])
def test_logits_are_an_eighth_of_the_side(side: int, expected: int):
    logits = CTSSPatch(in_channels=2, width=2)(torch.randn(3, 2, side, side + 8))
    assert logits.shape == (3, 1, expected, expected + 1)


def test_a_view_too_small_is_an_error():
    with pytest.raises(PartError, match="ctss_patch: a view's sides must be at least 16, got 20x15"):
        CTSSPatch(in_channels=1)(torch.zeros(1, 1, 15, 20))


def test_evaluation_mode_changes_nothing():
    network, view = CTSSPatch(in_channels=1, width=2).eval(), torch.randn(1, 1, 16, 16)
    u = first_weight(network)[1].clone()
    assert torch.equal(network(view), network(view))
    assert torch.equal(first_weight(network)[1], u)


def test_spectral_norm_makes_the_logits_independent_of_the_weights_scale():
    network, view = CTSSImage(in_channels=3, width=4).eval(), torch.randn(2, 3, 16, 16)
    expected = network(view)
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, nn.Conv2d):
                module.parametrizations.weight.original.mul_(3)
    torch.testing.assert_close(network(view), expected, rtol=1e-4, atol=1e-6)


def test_initial_weights_are_normal():
    kernels = [m.weight.detach() for m in CTSSImage(3, spectral_norm=False).modules() if isinstance(m, nn.Conv2d)]
    for weight in kernels[1:4]:
        torch.testing.assert_close(weight.std(), torch.tensor(0.02), rtol=0.03, atol=0)
    assert max(float(weight.abs().max()) for weight in kernels) > 0.06  # not truncated


def test_bf16_autocast_is_close():
    network, view = CTSSPatch(in_channels=1, width=8).eval(), torch.rand(2, 1, 32, 32)
    with torch.no_grad():
        expected = network(view)
        with torch.autocast("cpu", torch.bfloat16):
            logits = network(view)
    torch.testing.assert_close(logits.float(), expected, rtol=0, atol=0.03 * float(expected.abs().max()))


def test_a_gradient_penalty_can_be_differentiated():
    """The derivative of |dD/dx|² along a change of the first kernel, against a central difference."""
    network = CTSSPatch(in_channels=1, width=2).double().eval()
    kernel, _ = first_weight(network)
    view = torch.randn(1, 1, 16, 16, dtype=torch.float64, requires_grad=True)

    def penalty() -> Tensor:
        return torch.autograd.grad(network(view).sum(), view, create_graph=True)[0].square().sum()

    (gradient,) = torch.autograd.grad(penalty(), kernel)
    direction, step, values = torch.randn_like(kernel), 1e-6, []
    for sign in (1, -1):
        with torch.no_grad():
            kernel.add_(sign * step * direction)
        values.append(penalty().detach())
        with torch.no_grad():
            kernel.sub_(sign * step * direction)
    torch.testing.assert_close((gradient * direction).sum(), (values[0] - values[1]) / (2 * step), rtol=1e-4, atol=0)
