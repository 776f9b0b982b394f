from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from toonlab_world.scene.noise import generator
from toonlab_world.scene.objects import walls
from toonlab_world.scene.objects.walls import BARS, NIGHT, line_of_marks, text, window
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


def opened(wall, setting, number=0):
    return window(generator("window", number), wall, setting)


@pytest.mark.parametrize("number", range(6))
def test_the_view_lies_in_the_frame_and_the_frame_on_the_wall(wall, make_setting, check_shapes, number):
    frame, sky, hill, *_ = shapes = opened(wall, make_setting(), number)
    check_shapes(shapes)
    (whole,) = wall.outlines((0, 0, 1, 1))
    for inner, outer in ((frame.outline, whole), (sky.outline, frame.outline), (hill.outline, frame.outline)):
        assert (inner >= outer.min(axis=0) - 1e-5).all()
        assert (inner <= outer.max(axis=0) + 1e-5).all()


def test_the_sky_is_bright_by_day_and_dark_at_night(wall, make_setting):
    day, night = (opened(wall, make_setting(night=n))[1].surface for n in (False, True))
    assert day.glow > 0.5 > night.glow
    assert night.color == NIGHT
    assert day.color == make_setting().air.zenith


def test_hills_differ_from_window_to_window(wall, make_setting):
    one, two = (opened(wall, make_setting(), number)[2].outline for number in (0, 1))
    assert (one != two).any()


def test_curtains_hang_on_both_sides_in_some_rooms(wall, make_setting):
    curtains = [opened(wall, make_setting(), number)[-1] for number in range(12)]
    hung = [shape for shape in curtains if shape.strokes]
    assert 0 < len(hung) < 12
    for shape in hung:
        assert len(shape.more) == 1
        assert shape.outline[:, 0].max() < shape.more[0][:, 0].min()
        assert len(shape.strokes) == 4  # folds


DRAWN = {
    "picture": walls._picture,
    "poster": walls._poster,
    "clock": walls._clock,
    "door": walls._door,
}


@pytest.mark.parametrize("name", DRAWN)
@pytest.mark.parametrize("left", [0.12, 0.42, 0.7])
def test_what_hangs_on_a_wall_stays_on_it_with_the_frame_around_the_rest(wall, check_shapes, points_of, name, left):
    shapes = DRAWN[name](generator("h", name), wall, left)
    check_shapes(shapes)
    (whole,) = wall.outlines((0, 0, 1, 1))
    assert (points_of(shapes) >= whole.min(axis=0) - 1e-5).all()
    assert (points_of(shapes) <= whole.max(axis=0) + 1e-5).all()
    frame, *rest = shapes
    assert (points_of(rest) >= frame.outline.min(axis=0) - 1e-5).all()
    assert (points_of(rest) <= frame.outline.max(axis=0) + 1e-5).all()


def test_a_door_stands_on_the_floor_and_pictures_hang_above_it(wall):
    (whole,) = wall.outlines((0, 0, 1, 1))
    door, picture = (DRAWN[name](generator("h"), wall, 0.4)[0].outline for name in ("door", "picture"))
    assert door[:, 1].max() == pytest.approx(whole[:, 1].max())
    assert picture[:, 1].max() < whole[:, 1].mean() + 0.05


def test_the_hands_of_a_clock_start_at_its_middle_and_end_within_its_dial(wall):
    rim, dial = DRAWN["clock"](generator("clock"), wall, 0.4)
    middle = rim.outline.mean(axis=0)
    radius = np.ptp(dial.outline, axis=0) / 2
    hour, minute = dial.strokes
    for hand in (hour, minute):
        np.testing.assert_allclose(hand[0], middle, atol=1e-3)
    lengths = [np.hypot(*((hand[1] - middle) / radius)) for hand in (hour, minute)]
    assert lengths[0] < lengths[1] < 1


def test_a_few_things_hang_on_each_wall(wall):
    hung = [walls.hang(generator("hang", number), [wall, wall]) for number in range(20)]
    counts = [len(things) for things in hung]
    assert max(counts) <= 6
    assert 1.5 < np.mean(counts) < 4
