"""The unmodified photo, to the bit."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from toonlab import Catalogue, RecipeError
from toonlab_classic.identity import Identity


def test_identity_changes_nothing(images: Tensor) -> None:
    assert torch.equal(Identity()(images), images)


def test_gradients_pass(images: Tensor) -> None:
    photo = images[:1].clone().requires_grad_()
    Identity()(photo).sum().backward()
    assert torch.equal(photo.grad, torch.ones_like(photo))


@pytest.mark.parametrize("side", [(1, 1), (1, 9), (5, 3)])
def test_any_size_will_do(side: tuple[int, int]) -> None:
    assert Identity()(torch.zeros(1, 3, *side)).shape == (1, 3, *side)


def test_it_has_no_parameters(catalogue: Catalogue) -> None:
    assert not list(catalogue.make("generators", "identity").parameters())
    with pytest.raises(RecipeError):
        catalogue.make("generators", "identity", strength=1)
