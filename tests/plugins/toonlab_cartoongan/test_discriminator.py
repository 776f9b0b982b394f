from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from toonlab import PartError
from toonlab_cartoongan.discriminator import CartoonDiscriminator


@pytest.fixture(autouse=True)
def seed() -> None:
    torch.manual_seed(0)


@pytest.mark.parametrize(
    ("channels", "affine", "expected"), [(3, False, 1_128_385), (1, False, 1_127_809), (3, True, 1_129_665)]
)
def test_parameters(channels: int, affine: bool, expected: int):
    network = CartoonDiscriminator(in_channels=channels, affine=affine)
    assert sum(parameter.numel() for parameter in network.parameters()) == expected


def test_probabilities_match_cartoongan(golden, pytorch_weights):
    arrays = golden("cartoongan_networks_losses")
    with torch.no_grad():
        logits = pytorch_weights(CartoonDiscriminator(in_channels=3))(torch.from_numpy(arrays["x64_nchw"]))
    torch.testing.assert_close(logits.sigmoid(), torch.from_numpy(arrays["D_out"]), rtol=0, atol=1e-4)


@pytest.mark.parametrize(("side", "expected"), [(8, 2), (9, 3), (40, 10), (41, 11)])
def test_logits_are_a_quarter_of_the_side(side: int, expected: int):
    logits = CartoonDiscriminator(in_channels=2, width=2)(torch.randn(3, 2, side, side + 8))
    assert logits.shape == (3, 1, expected, expected + 2)


def test_a_view_too_small_is_an_error():
    with pytest.raises(PartError, match="cartoongan: a view's sides must be at least 8, got 7x20"):
        CartoonDiscriminator(in_channels=1)(torch.zeros(1, 1, 7, 20))


@pytest.mark.parametrize("affine", [False, True])
def test_gradient_reaches_every_kernel_and_the_view(affine: bool):
    network, view = CartoonDiscriminator(3, width=4, affine=affine), torch.randn(2, 3, 16, 16, requires_grad=True)
    network(view).square().sum().backward()
    modules = [m for m in network.modules() if isinstance(m, nn.Conv2d) or (affine and isinstance(m, nn.GroupNorm))]
    assert len(modules) == 7 + 3 * affine
    assert all(module.weight.grad.abs().max() > 0 for module in modules)
    assert view.grad.abs().amax((1, 2, 3)).min() > 0


def test_a_gradient_penalty_can_be_differentiated():
    """The derivative of |dD/dx|² along a change of the first kernel, against a central difference."""
    network = CartoonDiscriminator(1, width=2).double()
    kernel = network.layers[0].weight
    view = torch.randn(1, 1, 8, 8, dtype=torch.float64, requires_grad=True)

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
