from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from toonlab import PartError
from toonlab.ops.filters import guided_filter
from toonlab.ops.layers import SameConv2d
from toonlab_whitebox.networks import HalvingConv2d, WhiteboxDiscriminator, WhiteboxUNet, convolution


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


@pytest.mark.parametrize("module", [convolution(32, 64), HalvingConv2d(32, 64), convolution(16, 32, 7)])
def test_initial_weights_are_glorot_s(module: nn.Conv2d):
    outputs, inputs, *kernel = module.weight.shape
    bound = (6 / ((inputs + outputs) * kernel[0] * kernel[1])) ** 0.5
    torch.testing.assert_close(module.weight.std().detach(), torch.tensor(bound / 3**0.5), rtol=0.03, atol=0)
    assert module.weight.abs().max() <= bound
    assert not module.bias.any()


def noise(*shape: int) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(0)) * 2 - 1


def test_parameters_of_the_generator():
    assert sum(parameter.numel() for parameter in WhiteboxUNet().parameters()) == 1_467_075


def test_output_matches_whitebox(golden, seeded_weights):
    arrays = golden("whitebox_networks")
    with torch.no_grad():
        output = seeded_weights(WhiteboxUNet(guided_radius=0))(torch.from_numpy(arrays["x64_bgr"]).movedim(-1, 1))
    expected = torch.from_numpy(arrays["unet_generator_out"])
    torch.testing.assert_close(output.movedim(1, -1), expected, rtol=0, atol=1e-4 * float(expected.abs().max()))


def test_input_is_that_of_the_golden_run(golden, images):
    cropped = images[:2, :, 64:128, 64:128].flip(1).movedim(1, -1)
    torch.testing.assert_close(cropped, torch.from_numpy(golden("whitebox_networks")["x64_bgr"]), rtol=0, atol=1e-6)


@pytest.mark.parametrize(("training", "eps"), [(True, 1e-2), (False, 5e-3)])
def test_the_photo_guides_the_output(training: bool, eps: float):
    guided, plain = WhiteboxUNet(width=4), WhiteboxUNet(width=4, guided_radius=0)
    plain.load_state_dict(guided.state_dict())
    photo = noise(2, 3, 16, 20)
    expected = guided_filter(photo, plain(photo), radius=1, eps=eps)
    assert torch.equal(guided.train(training)(photo), expected)


@pytest.mark.parametrize(("height", "width"), [(4, 4), (8, 12), (32, 16)])
def test_any_sides_that_are_multiples_of_4(height: int, width: int):
    assert WhiteboxUNet(width=2)(noise(2, 3, height, width)).shape == (2, 3, height, width)


@pytest.mark.parametrize(("height", "width"), [(10, 16), (16, 18)])
def test_other_sides_are_an_error(height: int, width: int):
    with pytest.raises(PartError, match=f"whitebox_unet: sides must be multiples of 4, got {width}x{height}"):
        WhiteboxUNet(width=2)(noise(1, 3, height, width))


@pytest.mark.parametrize("guided_radius", [0, 1])
def test_gradient_reaches_every_parameter(guided_radius: int):
    network = WhiteboxUNet(width=4, guided_radius=guided_radius)
    network(noise(1, 3, 16, 16)).square().sum().backward()
    assert all(parameter.grad.abs().max() > 0 for parameter in network.parameters())


def test_gradient_is_that_of_the_finite_difference():
    """The activations overwrite their inputs: what autograd keeps must not be among them."""
    network, photo = WhiteboxUNet(width=2).double(), noise(1, 3, 8, 8).double()
    weight = next(network.parameters())
    direction, step = torch.randn_like(weight), 1e-6

    def energy_at(distance: float) -> Tensor:
        start = weight.detach().clone()
        with torch.no_grad():
            weight.add_(distance * direction)
            energy = network(photo).square().sum()
            weight.copy_(start)
        return energy

    (gradient,) = torch.autograd.grad(network(photo).square().sum(), weight)
    expected = (energy_at(step) - energy_at(-step)) / (2 * step)
    torch.testing.assert_close((gradient * direction).sum(), expected, rtol=1e-5, atol=0)


def test_channels_last_computes_the_same():
    network, photo = WhiteboxUNet(width=4).eval(), noise(1, 3, 16, 16)
    expected = network(photo)
    network.to(memory_format=torch.channels_last)
    output = network(photo.contiguous(memory_format=torch.channels_last))
    torch.testing.assert_close(output, expected, rtol=0, atol=1e-5)


