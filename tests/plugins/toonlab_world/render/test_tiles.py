from __future__ import annotations

import numpy as np
import pytest

from toonlab_world.render.tiles import MATERIALS, TILE, courses, strewn
from toonlab_world.scene.noise import generator

TILES = [(name, number) for name, (_, tiles) in MATERIALS.items() for number in range(len(tiles))]


@pytest.mark.parametrize(("name", "number"), TILES)
def test_a_tile_is_structured_and_has_no_seam(name, number):
    """The steps across its border are like those within."""
    made = MATERIALS[name][1][number](generator("seam", name, number))
    assert made.shape == (TILE, TILE, 3)
    assert made.dtype == np.float32
    assert np.isfinite(made).all()
    bright = made[..., 0]
    assert 0.1 < bright.std() < 1.2
    for axis in (0, 1):
        steps = np.abs(bright - np.roll(bright, 1, axis)).mean(axis=1 - axis)
        assert steps[0] <= 1.25 * steps[1:].max()


def test_what_is_strewn_over_a_border_comes_in_on_the_other_side():
    for seed in range(12):
        covered = strewn(generator("one", seed), 1, 120, 120, square=True, spread=0)[..., 2] > -1.5
        columns, rows = (int(covered.any(axis=axis).sum()) for axis in (0, 1))
        assert columns == pytest.approx(rows, abs=2)
        assert 60 <= rows <= 175


def test_courses_alternate_and_their_joints_are_narrow():
    own, joints, down = courses(generator("wall"), rows=8, columns=4, joint=1.0)
    assert len(np.unique(own)) == 32
    assert 0.05 < joints.mean() < 0.2
    assert down[0, 0] == 0
    assert down.max() < 1
    np.testing.assert_array_equal(own[0], own[31])
    assert (own[0] != own[32]).mean() > 0.9
