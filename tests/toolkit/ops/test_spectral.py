"""Spectral norms of all layers at once: the values, the gradients and the states of one after the other."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from toonlab.ops.layers import spectral_norm
from toonlab.ops.spectral import norm_together


def network(stop_gradient: bool) -> nn.Sequential:
    torch.manual_seed(0)
    sizes = [(3, 8, 3), (8, 16, 3), (16, 1, 1)]
    layers = [spectral_norm(nn.Conv2d(*size), stop_gradient) for size in sizes]
    return nn.Sequential(layers[0], nn.Tanh(), layers[1], nn.Tanh(), nn.Conv2d(16, 16, 1), layers[2]).double()


def step(net: nn.Module, images: Tensor, penalty: bool) -> dict[str, Tensor]:
    """Gradients of two evaluations in one pass, and the state after it."""
    net.zero_grad()
    loss = net(images).square().sum() + net(images.flip(-1)).sum()
    if penalty:
        images = images.clone().requires_grad_()
        (gradient,) = torch.autograd.grad(net(images).square().sum(), images, create_graph=True)
        loss = loss + gradient.square().sum()
    loss.backward()  # type: ignore[no-untyped-call]
    gradients = {f"gradient of {name}": p.grad for name, p in net.named_parameters() if p.grad is not None}
    return {"loss": loss.detach(), **gradients, **net.state_dict()}


@pytest.mark.parametrize("stop_gradient", [False, True])
@pytest.mark.parametrize("penalty", [False, True])
def test_as_one_after_the_other(stop_gradient: bool, penalty: bool) -> None:
    images = torch.rand(2, 3, 9, 9, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    one, joint = network(stop_gradient), network(stop_gradient)
    norm_together(joint)
    for _ in range(2):
        expected, found = step(one, images, penalty), step(joint, images, penalty)
        assert len([name for name in found if name.startswith("gradient")]) == 8
        torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-12)


def test_evaluation_leaves_the_state_and_frozen_weights_let_gradients_through() -> None:
    net = network(stop_gradient=False)
    norm_together(net)
    images = torch.rand(1, 3, 9, 9, dtype=torch.float64, requires_grad=True)
    net(images)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    net.eval().requires_grad_(False)(images).sum().backward()
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert images.grad is not None


def test_a_loaded_state_counts() -> None:
    one, joint = network(stop_gradient=False), network(stop_gradient=False)
    norm_together(joint)
    images = torch.rand(1, 3, 9, 9, dtype=torch.float64)
    for net in (one, joint):
        net(images)
    joint.load_state_dict(network(stop_gradient=False).state_dict())
    one.load_state_dict(network(stop_gradient=False).state_dict())
    torch.testing.assert_close(joint(images), one(images), rtol=1e-10, atol=0)


def test_a_network_without_any_is_left_alone() -> None:
    net = nn.Conv2d(3, 3, 1)
    norm_together(net)
    assert not net._forward_pre_hooks
