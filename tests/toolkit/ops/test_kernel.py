from __future__ import annotations

import pytest
import torch
from torch import Tensor

from toonlab.ops.kernel import kernel_distance


def features(seed: int, count: int, width: int, shift: float = 0.0) -> Tensor:
    return torch.randn(count, width, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) + shift


def test_the_kernel_distance_is_that_of_torchmetrics() -> None:
    from torchmetrics.image.kid import poly_mmd

    x, y = features(0, 30, 8), features(1, 30, 8, 0.4)
    assert kernel_distance(x, y) == pytest.approx(float(poly_mmd(x, y)), rel=1e-9)


def test_the_kernel_distance_by_its_definition_for_sets_of_two_sizes() -> None:
    x, y = features(0, 5, 3), features(1, 7, 3, 0.5)
    kernel = lambda a, b: float((a @ b / 3 + 1) ** 3)
    within = sum(kernel(a, b) for i, a in enumerate(x) for j, b in enumerate(x) if i != j) / 20
    within += sum(kernel(a, b) for i, a in enumerate(y) for j, b in enumerate(y) if i != j) / 42
    across = sum(kernel(a, b) for a in x for b in y) / 35
    assert kernel_distance(x, y) == pytest.approx(within - 2 * across)


def test_the_kernel_distance_of_like_sets_is_zero_on_average_and_blocks_are_averaged() -> None:
    drawn = [kernel_distance(features(seed, 20, 4), features(seed + 100, 25, 4)) for seed in range(100)]
    mean, error = torch.tensor(drawn).mean(), torch.tensor(drawn).std() / 10
    assert abs(mean) < 3 * error
    assert min(drawn) < 0 < max(drawn)
    x, y = features(0, 1500, 4), features(1, 1500, 4, 0.5)
    blocks = [kernel_distance(a, b) for a, b in zip(x.chunk(2), y.chunk(2), strict=True)]
    assert kernel_distance(x, y) == pytest.approx(sum(blocks) / 2)
