from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from toonlab import PartError
from toonlab_basics import RandomFeatures


@settings(max_examples=30)
@given(width=st.integers(1, 5), depth=st.integers(1, 4), height=st.integers(1, 40), side=st.integers(1, 40))
def test_shape(width: int, depth: int, height: int, side: int):
    features = RandomFeatures(width=width, depth=depth)(torch.zeros(2, 3, height, side))
    expected = (2, width * 2 ** (depth - 1), -(-height // 2**depth), -(-side // 2**depth))
    assert features.shape == expected


def test_weights_follow_the_seed_and_nothing_else():
    state = torch.random.get_rng_state()
    first, again, other = RandomFeatures(), RandomFeatures(), RandomFeatures(seed=1)
    assert torch.equal(torch.random.get_rng_state(), state)
    images = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    assert torch.equal(first(images), again(images))
    assert not torch.allclose(first(images), other(images))
    assert torch.equal(RandomFeatures(depth=1).layers[0].weight, first.layers[0].weight)
    pinned = torch.tensor([-0.300464, -0.307542, -0.066874])
    torch.testing.assert_close(first.layers[0].weight.flatten()[:3], pinned, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("parameters", [{}, {"seed": 1}, {"seed": 2}, {"depth": 2}, {"width": 16}])
def test_scale(golden, parameters: dict[str, int]):
    images = torch.from_numpy(golden("inputs")["images_u8"][:8, ::2, ::2]).movedim(-1, 1) / 127.5 - 1
    features = RandomFeatures(**parameters)(images)
    assert 0.5 < features.std() < 1.1
    assert 0.5 < (features[:4] - features[4:]).abs().mean() < 1  # unrelated pictures


def test_frozen_but_differentiable():
    features = RandomFeatures(width=2, depth=2).double()
    assert not any(parameter.requires_grad for parameter in features.parameters())
    images = torch.randn(1, 3, 6, 5, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(features, images, fast_mode=True)


def test_needs_three_channels():
    with pytest.raises(PartError, match=r"random: expected \(B, 3, H, W\) float, got \(1, 1, 8, 8\)"):
        RandomFeatures()(torch.zeros(1, 1, 8, 8))
