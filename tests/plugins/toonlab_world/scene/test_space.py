from __future__ import annotations

import numpy as np
import pytest

from toonlab_world.scene.scene import Surface
from toonlab_world.scene.space import TREE, Box, Camera, Face

CAMERA = Camera(vanishing=0.5, horizon=0.4, eye=1.6, zoom=0.8)


def test_what_lies_straight_ahead_vanishes_at_the_horizon():
    far = CAMERA.see(np.array([[3.0, 0.0, 1e6]], np.float32))
    np.testing.assert_allclose(far, [[0.5, 0.4]], atol=1e-4)


def test_twice_as_far_is_half_as_large():
    near, far = (CAMERA.place(1.0, z) for z in (4.0, 8.0))
    assert near.size == pytest.approx(2 * far.size) == TREE * 0.8 / 4
    assert near.x - 0.5 == pytest.approx(2 * (far.x - 0.5))
    assert near.y - 0.4 == pytest.approx(2 * (far.y - 0.4))
    assert near.depth < far.depth < 1


def test_what_lies_behind_the_eye_stays_finite():
    assert np.isfinite(CAMERA.see(np.array([[1.0, 0.0, -2.0]], np.float32))).all()


def test_the_edge_of_the_picture_is_half_a_width_away():
    x = CAMERA.half_width(5.0)
    np.testing.assert_allclose(CAMERA.see(np.array([[x, 1.6, 5.0]], np.float32)), [[1.0, 0.4]], atol=1e-6)


def test_rectangles_on_a_face_lie_within_it():
    face = Face(CAMERA, (-1.0, 0.0, 3.0), (0, 0, 4), (0, 2, 0), (1, 0, 0))
    shape = face.shape(Surface((0.5, 0.5, 0.5)), (0.1, 0.1, 0.4, 0.9), (0.6, 0.1, 0.9, 0.9))
    (whole,) = face.outlines((0, 0, 1, 1))
    assert len(shape.more) == 1
    for outline in (shape.outline, *shape.more):
        assert (outline.min(axis=0) > whole.min(axis=0)).all()
        assert (outline.max(axis=0) < whole.max(axis=0)).all()


@pytest.mark.parametrize(
    ("x", "y", "count"),
    [
        ((-0.5, 0.5), (0.0, 1.0), 2),
        ((1.0, 2.0), (0.0, 1.0), 3),
        ((1.0, 2.0), (0.0, 3.0), 2),
        ((-2.0, -1.0), (2.0, 3.0), 3),
    ],
)
def test_a_box_shows_the_faces_that_look_at_the_viewer(x, y, count):
    faces = Box(CAMERA, x, y, (3.0, 4.0)).faces()
    assert len(faces) == count
    for face in faces:
        corner, u, v = (np.array(part) for part in (face.corner, face.u, face.v))
        middle, normal = corner + (u + v) / 2, np.cross(u, v)
        inside = np.array([sum(x) / 2, sum(y) / 2, 3.5])
        outwards = normal * np.sign(normal @ (middle - inside))
        assert outwards @ (np.array([0, CAMERA.eye, 0]) - middle) > 0


@pytest.mark.parametrize("side", [-1.0, 1.0])
def test_a_box_throws_its_shadow_away_from_the_sun(side):
    box = Box(CAMERA, (-0.5, 0.5), (0.0, 1.0), (3.0, 4.0))
    shadow, (front,) = box.shadow((side * 0.7, -0.6, 0.4)), box.front.outlines((0, 0, 1, 1))
    assert (shadow[:, 0].mean() - front[:, 0].mean()) * side < 0
