from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from toonlab_whitebox.cells import cells

CPU = torch.device("cpu")


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 300))
def test_every_pixel_lies_in_one_cell(height: int, width: int, segments: int):
    grid = cells(height, width, segments, CPU)
    assert sorted(grid.pixels[grid.own].tolist()) == list(range(height * width))
    assert torch.equal(grid.pixels.flatten()[grid.home], torch.arange(height * width))
    assert grid.own.flatten()[grid.home].all()
    assert grid.own.any(1).all()  # none is empty


def test_as_many_cells_as_asked_for_about_and_as_square_as_can_be():
    assert len(cells(256, 256, 200, CPU).pixels) == 14 * 14
    assert len(cells(100, 400, 100, CPU).pixels) == 5 * 20
    assert len(cells(3, 3, 200, CPU).pixels) == 9


def test_neighbours_and_the_way_back():
    """A cell's nine, and what is said of it by each of them."""
    grid = cells(3, 4, 12, CPU)  # one pixel a cell
    assert grid.near[0].tolist() == [12, 12, 12, 12, 0, 1, 12, 4, 5]
    assert grid.near[5].tolist() == [0, 1, 2, 4, 5, 6, 8, 9, 10]
    said = torch.cat([grid.near.flatten(), torch.tensor([-1])])  # of whom each of the nine speaks
    for cell, back in enumerate(grid.back.tolist()):
        assert {said[at].item() for at in back} - {-1} == {cell}
        assert sum(at < 9 * 12 for at in back) == (grid.near[cell] < 12).sum()
