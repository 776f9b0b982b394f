from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from toonlab_world.scene.keys import generator
from toonlab_world.scene.objects.marks import BARS, line_of_marks, text
from toonlab_world.scene.space import Camera, Face

BOX = (0.2, 0.3, 0.8, 0.5)
WALL = Face(Camera(0.5, 0.5, 1.5, 1.0), (-1.0, 0.0, 4.0), (2, 0, 0), (0, 2, 0), (0, 0, 1))


@pytest.mark.parametrize("count", [1, 4, 12])
def test_marks_stay_in_their_box(count):
    rects = np.array(line_of_marks(generator("m", count), count, BOX))
    assert (rects[:, [0, 1]] >= (0.2, 0.3)).all()
    assert (rects[:, [2, 3]] <= (0.8, 0.5001)).all()
    assert (rects[:, 2:] > rects[:, :2]).all()


def test_bars_are_strokes_apart_from_each_other_or_parts_of_one_another():
    for a, b in combinations(BARS, 2):
        crossing = min(a[2], b[2]) > max(a[0], b[0]) and min(a[3], b[3]) > max(a[1], b[1])
        assert not crossing or (a[0], a[2]) == (b[0], b[2])


def test_text_is_one_shape_without_an_outline_and_differs_from_draw_to_draw():
    one, two = (text(generator("t", n), WALL, BOX, (1, 1, 1), lines=3) for n in (0, 1))
    assert one.line == 0
    assert len(one.more) > 15
    assert len(one.more) != len(two.more) or not np.array_equal(one.more, two.more)
