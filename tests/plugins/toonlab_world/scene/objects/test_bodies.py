from __future__ import annotations

import numpy as np
import pytest

from toonlab_world.scene.forms import Even
from toonlab_world.scene.objects.bodies import Body
from toonlab_world.scene.scene import Texture
from toonlab_world.scene.things import Place

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