def test_bf16_autocast_gives_a_float32_picture():
    network, photo = WhiteboxUNet(width=8), noise(1, 3, 32, 32)
    expected = network(photo)
    with torch.autocast("cpu", torch.bfloat16):
        output = network(photo)
    assert output.dtype == torch.float32
    torch.testing.assert_close(output, expected, rtol=0, atol=0.1)


def first_weight(network: nn.Module) -> tuple[nn.Parameter, Tensor]:
    """The kernel of the first convolution, in its own scale, and its u."""
    parametrization = next(m for m in network.modules() if isinstance(m, nn.Conv2d)).parametrizations.weight
    return parametrization.original, parametrization[0].u


@pytest.mark.parametrize("spectral_norm", [True, False])
@pytest.mark.parametrize(("channels", "expected"), [(3, 287_137), (1, 286_561)])
def test_parameters_of_the_discriminator(channels: int, expected: int, spectral_norm: bool):
    network = WhiteboxDiscriminator(in_channels=channels, spectral_norm=spectral_norm)
    assert sum(parameter.numel() for parameter in network.parameters()) == expected


def test_logits_and_gradient_match_whitebox(golden, seeded_weights):
    arrays = golden("whitebox_networks")
    network = seeded_weights(WhiteboxDiscriminator(in_channels=3))
    logits = network(torch.from_numpy(arrays["x64_bgr"]).movedim(-1, 1))
    (logits - 1).square().sum().backward()

    expected = torch.from_numpy(arrays["disc_sn_3ch_out"])
    torch.testing.assert_close(logits.movedim(1, -1), expected, rtol=0, atol=1e-4 * float(expected.abs().max()))
    gradient = torch.from_numpy(arrays["disc_sn_3ch_dkernel_conv0_1"])  # (h, w, in, out)
    kernel, _ = first_weight(network)
    tolerance = 1e-4 * float(gradient.abs().max())
    torch.testing.assert_close(kernel.grad.permute(2, 3, 1, 0), gradient, rtol=0, atol=tolerance)


def test_logits_of_one_channel_match_whitebox(golden, seeded_weights):
    arrays = golden("whitebox_networks")
    blue = torch.from_numpy(arrays["x64_bgr"])[..., :1].movedim(-1, 1)
    with torch.no_grad():
        logits = seeded_weights(WhiteboxDiscriminator(in_channels=1))(blue)
    expected = torch.from_numpy(arrays["disc_sn_1ch_out"])
    torch.testing.assert_close(logits.movedim(1, -1), expected, rtol=0, atol=1e-4 * float(expected.abs().max()))


@pytest.mark.parametrize(("height", "width", "expected"), [(24, 32, (3, 4)), (20, 17, (3, 3)), (3, 5, (1, 1))])
def test_logits_are_an_eighth_of_the_side(height: int, width: int, expected: tuple[int, int]):
    logits = WhiteboxDiscriminator(in_channels=2, width=2)(torch.randn(3, 2, height, width))
    assert logits.shape == (3, 1, *expected)


def test_evaluation_mode_changes_nothing():
    network, view = WhiteboxDiscriminator(in_channels=1, width=2).eval(), torch.randn(1, 1, 16, 16)
    u = first_weight(network)[1].clone()
    assert torch.equal(network(view), network(view))
    assert torch.equal(first_weight(network)[1], u)


def test_spectral_norm_takes_the_scale_of_a_kernel_away():
    network, view = WhiteboxDiscriminator(in_channels=3, width=4).eval(), torch.randn(2, 3, 16, 16)
    expected = network(view)
    with torch.no_grad():
        first_weight(network)[0].mul_(3)
    torch.testing.assert_close(network(view), expected, rtol=1e-4, atol=1e-6)


def test_a_gradient_penalty_can_be_differentiated():
    """The derivative of |dD/dx|² along a change of the view itself, against a central difference."""
    network = WhiteboxDiscriminator(in_channels=1, width=2).double().eval()
    view = torch.randn(1, 1, 16, 16, dtype=torch.float64, requires_grad=True)

    def penalty(at: Tensor) -> Tensor:
        return torch.autograd.grad((network(at) ** 2).sum(), at, create_graph=True)[0].square().sum()

    (gradient,) = torch.autograd.grad(penalty(view), view)
    direction, step = torch.randn_like(view), 1e-6
    ahead, behind = (penalty((view + sign * step * direction).detach().requires_grad_()) for sign in (1, -1))
    expected = (ahead - behind).detach() / (2 * step)
    torch.testing.assert_close((gradient * direction).sum(), expected, rtol=1e-4, atol=0)
