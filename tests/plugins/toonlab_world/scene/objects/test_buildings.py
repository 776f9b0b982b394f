from __future__ import annotations

import numpy as np
import pytest

from toonlab_world.scene.noise import generator
from toonlab_world.scene.objects.buildings import Block, house
from toonlab_world.scene.scene import Place

PLACE = Place(0.5, 0.8, 0.4, 0.2)


def houses(setting, count=12):
    return [house(generator("house", number), setting, PLACE) for number in range(count)]


def test_houses_are_sound_stand_on_the_ground_and_differ(make_setting, check_shapes, points_of):
    built = houses(make_setting())
    for one in built:
        check_shapes(one.shapes)
        assert points_of(one.shapes)[:, 1].max() == pytest.approx(0.8, abs=0.01)
        assert 0.15 * 0.4 < 0.8 - points_of(one.shapes)[:, 1].min() < 1.2 * 0.4
    assert len({one.shapes[1].surface.color for one in built}) == len(built)


def test_windows_shine_at_night_alone(make_setting):
    def shining(setting):
        return sum(shape.surface.glow > 0 for one in houses(setting) for shape in one.shapes)

    assert shining(make_setting(night=False)) == 0
    assert shining(make_setting(night=True)) > 10


def test_the_shadow_is_that_of_walls_and_roof(make_setting, points_of):
    for one in houses(make_setting()):
        (silhouette,) = one.casting
        assert silhouette[:, 1].max() == pytest.approx(0.8)
        walls = np.concatenate([shape.outline for shape in one.shapes[:2]])
        assert silhouette[:, 1].min() < walls[:, 1].min()  # the ridge
        assert silhouette[:, 0].min() == pytest.approx(walls[:, 0].min(), abs=1e-6)


@pytest.mark.parametrize("side", [-1.0, 1.0])
def test_a_block_shows_its_side_on_the_side_that_it_is_told(side):
    block = Block(PLACE, width=0.2, height=0.1, side=side, deep=0.1)
    assert block.at(0.5, 0) == pytest.approx((0.5, 0.8))
    assert block.at(0.5, 1) == pytest.approx((0.5, 0.7))
    far_x, far_y = block.at(0.5, 0, 1)
    assert (far_x - 0.5) * side == pytest.approx(0.1)
    assert far_y < 0.8  # what is behind stands higher in the picture
    front = block.front(0.2, 0.3, 0.4, 0.6)
    assert np.ptp(front, axis=0) == pytest.approx((0.2 * 0.2, 0.3 * 0.1), abs=1e-6)
