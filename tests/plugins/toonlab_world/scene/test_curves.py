from __future__ import annotations

import cv2
import numpy as np
import pytest

from toonlab_world.scene.curves import box, ellipse, shadow, stand, taper, union
from toonlab_world.scene.forms import Ball, Even
from toonlab_world.scene.scene import Shape, Surface, Thing


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


def test_a_taper_is_as_wide_as_said_at_both_ends():
    outline = taper(0.5, 0.2, 0.05, 0.8, 0.1)
    np.testing.assert_allclose(outline, [[0.45, 0.2], [0.55, 0.2], [0.6, 0.8], [0.4, 0.8]], rtol=1e-6)


def thing(value: float, base: float) -> Thing:
    outline = box(0.4, base - 0.2, 0.5, base)
    return Thing(base, [Shape(outline, Surface((value, value, value)), Even())], [outline])


def test_things_stand_from_back_to_front_with_their_shadows():
    sun, lying = (-0.6, -0.6, 0.5), box(0.0, 0.9, 1.0, 1.0)
    layer = stand([thing(0.3, 0.8), thing(0.9, 0.6), Thing(0.7, [], fallen=[lying])], sun)
    assert [shapes[0].surface.color[0] for shapes in layer.things if shapes] == [0.9, 0.3]
    far, near, last = layer.shadows
    assert last is lying
    for outline, base in ((far, 0.6), (near, 0.8)):
        assert outline[:, 1].min() >= base - 1e-6  # on the ground in front of the thing
        assert outline[:, 0].max() > 0.5  # away from a sun on the left


def test_what_hangs_on_a_wall_is_behind_what_stands_on_the_ground():
    ground, hung = thing(0.1, 1.0).shapes[0], thing(0.2, 0.3).shapes
    layer = stand([thing(0.3, 0.8)], (-0.6, -0.6, 0.5), [ground], [hung])
    assert [shapes[0].surface.color[0] for shapes in layer.things] == [0.2, 0.3]
    assert layer.ground == [ground]
