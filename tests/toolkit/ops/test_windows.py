from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from toonlab.ops.windows import patch_maxima, patch_sums, places


@st.composite
def grids(draw: st.DrawFn) -> tuple[Tensor, int, int]:
    """Values `(B, H, W)`, the size of a patch that fits, and a stride."""
    count, height, width = draw(st.integers(1, 3)), draw(st.integers(1, 20)), draw(st.integers(1, 20))
    rng = torch.Generator().manual_seed(draw(st.integers(0, 99)))
    size = draw(st.integers(1, min(height, width)))
    return torch.randn(count, height, width, generator=rng), size, draw(st.integers(1, 25))


def patches(values: Tensor, size: int, stride: int) -> Tensor:
    return values.unfold(1, size, stride).unfold(2, size, stride)  # (B, rows, columns, size, size)


@given(grids())
def test_sums_are_those_of_the_patches(grid: tuple[Tensor, int, int]):
    values, size, stride = grid
    sums = patch_sums(values, size, stride)
    assert sums.shape[1:] == (places(values.shape[1], size, stride), places(values.shape[2], size, stride))
    torch.testing.assert_close(sums, patches(values.double(), size, stride).sum((3, 4)))


@given(grids())
def test_maxima_are_those_of_the_patches(grid: tuple[Tensor, int, int]):
    values, size, stride = grid
    assert torch.equal(patch_maxima(values, size, stride), patches(values, size, stride).amax((3, 4)))


def test_sums_keep_the_digits_of_a_small_patch_in_a_large_picture():
    values = torch.full((1, 2000, 2000), 0.9)
    values[:, -4:, -4:] = 1e-4
    assert abs(patch_sums(values, 4, 4)[0, -1, -1] - 16e-4) < 1e-8


def test_sums_of_nothing_are_exactly_0():
    values = torch.rand(1, 40, 40, generator=torch.Generator().manual_seed(0))
    values[:, 20:, 20:] = 0
    assert patch_sums(values, 8, 4)[0, -1, -1] == 0
