from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from toonlab_whitebox.discriminator import WhiteboxDiscriminator


@pytest.fixture(autouse=True)
def seed() -> None:
    torch.manual_seed(0)


def first_weight(network: nn.Module) -> tuple[nn.Parameter, Tensor]:
    """The kernel of the first convolution, in its own scale, and its u."""
    parametrization = next(m for m in network.modules() if isinstance(m, nn.Conv2d)).parametrizations.weight
    return parametrization.original, parametrization[0].u


@pytest.mark.parametrize("spectral_norm", [True, False])
@pytest.mark.parametrize(("channels", "expected"), [(3, 287_137), (1, 286_561)])
def test_parameters(channels: int, expected: int, spectral_norm: bool):
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
