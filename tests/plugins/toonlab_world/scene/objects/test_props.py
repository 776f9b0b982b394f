from __future__ import annotations

import numpy as np
import pytest

from toonlab_world.scene.noise import generator
from toonlab_world.scene.objects import props
from toonlab_world.scene.scene import Place

PLACE = Place(0.5, 0.8, 0.4, 0.2)
BUILDERS = (props.fence, props.ball, props.lamp, props.post, props.bench)


@pytest.mark.parametrize("build", BUILDERS)
@pytest.mark.parametrize("number", range(4))
def test_props_are_sound_stand_on_the_ground_and_cast_a_shadow(make_setting, check_shapes, points_of, build, number):
    thing = build(generator("p", number), make_setting(), PLACE)
    check_shapes(thing.shapes)
    points = points_of(thing.shapes)
    assert points[:, 1].max() == pytest.approx(0.8, abs=0.005)
    assert points[:, 1].min() < 0.78
    cast = np.concatenate(thing.casting)
    assert (cast.min(axis=0) >= points.min(axis=0) - 1e-5).all()
    assert (cast.max(axis=0) <= points.max(axis=0) + 1e-5).all()


@pytest.mark.parametrize("build", BUILDERS)
def test_props_grow_with_their_place(make_setting, points_of, build):
    small, large = (
        points_of(build(generator("p"), make_setting(), Place(0.5, 0.8, size, 0.2)).shapes) for size in (0.2, 0.4)
    )
    np.testing.assert_allclose((large - (0.5, 0.8)) / 2, small - (0.5, 0.8), atol=1e-5)


def test_a_lamp_shines_at_night(make_setting):
    day, night = (
        max(shape.surface.glow for shape in props.lamp(generator("l"), make_setting(night=n), PLACE).shapes)
        for n in (False, True)
    )
    assert night == 1
    assert day < 0.5


def test_rails_of_a_fence_reach_from_its_first_post_to_its_last(make_setting):
    lower, upper, *posts = props.fence(generator("f"), make_setting(), PLACE).shapes
    assert len(posts) >= 4
    centres = [post.outline[:, 0].mean() for post in posts]
    for rail in (lower, upper):
        assert rail.outline[:, 0].min() <= min(centres) + 1e-4
        assert rail.outline[:, 0].max() == pytest.approx(max(centres), abs=0.02)


def test_a_board_holds_its_writing(make_setting):
    _, board, marks = props.post(generator("b"), make_setting(), PLACE).shapes
    written = np.concatenate([marks.outline, *marks.more])
    assert (written > board.outline.min(axis=0)).all()
    assert (written < board.outline.max(axis=0)).all()


def test_the_stripe_of_a_ball_lies_on_the_ball(make_setting):
    things = [props.ball(generator("s", number), make_setting(), PLACE) for number in range(10)]
    striped = [thing.shapes for thing in things if len(thing.shapes) == 2]
    assert 0 < len(striped) < 10
    for ball, stripe in striped:
        form = ball.form
        assert (np.hypot(*((stripe.outline - (form.x, form.y)) / (form.rx, form.ry)).T) < 1).all()
