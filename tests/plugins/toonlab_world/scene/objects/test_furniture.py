from __future__ import annotations

import numpy as np
import pytest

from toonlab_world.scene.keys import generator
from toonlab_world.scene.objects.furniture import PIECES, shelf, thing_of
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
    assert thing.casting


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


def test_the_base_is_that_of_the_nearest_box(make_setting, camera):
    near, far = (Box(camera, (-0.5, 0.5), (0.0, 1.0), (z, z + 0.5)) for z in (2.0, 4.0))
    thing = thing_of([far, near], [], make_setting())
    assert thing.base == pytest.approx(camera.place(0.0, 2.0).y)
    assert len(thing.casting) == 2
