from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from toonlab_world.scene.noise import generator
from toonlab_world.scene.objects.facades import draw_look, facade


@pytest.fixture
def look():
    return replace(draw_look(generator("look"), storeys=4, columns=3, night=False), shop=False)


@pytest.mark.parametrize("number", range(10))
def test_everything_lies_on_the_wall_but_an_awning(wall, check_shapes, number):
    look = draw_look(generator("look", number), storeys=3, columns=3, night=False)
    shapes = facade(generator("facade", number), wall, look)
    check_shapes(shapes)
    whole, on_wall = shapes[0].outline, shapes[1:-2] if look.shop else shapes[1:]
    for shape in on_wall:
        for points in (shape.outline, *shape.more):
            assert (points >= whole.min(axis=0) - 1e-4).all()
            assert (points <= whole.max(axis=0) + 1e-4).all()


def test_each_storey_but_the_lowest_has_a_row_of_windows(wall, look):
    _, frames, *_ = facade(generator("facade"), wall, look)
    assert frames.surface == look.trim
    assert 1 + len(frames.more) == 3 * 3
    heights = {round(float(frame[:, 1].mean()), 3) for frame in (frames.outline, *frames.more)}
    assert len(heights) == 3


def test_more_windows_shine_at_night(wall, look):
    def shining(night):
        by_hour = replace(look, night=night)
        shapes = [shape for n in range(8) for shape in facade(generator("f", n), wall, by_hour)]
        return sum(1 + len(shape.more) for shape in shapes if shape.surface.glow > 0)

    assert shining(True) > 3 * shining(False)


def test_a_shop_has_a_sign_with_writing(wall, look):
    signs = facade(generator("shop"), wall, replace(look, shop=True))
    written = [shape for shape in signs if shape.line == 0 and len(shape.more) > 5]
    assert len(written) == 1
    board = next(shape for shape in signs if shape.surface.color == look.cloth)
    marks = np.concatenate([written[0].outline, *written[0].more])
    assert (marks > board.outline.min(axis=0)).all()
    assert (marks < board.outline.max(axis=0)).all()


def test_looks_differ_and_have_colours():
    looks = [draw_look(generator("l", number), 3, 3, night=False) for number in range(40)]
    assert {one.shop for one in looks} == {True, False}
    assert len({one.wall.color for one in looks}) == 40
    assert all(0.35 <= one.wide <= 0.6 and 0.45 <= one.tall <= 0.68 for one in looks)
