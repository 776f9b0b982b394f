from __future__ import annotations

import numpy as np
import pytest

from toonlab_world.scene.noise import generator
from toonlab_world.scene.objects.vehicles import BRAKE, LAMP, TYRE, boat, car
from toonlab_world.scene.scene import Place


def drive(camera, across=True, way=1.0, night=False, at=(0.5, 6.0), number=0):
    return car(generator("car", number), camera, at, across, way, night)


@pytest.mark.parametrize("across", [True, False])
@pytest.mark.parametrize("number", range(4))
def test_a_car_is_sound_and_its_wheels_stand_on_the_road(camera, check_shapes, points_of, across, number):
    thing = drive(camera, across, number=number)
    check_shapes(thing.shapes)
    wheels = points_of(shape for shape in thing.shapes if shape.surface == TYRE)
    body = points_of(shape for shape in thing.shapes if shape.surface != TYRE)
    assert wheels[:, 1].max() > body[:, 1].max()
    assert wheels[:, 1].max() == pytest.approx(thing.base, abs=0.02)


def test_a_car_seen_from_the_side_is_longer_than_one_seen_from_the_end(camera, points_of):
    side, end = (np.ptp(points_of(drive(camera, across).shapes)[:, 0]) for across in (True, False))
    assert side > 1.6 * end


def test_twice_as_far_is_half_as_large(camera, points_of):
    near, far = (np.ptp(points_of(drive(camera, at=(0.0, z)).shapes[:1])[:, 1]) for z in (5.0, 10.0))
    assert near == pytest.approx(2 * far, rel=0.01)


@pytest.mark.parametrize(("across", "way", "color"), [(False, 1.0, BRAKE), (False, -1.0, LAMP), (True, 1.0, LAMP)])
def test_lamps_shine_at_night_red_at_the_back_of_a_car(camera, across, way, color):
    day, night = (
        [shape for shape in drive(camera, across, way, n).shapes if shape.surface.glow > 0] for n in (False, True)
    )
    assert {shape.surface.color for shape in (*day, *night)} == {color}
    assert night[0].surface.glow > 0.8 > day[0].surface.glow


@pytest.mark.parametrize("way", [-1.0, 1.0])
def test_the_lamp_of_a_crossing_car_is_at_its_front(camera, points_of, way):
    thing = drive(camera, across=True, way=way, at=(0.0, 6.0))
    (lamp,) = [shape for shape in thing.shapes if shape.surface.glow > 0]
    assert (lamp.outline[:, 0].mean() - 0.5) * way > 0.3 * np.ptp(points_of(thing.shapes)[:, 0])


def test_boats_float_with_a_sail_or_a_rower(make_setting, check_shapes, points_of):
    place = Place(0.5, 0.7, 0.4, 0.3)
    boats = [boat(generator("boat", number), make_setting(), place) for number in range(12)]
    for one in boats:
        check_shapes(one.shapes)
        assert points_of(one.shapes[-2:])[:, 1].max() == pytest.approx(0.7)  # the hull, in front of all else
    heights = [np.ptp(points_of(one.shapes)[:, 1]) / np.ptp(one.shapes[-2].outline[:, 0]) for one in boats]
    assert len({len(one.shapes) for one in boats}) > 1
    assert max(heights) > 0.8  # with a mast
