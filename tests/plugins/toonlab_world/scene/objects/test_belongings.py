from __future__ import annotations

import numpy as np
import pytest

from toonlab_world.scene.keys import generator
from toonlab_world.scene.objects.belongings import cloth, floor_lamp, on_table, plant, screen


def test_a_lamp_shines_in_the_evening(make_setting, camera, check_shapes):
    day, night = (floor_lamp(generator("l"), make_setting(night=n), camera, 0.0, 3.0) for n in (False, True))
    check_shapes((*day.shapes, *night.shapes))
    assert max(shape.surface.glow for shape in night.shapes) > 0.8 > max(shape.surface.glow for shape in day.shapes)


def test_the_shade_of_a_lamp_stands_above_its_foot(make_setting, camera):
    foot, shade = floor_lamp(generator("l"), make_setting(), camera, 0.0, 3.0).shapes
    assert shade.outline[:, 1].max() < foot.outline[:, 1].min()
    (pole,) = foot.more
    assert pole[:, 1].min() < shade.outline[:, 1].max()  # it reaches into the shade


@pytest.mark.parametrize("season", ["summer", "winter"])
def test_a_plant_is_green_in_every_season_and_grows_out_of_its_pot(make_setting, camera, season):
    *leaves, pot = plant(generator("p"), make_setting(season=season), camera, 0.0, 3.0).shapes
    assert pot.outline[:, 1].max() == pytest.approx(camera.place(0.0, 3.0).y)
    for leaf in leaves:
        red, green, blue = leaf.surface.color
        assert green > max(red, blue)
        assert leaf.outline[:, 1].min() < pot.outline[:, 1].min()


@pytest.mark.parametrize("number", range(8))
def test_things_lie_on_the_table_at_its_height(camera, check_shapes, points_of, number):
    shapes = on_table(generator("t", number), camera, 0.2, 0.7, 3.0)
    check_shapes(shapes)
    assert points_of(shapes)[:, 1].max() == pytest.approx(camera.place(0.2, 3.0, 0.7).y, abs=0.02)


def test_a_screen_lies_in_its_frame(camera):
    frame, glass = screen(generator("s"), camera, 0.0, 0.8, 3.0)
    assert (glass.outline > frame.outline.min(axis=0)).all()
    assert (glass.outline < frame.outline.max(axis=0)).all()


def test_cloths_differ():
    colors = np.array([cloth(generator("c", number)).color for number in range(30)])
    assert np.ptp(colors, axis=0).min() > 0.3
