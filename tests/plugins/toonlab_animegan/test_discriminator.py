from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from toonlab import PartError
from toonlab_animegan.discriminator import AnimeGANDiscriminator, ZeroPadConv2d


@pytest.fixture(autouse=True)
def seed() -> None:
    torch.manual_seed(0)


@pytest.mark.parametrize("spectral_norm", [True, False])
@pytest.mark.parametrize(("channels", "expected"), [(3, 1_128_800), (1, 1_128_224)])
def test_parameters(channels: int, expected: int, spectral_norm: bool):
    network = AnimeGANDiscriminator(channels, spectral_norm=spectral_norm)
    assert sum(parameter.numel() for parameter in network.parameters()) == expected


def test_logits_match_animegan(golden, seeded_weights):
    arrays = golden("animegan_networks")
    with torch.no_grad():
        logits = seeded_weights(AnimeGANDiscriminator(3))(torch.from_numpy(arrays["x64"]).movedim(-1, 1))
    expected = torch.from_numpy(arrays["AnimeGAN_D_out"])
    torch.testing.assert_close(logits.movedim(1, -1), expected, rtol=0, atol=1e-4 * float(expected.abs().max()))


def test_x64_is_cut_from_the_photos(golden, images):
    expected = torch.from_numpy(golden("animegan_networks")["x64"]).movedim(-1, 1)
    assert torch.equal(images[:2, :, 64:128, 64:128], expected)


@pytest.mark.parametrize("sides", [(8, 8), (9, 12), (14, 11), (7, 7)])
@pytest.mark.parametrize("stride", [1, 2])
def test_zeros_are_added_at_the_top_and_left_alone_with_stride_2(stride: int, sides: tuple[int, int]):
    convolution, view = ZeroPadConv2d(2, 3, stride), torch.randn(1, 2, *sides)
    padded = F.pad(view, (1, 0, 1, 0) if stride == 2 else (1, 1, 1, 1))
    expected = F.conv2d(padded, convolution.weight, stride=stride)
    torch.testing.assert_close(convolution(view), expected)


@pytest.mark.parametrize(("side", "expected"), [(8, 2), (11, 2), (24, 6), (96, 24)])
def test_logits_are_a_quarter_of_the_side(side: int, expected: int):
    logits = AnimeGANDiscriminator(2, width=2)(torch.randn(3, 2, side, side + 4))
    assert logits.shape == (3, 1, expected, expected + 1)


def test_a_view_too_small_is_an_error():
    with pytest.raises(PartError, match="animegan: a view's sides must be at least 8, got 7x20"):
        AnimeGANDiscriminator(1, width=2)(torch.zeros(1, 1, 7, 20))


def test_gradient_reaches_every_parameter_and_the_view():
    network, view = AnimeGANDiscriminator(3, width=2), torch.randn(2, 3, 13, 16, requires_grad=True)
    network(view).square().sum().backward()
    assert all(tensor.grad.abs().max() > 0 for tensor in (view, *network.parameters()))


def test_evaluation_mode_changes_nothing():
    network, view = AnimeGANDiscriminator(1, width=2).eval(), torch.randn(1, 1, 16, 16)
    u = [buffer.clone() for buffer in network.buffers()]
    assert torch.equal(network(view), network(view))
    assert all(torch.equal(*pair) for pair in zip(network.buffers(), u, strict=True))


def test_spectral_norm_makes_the_logits_independent_of_the_weights_scale():
    network, view = AnimeGANDiscriminator(3, width=4).eval(), torch.randn(2, 3, 16, 16)
    expected = network(view)
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, nn.Conv2d):
                module.parametrizations.weight.original.mul_(3)
    torch.testing.assert_close(network(view), expected, rtol=1e-4, atol=1e-5)


def test_initial_weights_are_normal():
    network = AnimeGANDiscriminator(3, spectral_norm=False)
    kernels = [module.weight.detach() for module in network.modules() if isinstance(module, nn.Conv2d)]
    for weight in kernels[1:-1]:
        torch.testing.assert_close(weight.std(), torch.tensor(0.02), rtol=0.03, atol=0)
    assert max(float(weight.abs().max()) for weight in kernels) > 0.06  # not truncated


def test_bf16_autocast_is_close():
    network, view = AnimeGANDiscriminator(1, width=8).eval(), torch.rand(2, 1, 32, 32)
    with torch.no_grad():
        expected = network(view)
        with torch.autocast("cpu", torch.bfloat16):
            logits = network(view)
    torch.testing.assert_close(logits.float(), expected, rtol=0, atol=0.05 * float(expected.abs().max()))


def test_a_gradient_penalty_can_be_differentiated():
    """The derivative of |dD/dx|² along a change of the first kernel, against a central difference."""
    network = AnimeGANDiscriminator(1, width=2).double().eval()
    kernel = next(network.parameters())
    view = torch.randn(1, 1, 8, 8, dtype=torch.float64, requires_grad=True)

    def penalty() -> torch.Tensor:
        return torch.autograd.grad(network(view).sum(), view, create_graph=True)[0].square().sum()

    (gradient,) = torch.autograd.grad(penalty(), kernel)
    direction, step, values = torch.randn_like(kernel), 1e-7, []
    for sign in (1, -1):
        with torch.no_grad():
            kernel.add_(sign * step * direction)
        values.append(penalty().detach())
        with torch.no_grad():
            kernel.sub_(sign * step * direction)
    torch.testing.assert_close((gradient * direction).sum(), (values[0] - values[1]) / (2 * step), rtol=1e-3, atol=0)
