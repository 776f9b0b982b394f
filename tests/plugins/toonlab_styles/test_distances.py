"""Blocks give what all distances at once give, and keep less of them."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from toonlab_styles import distances
from toonlab_styles.distances import best_matches, cosine_distances, gaussian_mean, nearest, rows


def features(seed: int, count: int) -> Tensor:
    return torch.randn(2, count, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def all_of(x: Tensor, y: Tensor) -> list[Tensor]:
    scale = torch.tensor([2.0, 3.0], dtype=x.dtype).view(2, 1, 1)
    found = [gaussian_mean(x, y, scale), *best_matches(x, y)]
    return [*found, torch.autograd.grad(sum(one.sum() for one in found), x)[0]]


def test_rows_are_positions() -> None:
    maps = torch.arange(2 * 3 * 4 * 5).view(2, 3, 4, 5)
    assert rows(maps).shape == (2, 20, 3)
    assert rows(maps)[1, 7].tolist() == maps[1, :, 1, 2].tolist()


@pytest.mark.parametrize("block", [1, 50, 62])  # a row of one image, and two blocks of unequal length
def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    x, y = features(0, 9).requires_grad_(), features(1, 6)
    whole, best = all_of(x, y), nearest(x, y)
    monkeypatch.setattr(distances, "BLOCK", block)
    for one, other in zip(all_of(x, y), whole, strict=True):
        torch.testing.assert_close(one, other)
    assert torch.equal(nearest(x, y), best)


def test_of_many_distances_few_are_kept_for_the_backward_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[int] = []
    monkeypatch.setattr(distances, "BLOCK", 2 * 10 * 100)
    x, y = features(0, 200).requires_grad_(), features(1, 100)
    with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t.numel()) or t, lambda t: t):
        best_matches(x, y)
    assert max(kept) <= 2 * 200 * 100 / 10  # with ten rows in a block


def test_a_feature_without_length_is_as_far_from_all_and_has_a_finite_gradient() -> None:
    x = torch.zeros(1, 1, 5, requires_grad=True)
    away = cosine_distances(x, features(1, 3).float()[:1])
    assert away.tolist() == [[[1, 1, 1]]]
    away.sum().backward()
    assert x.grad is not None
    assert 0 < x.grad.abs().max() < 1e6
