from __future__ import annotations

import numpy as np
import pytest

from toonlab_world.scene.noise import generator
from toonlab_world.scene.objects.furniture import PIECES, cloth, lamp, on_table, plant, screen, shelf, thing_of
from toonlab_world.scene.space import Box


@pytest.mark.parametrize("name", PIECES)
@pytest.mark.parametrize("number", range(4))
def test_a_piece_is_sound_and_stands_on_the_floor(make_setting, camera, check_shapes, points_of, name, number):
    thing = PIECES[name](generator("f", name, number), make_setting(), camera, 0.4, 3.0)
    check_shapes(thing.shapes)
    floor = camera.place(0.4, 3.0).y
    assert thing.base == pytest.approx(floor, abs=0.02)
    assert points_of(thing.shapes)[:, 1].max() == pytest.approx(floor, abs=0.05)
    assert points_of(thing.shapes)[:, 1].min() < floor - 0.05
    assert thing.fallen


@pytest.mark.parametrize("name", PIECES)
def test_a_nearer_piece_is_larger(make_setting, camera, points_of, name):
    near, far = (
        np.ptp(points_of(PIECES[name](generator("f", name), make_setting(), camera, 0.0, z).shapes), axis=0)
        for z in (2.5, 5.0)
    )
    assert (near > 1.5 * far).all()


def test_books_stand_in_the_case_on_its_boards(make_setting, camera, points_of):
    thing = shelf(generator("shelf"), make_setting(), camera, 0.0, 3.0)
    *case, inside = [shape for shape in thing.shapes if shape.line != 0.4]
    books = [shape for shape in thing.shapes if shape.line == 0.4]
    assert sum(1 + len(book.more) for book in books) > 10
    spines, gaps = points_of(books), points_of([inside])
    assert (spines >= gaps.min(axis=0) - 1e-5).all()
    assert (spines <= gaps.max(axis=0) + 1e-5).all()
    assert (gaps > points_of(case).min(axis=0)).all()


def test_a_piece_stands_where_the_front_of_its_box_meets_the_floor(make_setting, camera):
    box = Box(camera, (-0.5, 0.5), (0.0, 1.0), (2.0, 2.5))
    thing = thing_of(box, [], make_setting())
    assert thing.base == pytest.approx(box.front.outlines((0, 0, 1, 1))[0][:, 1].max())
    assert len(thing.fallen) == 1


def test_a_lamp_shines_in_the_evening(make_setting, camera, check_shapes):
    day, night = (lamp(generator("l"), make_setting(night=n), camera, 0.0, 3.0) for n in (False, True))
    check_shapes((*day.shapes, *night.shapes))
    assert max(shape.surface.glow for shape in night.shapes) > 0.8 > max(shape.surface.glow for shape in day.shapes)


def test_the_shade_of_a_lamp_stands_above_its_foot(make_setting, camera):
    foot, shade = lamp(generator("l"), make_setting(), camera, 0.0, 3.0).shapes
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
