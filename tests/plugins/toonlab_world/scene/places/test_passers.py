from __future__ import annotations

import numpy as np

from toonlab_world.scene.curves import box
from toonlab_world.scene.forms import Even
from toonlab_world.scene.keys import generator
from toonlab_world.scene.places.passers import about, along_kerb, stand
from toonlab_world.scene.scene import Shape, Surface
from toonlab_world.scene.things import Thing


def thing(value: float, base: float = 0.8) -> Thing:
    outline = box(0.4, 0.6, 0.5, base)
    return Thing(base, [Shape(outline, Surface((value, value, value)), Even())], [outline])


def test_things_stand_from_back_to_front_with_their_shadows(make_setting, camera):
    things = [(3.0, thing(0.3)), (9.0, thing(0.9)), (6.0, thing(0.6))]
    standing, shadows = stand(things, make_setting(), camera)
    assert [shapes[0].surface.color[0] for shapes in standing] == [0.9, 0.6, 0.3]
    assert len(shadows) == 3
    for outline in shadows:
        assert outline[:, 1].min() >= 0.8 - 1e-6  # on the ground in front of the thing
        assert outline[:, 0].max() > 0.5  # away from a sun on the left


def test_people_and_cars_are_about_in_a_street(make_setting, camera, check_shapes):
    for number in range(6):
        things = about(generator("about", number), make_setting(), camera, road=3.0, front=5.0)
        assert len(things) >= 2
        for z, one in things:
            check_shapes(one.shapes)
            assert z >= 2.6
            assert camera.horizon < one.base  # below the eye


def test_what_is_farther_away_stands_higher_in_the_picture(make_setting, camera):
    things = about(generator("about"), make_setting(), camera, road=3.0, front=5.0)
    distances, bases = np.array([(z, one.base) for z, one in things]).T
    np.testing.assert_array_equal(np.argsort(-distances, kind="stable"), np.argsort(bases, kind="stable"))


def test_along_a_kerb_things_stand_in_the_picture(make_setting, camera, points_of):
    for number in range(6):
        things = along_kerb(generator("kerb", number), make_setting(), camera, kerb=9.0, back=11.0)
        assert len(things) >= 2
        for _, one in things:
            x = points_of(one.shapes)[:, 0].mean()
            assert -0.3 < x < 1.3
