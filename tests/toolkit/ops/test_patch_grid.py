"""Grids of patches: what they number, cut and score, and which are best."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from toonlab import PartError, crop
from toonlab.ops.patch_grid import Grid, best


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


@st.composite
def grids(draw: st.DrawFn) -> tuple[Grid, Tensor]:
    height, width = draw(st.integers(1, 20)), draw(st.integers(1, 20))
    images = noise(draw(st.integers(1, 3)), 2, height, width)
    return Grid.of(images, draw(st.integers(1, min(height, width))), draw(st.floats(0.01, 2))), images


@given(grids())
def test_places_are_counted_row_by_row_and_image_by_image(case: tuple[Grid, Tensor]):
    grid, images = case
    size, step = grid.patch_size, max(1, round(grid.stride * grid.patch_size))
    expected = [
        [image, top, left, size, size]
        for image in range(len(images))
        for top in range(0, images.shape[2] - size + 1, step)
        for left in range(0, images.shape[3] - size + 1, step)
    ]
    assert grid.all_boxes(images).tolist() == expected
    assert len(expected) == len(images) * grid.count
    assert grid.boxes(torch.tensor([len(expected) - 1])).tolist() == expected[-1:]


@given(grids())
def test_candidates_are_cut_and_scored_in_that_order(case: tuple[Grid, Tensor]):
    grid, images = case
    patches = crop(images, grid.all_boxes(images))
    assert torch.equal(grid.cut(images), patches)
    assert grid.sums(images[:, 0]).dtype == torch.float32
    torch.testing.assert_close(grid.sums(images[:, 0]).flatten(), patches[:, 0].sum((1, 2)))
    assert torch.equal(grid.maxima(images[:, 0]).flatten(), patches[:, 0].amax((1, 2)))


@given(st.lists(st.lists(st.integers(0, 3), min_size=5, max_size=5), min_size=1, max_size=4), st.integers(1, 5))
def test_the_best_are_those_of_a_stable_sort(rows: list[list[int]], k: int):
    scores = torch.tensor(rows).float()
    by_row = [
        5 * row + place for row in range(len(rows)) for place in sorted(range(5), key=lambda i: -rows[row][i])[:k]
    ]
    assert best(scores, k).tolist() == by_row
    flat = [value for row in rows for value in row]
    together = sorted(range(len(flat)), key=lambda i: -flat[i])[: k * len(rows)]
    assert best(scores, k, together=True).tolist() == together


def test_a_patch_that_does_not_fit():
    with pytest.raises(PartError, match="patch_size=9 does not fit an image of 8x16 pixels; it can be at most 8"):
        Grid(16, 8, patch_size=9, stride=1.0).check("mine")


def test_fewer_candidates_than_k():
    grid = Grid(16, 8, patch_size=8, stride=0.5)
    grid.check("mine", k=3)
    message = (
        "mine: k=4 patches per image, but step=0.5 of patch_size=8 gives 3 positions in a 8x16 image; "
        "k can be at most 3"
    )
    with pytest.raises(PartError) as caught:
        grid.check("mine", k=4, stride="step")
    assert str(caught.value) == message
