"""Whole levels and floats: the scale, the rounding, the clipping."""

from __future__ import annotations

import pytest
import torch

from toonlab.ops.levels import to_float, to_levels

EVERY_LEVEL = torch.arange(256, dtype=torch.uint8)


def test_uint8_becomes_the_range_of_the_networks() -> None:
    values = torch.tensor([0, 51, 255], dtype=torch.uint8)
    assert to_float(values).tolist() == pytest.approx([-1, -0.6, 1])


def test_floats_are_not_scaled() -> None:
    assert torch.equal(to_float(torch.tensor([0.3])), torch.tensor([0.3]))
    assert to_float(torch.tensor([0.5], dtype=torch.bfloat16)).dtype == torch.float32


def test_the_input_is_left_as_it_is() -> None:
    levels, floats = EVERY_LEVEL.clone(), torch.linspace(-2, 2, 9)
    to_float(levels)
    to_levels(floats)
    assert torch.equal(levels, EVERY_LEVEL)
    assert torch.equal(floats, torch.linspace(-2, 2, 9))


def test_every_level_survives_the_way_there_and_back() -> None:
    assert torch.equal(to_levels(to_float(EVERY_LEVEL)), EVERY_LEVEL)


@pytest.mark.parametrize("value_range", [(0.0, 1.0), (0.0, 255.0), (-3.0, 5.0)])
def test_levels_of_another_range(value_range: tuple[float, float]) -> None:
    low, high = value_range
    values = low + (high - low) * EVERY_LEVEL.float() / 255
    assert torch.equal(to_levels(values, value_range), EVERY_LEVEL)


def test_levels_are_rounded_to_the_nearest_and_clipped() -> None:
    values = torch.tensor([-7.0, -1.0, 0.4, 0.6, 254.4, 254.6, 300.0])
    assert to_levels(values, (0, 255)).tolist() == [0, 0, 0, 1, 254, 255, 255]
