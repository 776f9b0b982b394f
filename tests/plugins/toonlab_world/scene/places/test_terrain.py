from __future__ import annotations

import numpy as np
import pytest

from toonlab_world.scene.noise import generator
from toonlab_world.scene.palette import SEASONS
from toonlab_world.scene.places.terrain import SAMPLES, Ridge, hill, mountains, path, sky


def test_a_ridge_knows_its_height_and_slope_and_the_ground_below_it():
    ridge = Ridge(np.linspace(0.4, 0.6, SAMPLES, dtype=np.float32))
    assert ridge.at(0.0) == pytest.approx(0.4)
    assert ridge.at(0.5) == pytest.approx(0.5, abs=1e-3)
    assert ridge.at(7.0) == ridge.at(1.0) == pytest.approx(0.6)
    assert 0 < ridge.slope.min() <= ridge.slope.max() <= 1
    assert ridge.outline[:, 1].min() == pytest.approx(0.4)
    assert ridge.outline.max(axis=0) == pytest.approx((1.1, 1.1))


@pytest.mark.parametrize("number", range(6))
def test_a_hill_lies_at_its_base_and_covers_everything_below(check_shapes, number):
    ridge, shape = hill(generator("hill", number), SEASONS["summer"], ("h", number), 0.6, 0.4)
    check_shapes([shape])
    assert np.abs(ridge.y - 0.6).max() < 0.15
    np.testing.assert_array_equal(shape.outline, ridge.outline)
    assert shape.depth == 0.4


def test_mountains_rise_higher_and_are_more_jagged_than_hills():
    def ridges(make):
        return [make(generator("m", n), SEASONS["summer"], ("m", n), 0.6, 0.9) for n in range(8)]

    ranges = [shape.outline[1 : SAMPLES + 1, 1] for shape in ridges(mountains)]
    hills = [ridge.y for ridge, _ in ridges(hill)]
    assert np.mean(ranges) < np.mean(hills)
    assert np.mean(np.abs(np.diff(ranges, 2))) > 2 * np.mean(np.abs(np.diff(hills, 2)))


@pytest.mark.parametrize("number", range(6))
def test_a_path_runs_from_the_ridge_to_the_viewer_and_widens(number):
    ridge, ground = hill(generator("p", number), SEASONS["summer"], ("p", number), 0.5, 0.05)
    shape = path(generator("path", number), ridge, 0.4, ground)
    left, right = shape.outline[:40], shape.outline[40:][::-1]
    widths = right[:, 0] - left[:, 0]
    assert (widths > 0).all()
    assert widths[-1] > 5 * widths[0]
    assert left[-1, 1] == pytest.approx(1.1)
    assert abs(left[0, 1] - ridge.at(float((left[0, 0] + right[0, 0]) / 2))) < 0.02
    assert (shape.form, shape.depth) == (ground.form, ground.depth)


@pytest.mark.parametrize("number", range(12))
def test_the_sky_covers_the_picture_and_has_a_moon_at_night(make_setting, check_shapes, number):
    air = make_setting(night=True).air
    layer = sky(generator("sky", number), air, 0.5)
    check_shapes((*layer.ground, *layer.objects))
    back, moon = layer.ground
    assert (back.outline.min(axis=0) < 0).all()
    assert (back.outline.max(axis=0) > 1).all()
    assert moon.outline.mean(axis=0) == pytest.approx(air.sun_at, abs=1e-3)
    assert moon.surface.glow == 1
    assert all(0 < cloud.outline[:, 1].mean() < 0.5 for cloud in layer.objects)  # above the horizon


def test_the_sun_is_seen_on_some_days(make_setting):
    skies = [sky(generator("sky", number), make_setting().air, 0.5) for number in range(40)]
    assert {len(layer.ground) for layer in skies} == {1, 2}
    assert {len(layer.objects) for layer in skies} == {0, 1, 2, 3, 5}
