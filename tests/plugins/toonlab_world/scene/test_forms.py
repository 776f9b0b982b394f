from __future__ import annotations

import numpy as np
import pytest

from toonlab_world.scene.forms import Ball, Even, Lobes, Plane, Tube, Window, lit

WHOLE = Window(0, 64, 0, 64, 64)
FROM_LEFT = (-1.0, 0.0, 0.0)
FROM_VIEWER = (0.0, 0.0, 1.0)


def test_a_window_knows_the_centres_of_its_pixels():
    window = Window(2, 4, 0, 3, 10)
    np.testing.assert_allclose(window.y, [[0.25], [0.35]], rtol=1e-6)
    np.testing.assert_allclose(window.x, [[0.05, 0.15, 0.25]], rtol=1e-6)


def test_light_grows_from_the_far_side_to_the_near():
    light = lit(np.linspace(-1, 1, 50, dtype=np.float32))
    assert light[0] == 0
    assert light[-1] == 1
    assert (np.diff(light) >= 0).all()


@pytest.mark.parametrize(("normal", "light"), [(FROM_LEFT, 1.0), ((1.0, 0.0, 0.0), 0.0)])
def test_a_plane_is_bright_if_it_faces_the_sun(normal, light):
    assert Plane(normal).light(WHOLE, FROM_LEFT) == pytest.approx(light)


def test_a_ball_is_brightest_where_its_normal_points_to_the_sun():
    light = Ball(0.5, 0.5, 0.4, 0.4).light(WHOLE, FROM_LEFT)
    assert light[32, 6] == pytest.approx(1, abs=0.02)
    assert light[32, 55] == 0
    front = Ball(0.5, 0.5, 0.4, 0.4).light(WHOLE, FROM_VIEWER)
    assert np.unravel_index(front.argmax(), front.shape) in {(31, 31), (31, 32), (32, 31), (32, 32)}


def test_a_tube_is_lit_alike_along_its_axis():
    light = Tube(0.5, 0, 1, 0.3, 0.3).light(WHOLE, FROM_LEFT)
    assert (light == light[0]).all()
    assert light[0, 14] > light[0, 32] > light[0, 49]


def test_a_lobe_catches_light_of_its_own():
    whole = Ball(0.5, 0.5, 0.45, 0.45)
    plain, lobed = (Lobes(balls, whole).light(WHOLE, FROM_LEFT) for balls in ([], [Ball(0.7, 0.5, 0.1, 0.1)]))
    changed = plain != lobed
    assert changed[32, 39]  # the lobe's own bright side, on the dark side of the whole
    assert lobed[32, 39] > plain[32, 39]
    assert not changed[:, :32].any()


def test_a_window_finds_the_part_of_it_that_may_see_a_rectangle():
    window = Window(10, 50, 0, 64, 64)
    assert window.within(0.25, 0.5, 0.5, 0.75) == Window(32, 49, 16, 33, 64)
    assert window.within(0.25, 0.0, 0.5, 2.0) == Window(10, 50, 16, 33, 64)
    outside = window.within(0.25, 0.9, 0.5, 0.95)
    assert outside.bottom <= outside.top


@pytest.mark.parametrize(
    "form",
    [
        Even(0.4),
        Ball(0.4, 0.5, 0.3, 0.2),
        Tube(0.5, 0.1, 0.9, 0.2, 0.3),
        Lobes([Ball(0.6, 0.5, 0.1, 0.1)], Ball(0.5, 0.5, 0.4, 0.4)),
    ],
)
def test_light_stays_in_range_and_a_window_shows_a_part_of_the_whole(form):
    whole = np.broadcast_to(form.light(WHOLE, FROM_LEFT), (64, 64))
    part = np.broadcast_to(form.light(Window(10, 30, 5, 64, 64), FROM_LEFT), (20, 59))
    assert 0 <= whole.min() <= whole.max() <= 1
    np.testing.assert_allclose(part, whole[10:30, 5:64], atol=1e-6)
