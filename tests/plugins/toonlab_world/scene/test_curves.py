from __future__ import annotations

import cv2
import numpy as np
import pytest

from toonlab_world.scene.curves import box, ellipse, shadow, union
from toonlab_world.scene.forms import Ball


def test_an_ellipse_has_its_area():
    assert cv2.contourArea(ellipse(0.5, 0.4, 0.2, 0.1, samples=200)) == pytest.approx(np.pi * 0.02, rel=1e-3)


def test_the_union_of_one_ball_is_its_ellipse():
    outline = union([Ball(0.5, 0.4, 0.2, 0.1)], (0.5, 0.4))
    np.testing.assert_allclose((((outline - (0.5, 0.4)) / (0.2, 0.1)) ** 2).sum(axis=1), 1, rtol=1e-4)


def test_a_union_reaches_as_far_as_its_farthest_ball():
    balls = [Ball(0.5, 0.5, 0.2, 0.2), Ball(0.65, 0.5, 0.2, 0.1)]
    outline = union(balls, (0.5, 0.5), samples=360)
    assert outline[:, 0].max() == pytest.approx(0.85, abs=1e-3)
    assert outline[:, 0].min() == pytest.approx(0.3, abs=1e-3)
    assert outline[:, 1].min() == pytest.approx(0.3, abs=1e-3)


@pytest.mark.parametrize("side", [-1.0, 1.0])
def test_a_shadow_falls_away_from_the_sun_and_starts_at_the_foot(side):
    outline = shadow(box(0.4, 0.3, 0.5, 0.8), base=0.8, sun=(side * 0.6, -0.6, 0.5))
    foot, top = outline[2:], outline[:2]
    np.testing.assert_allclose(foot, [[0.5, 0.8], [0.4, 0.8]], atol=1e-6)
    assert ((top[:, 0] - [0.4, 0.5]) * side < 0).all()
    assert (top[:, 1] >= 0.8).all()
