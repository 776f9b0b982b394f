from __future__ import annotations

import cv2
import numpy as np
import pytest

from toonlab_world.render.bank import COUNTS, FIRST, LEVELS, NUMBERS, STEP, atlas
from toonlab_world.render.tiles import MATERIALS, TILE


def tile(name: str, level: int) -> np.ndarray:
    """With its margins."""
    side, top = (TILE >> level) + 2, FIRST[NUMBERS[name]] * (TILE + 2)
    left = int(atlas().left[level])
    return atlas().texels[top : top + side, left : left + side]


def test_every_material_has_a_place_of_its_own():
    assert NUMBERS.keys() == MATERIALS.keys()
    assert 0 not in NUMBERS.values()
    assert len(atlas().texels) == (FIRST[-1] + COUNTS[-1]) * (TILE + 2)
    assert (atlas().texels[: TILE + 2] == 128).all()  # of what has no material: neither bright nor dark


@pytest.mark.parametrize("name", ["brick", "leaves", "water"])
@pytest.mark.parametrize("level", range(LEVELS))
def test_margins_repeat_the_other_side(name, level):
    one = tile(name, level)
    for axis in (0, 1):
        np.testing.assert_array_equal(np.take(one, 0, axis), np.take(one, -2, axis))
        np.testing.assert_array_equal(np.take(one, -1, axis), np.take(one, 1, axis))


@pytest.mark.parametrize("name", ["brick", "grass"])
def test_a_coarser_level_is_the_average_of_the_finer_one(name):
    fine, coarse = (tile(name, level)[1:-1, 1:-1].astype(np.float32) for level in (0, 2))
    averaged = cv2.resize(fine, coarse.shape[:2], interpolation=cv2.INTER_AREA)
    assert np.abs(averaged - coarse).mean() < 1.5


@pytest.mark.parametrize("name", NUMBERS)
def test_materials_change_no_brightness_on_the_whole(name):
    assert abs((tile(name, 0)[1:-1, 1:-1, 0].astype(float) - 128).mean() * STEP) < 0.06
