"""A stage computes every row once, from top to bottom, and knows what memory that takes."""

from __future__ import annotations

import torch
from torch import nn

from toonlab.inference.strips.graph import ROWS
from toonlab.inference.strips.network import Network
from toonlab.inference.strips.stage import Source, Stage


def stage(height: int = 64) -> Stage:
    """Three convolutions and a skip in one stage."""
    net = nn.Sequential(
        nn.Conv2d(3, 8, 7, padding=3), nn.ReLU(), nn.Conv2d(8, 8, 3, 2, 1), nn.ConvTranspose2d(8, 3, 4, 2, 1)
    )
    (only,) = Network(net.eval(), height, 32, torch.device("cpu")).stages
    return only


def test_every_row_is_computed_once_in_order() -> None:
    given = stage()
    for count in (1, 3, 64):
        done = dict.fromkeys((each.node for each in given.operators), 0)
        for each, (first, end), _ in given.steps(count):
            assert done[each.node] == first < end <= each.height
            assert all(each.needs(index, first, end)[1] <= done[node] for index, node in enumerate(each.inputs))
            done[each.node] = end
        assert all(done[node] == 64 for node in given.targets)


def test_more_steps_take_less_memory() -> None:
    given = stage()
    peaks = [given.peak(count) for count in (1, 4, 16, 64)]
    assert peaks == sorted(peaks, reverse=True)
    assert peaks[-1] < peaks[0] / 4
    assert given.fitting(1e9) == 1
    assert given.peak(given.fitting(peaks[1])) <= peaks[1]
    assert given.fitting(1) == 64


def test_the_targets_are_handed_over_from_top_to_bottom() -> None:
    given, found = stage(), []
    for each in given.operators:
        if isinstance(each, Source):
            each.read = lambda first, end: torch.zeros(1, 3, end - first, 32)
    with torch.no_grad():
        given.run(5, lambda node, first, rows: found.append((first, rows.shape[ROWS])))
    assert [first for first, _ in found] == [sum(rows for _, rows in found[:index]) for index in range(len(found))]
    assert sum(rows for _, rows in found) == 64
