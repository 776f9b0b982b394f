from __future__ import annotations

import pytest

from toonlab_world.scene.keys import generator
from toonlab_world.scene.objects.views import NIGHT, window


def opened(wall, setting, number=0):
    (shapes,) = window(generator("window", number), wall, setting)
    return shapes


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
