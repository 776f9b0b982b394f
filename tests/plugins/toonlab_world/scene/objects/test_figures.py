from __future__ import annotations

import numpy as np
import pytest

from toonlab_world.scene.forms import Even
from toonlab_world.scene.noise import generator
from toonlab_world.scene.objects.figures import INK, TINY, Body, figure, head, long_hair
from toonlab_world.scene.scene import Place, Texture

PLACE = Place(0.5, 0.8, 1.0, 0.3)


@pytest.mark.parametrize("side", [-1.0, 1.0])
def test_feet_are_at_the_place_and_the_head_one_height_above(side):
    body = Body(PLACE, 0.2, side)
    assert body.at(0, 0) == pytest.approx((0.5, 0.8))
    assert body.at(0, 1) == pytest.approx((0.5, 0.6))
    assert body.at(0.5, 0) == pytest.approx((0.5 + side * 0.1, 0.8))


def test_a_limb_tapers_from_its_start_to_its_end():
    limb = Body(PLACE, 1.0, 1.0).limb((0.0, 0.5), (0.0, 0.1), thick=0.1, thin=0.04)
    start, end = limb[:2], limb[2:]
    assert np.ptp(start[:, 0]) == pytest.approx(0.1, abs=1e-6)
    assert np.ptp(end[:, 0]) == pytest.approx(0.04, abs=1e-6)
    assert start[:, 1].mean() == pytest.approx(0.3)
    assert end[:, 1].mean() == pytest.approx(0.7)


def test_a_limb_without_length_stays_finite():
    assert np.isfinite(Body(PLACE, 1.0, 1.0).limb((0.1, 0.2), (0.1, 0.2), 0.1, 0.1)).all()


def test_rounds_balls_and_tubes_share_the_bodys_scale():
    body = Body(PLACE, 0.5, 1.0)
    outline, ball, tube = body.round(0.1, 0.8, 0.1, 0.2), body.ball(0.1, 0.8, 0.1, 0.2), body.tube(0.1, 0.8, 0.4, 0.1)
    np.testing.assert_allclose((((outline - (ball.x, ball.y)) / (ball.rx, ball.ry)) ** 2).sum(axis=1), 1, rtol=1e-3)
    assert (tube.x, tube.y0, tube.y1, tube.top) == pytest.approx((0.55, 0.4, 0.6, 0.05))


def test_shapes_have_the_depth_of_the_place_and_all_outlines():
    body = Body(PLACE, 0.5, 1.0)
    one, two = body.round(0, 0.5, 0.1, 0.1), body.round(0, 0.8, 0.1, 0.1)
    shape = body.shape([one, two], (1, 0, 0), Texture(), Even())
    assert shape.depth == 0.3
    assert shape.outline is one
    assert shape.more == [two]


SKIN, HAIR = (0.9, 0.7, 0.55), (0.3, 0.2, 0.1)


def of(height, number=0, side=1.0):
    return head(generator("head", number), Body(Place(0.5, 0.9, 1.0, 0.3), height, side), SKIN, HAIR)


@pytest.mark.parametrize("number", range(6))
def test_a_face_has_eyes_mouth_and_nose_within_its_outline(check_shapes, number):
    face, eyes, hair = of(0.8, number)
    check_shapes((face, eyes, hair))
    assert [shape.surface.color for shape in (face, eyes, hair)] == [SKIN, INK, HAIR]
    assert len(face.strokes) == 2
    for points in (eyes.outline, *eyes.more, *face.strokes):
        assert (points > face.outline.min(axis=0)).all()
        assert (points < face.outline.max(axis=0)).all()
    mouth, nose = face.strokes
    assert eyes.outline[:, 1].max() < nose[:, 1].max() < mouth[:, 1].min()


def test_a_tiny_head_has_hair_and_no_face():
    face, hair = of(TINY / 2)
    assert (face.strokes, hair.surface.color) == ((), HAIR)


@pytest.mark.parametrize("side", [-1.0, 1.0])
def test_hair_lies_on_top(side):
    face, _, hair = of(0.8, side=side)
    assert hair.outline[:, 1].min() < face.outline[:, 1].min()
    assert hair.outline[:, 1].max() < face.outline[:, 1].max()


def test_long_hair_falls_to_the_shoulders_on_both_sides_of_the_head():
    body = Body(Place(0.5, 0.9, 1.0, 0.3), 0.8, 1.0)
    hair, face = long_hair(body, HAIR).outline, of(0.8)[0].outline
    assert hair[:, 1].max() > face[:, 1].max()
    assert hair[:, 0].min() < face[:, 0].min()
    assert hair[:, 0].max() > face[:, 0].max()


@pytest.mark.parametrize("number", range(8))
def test_a_figure_stands_on_its_spot_and_is_as_tall_as_asked(number):
    thing = figure(generator("f", number), Place(0.5, 0.8, 1.0, 0.3), 0.4)
    points = np.concatenate([points for shape in thing.shapes for points in (shape.outline, *shape.more)])
    assert points[:, 1].max() == pytest.approx(0.8, abs=0.01)
    assert points[:, 1].min() == pytest.approx(0.4, abs=0.02)
    assert abs(points[:, 0].mean() - 0.5) < 0.03
    assert thing.base == 0.8


def test_only_a_figure_that_is_near_has_a_face():
    near, far = (figure(generator("f", 0), Place(0.5, 0.8, 1.0, 0.3), height) for height in (2 * TINY, TINY / 2))
    assert any(shape.strokes for shape in near.shapes)
    assert not any(shape.strokes for shape in far.shapes)
    assert len(near.shapes) > len(far.shapes)


def test_people_differ():
    people = [figure(generator("f", number), Place(0.5, 0.8, 1, 0.3), 0.3) for number in range(10)]
    assert len({tuple(shape.surface.color for shape in one.shapes) for one in people}) == 10
    assert len({one.shapes[-1].surface.color for one in people}) > 3  # hair
    assert len({len(one.shapes) for one in people}) > 2
