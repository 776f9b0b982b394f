from __future__ import annotations

import colorsys

import numpy as np
import pytest

from toonlab_world.scene.noise import generator
from toonlab_world.scene.objects import nature
from toonlab_world.scene.palette import SEASONS
from toonlab_world.scene.scene import Place

PLACE = Place(0.5, 0.8, 0.4, 0.2)
TALL = (nature.tree, nature.poplar, nature.conifer)
LOW = (nature.bush, nature.stone, nature.tuft, nature.flowers)


@pytest.mark.parametrize("build", [*TALL, *LOW])
@pytest.mark.parametrize("number", range(4))
def test_shapes_are_sound_and_their_key_decides_them(make_setting, check_shapes, points_of, build, number):
    first, again = (build(generator("n", number), make_setting(), PLACE) for _ in range(2))
    check_shapes(first.shapes)
    np.testing.assert_array_equal(points_of(first.shapes), points_of(again.shapes))
    other = build(generator("n", number + 100), make_setting(), PLACE)
    assert (
        len(points_of(other.shapes)) != len(points_of(first.shapes))
        or (points_of(other.shapes) != points_of(first.shapes)).any()
    )


def test_trees_are_taller_than_what_grows_below_them(make_setting, points_of):
    def height(build):
        things = [build(generator("h", number), make_setting(), PLACE) for number in range(10)]
        return np.mean([0.8 - points_of(thing.shapes)[:, 1].min() for thing in things])

    assert min(map(height, TALL)) > 2 * max(map(height, LOW))


@pytest.mark.parametrize("build", [nature.tree, nature.poplar])
def test_a_crown_hides_the_top_of_its_trunk(make_setting, build):
    trunk, crown = build(generator("t"), make_setting(), PLACE).shapes
    assert crown.outline[:, 1].min() < trunk.outline[:, 1].min() < crown.outline[:, 1].max()
    assert trunk.outline[:, 1].max() == pytest.approx(0.8)


def test_tiers_of_a_conifer_grow_narrower_and_higher(make_setting):
    _, *tiers = nature.conifer(generator("c"), make_setting(), PLACE).shapes
    widths = [np.ptp(tier.outline[:, 0]) for tier in tiers]
    tops = [tier.outline[:, 1].min() for tier in tiers]
    assert widths == sorted(widths, reverse=True)
    assert tops == sorted(tops, reverse=True)


@pytest.mark.parametrize("season", SEASONS)
def test_leaves_have_the_colour_of_the_season(make_setting, season):
    tint = SEASONS[season].leaves
    crown = nature.tree(generator("s", season), make_setting(season=season), PLACE).shapes[1]
    hue, saturation, value = colorsys.rgb_to_hsv(*crown.surface.color)
    assert tint.hue[0] - 1e-6 <= hue <= tint.hue[1] + 1e-6
    assert tint.saturation[0] - 1e-6 <= saturation <= tint.saturation[1] + 1e-6
    assert tint.value[0] - 1e-6 <= value <= tint.value[1] + 1e-6


def test_a_stone_lies_on_the_ground_and_flowers_come_from_back_to_front(make_setting):
    (stone,) = nature.stone(generator("s"), make_setting(), PLACE).shapes
    assert stone.outline[:, 1].max() == np.float32(0.8)
    tops = [shape.outline[0, 1] for shape in nature.flowers(generator("f"), make_setting(), PLACE).shapes]
    assert len(tops) >= 4
    assert tops == sorted(tops)
