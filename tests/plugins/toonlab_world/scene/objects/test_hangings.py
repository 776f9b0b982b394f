from __future__ import annotations

import numpy as np
import pytest

from toonlab_world.scene.keys import generator
from toonlab_world.scene.objects import hangings

DRAWN = {
    "picture": hangings._picture,
    "poster": hangings._poster,
    "clock": hangings._clock,
    "door": hangings._door,
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
    hung = [hangings.hang(generator("hang", number), [wall, wall]) for number in range(20)]
    counts = [len(things) for things in hung]
    assert max(counts) <= 6
    assert 1.5 < np.mean(counts) < 4
