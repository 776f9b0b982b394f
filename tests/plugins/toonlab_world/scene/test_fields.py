from __future__ import annotations

import numpy as np
import pytest

from toonlab_world.scene.fields import Ground, Pool, Sky, Water
from toonlab_world.scene.forms import Window

WHOLE = Window(0, 64, 0, 64, 64)
FROM_LEFT = (-1.0, 0.0, 0.0)


def test_a_pool_of_light_is_brightest_at_its_middle():
    light = Pool(0.25, 0.5, 0.2, 0.2, 0.3, 0.9).light(WHOLE, FROM_LEFT)
    assert light.max() == pytest.approx(0.9, abs=0.01)
    assert np.unravel_index(light.argmax(), light.shape) in {(31, 15), (31, 16), (32, 15), (32, 16)}
    assert (np.diff(light[32, 16:]) < 0).all()


def test_waves_lie_flat():
    light = Water(("w",), 0.0).light(WHOLE, FROM_LEFT)
    across, down = np.abs(np.diff(light, axis=1)).mean(), np.abs(np.diff(light, axis=0)).mean()
    assert down > 2 * across


@pytest.mark.parametrize(
    "form",
    [
        Sky(0.2, 0.1, 0.5),
        Pool(0.3, 0.4, 0.2, 0.3),
        Water(("w",), 0.4),
        Ground(("g",), np.full(64, 0.4, np.float32), np.linspace(-1, 1, 64, dtype=np.float32), 3, 0.3, 0.4, 0.5),
    ],
)
def test_light_stays_in_range_and_a_window_shows_a_part_of_the_whole(form):
    whole = np.broadcast_to(form.light(WHOLE, FROM_LEFT), (64, 64))
    part = np.broadcast_to(form.light(Window(10, 30, 5, 64, 64), FROM_LEFT), (20, 59))
    assert whole.min() >= 0
    assert whole.max() <= 1
    np.testing.assert_allclose(part, whole[10:30, 5:64], atol=1e-6)


def test_the_sky_is_brightest_around_the_sun():
    light = Sky(0.25, 0.25, 0.5).light(WHOLE, FROM_LEFT)
    assert light[16, 16] == light.max()
    assert light[16, 16] > light[16, 40] > light[16, 60]


def test_the_faces_of_a_mountain_turn_with_the_sun():
    form = Ground(("g",), np.full(64, 0.2, np.float32), np.linspace(-1, 1, 64, dtype=np.float32), 3, 0.0, 0.3, 0.0)
    from_right, from_left = form.light(WHOLE, (1.0, 0.0, 0.0)), form.light(WHOLE, FROM_LEFT)
    assert from_right[40, 60] > form.base > from_right[40, 4]
    np.testing.assert_allclose(from_right + from_left, 2 * form.base, atol=1e-5)
