from __future__ import annotations

import numpy as np
import pytest

from toonlab_world.render.raster import Raster
from toonlab_world.scene.noise import generator
from toonlab_world.scene.places.interior import LAMPLIGHT, Room, interior


@pytest.fixture(scope="module")
def rooms(make_setting):
    return [interior(generator("room", number), make_setting(), ("room", number)) for number in range(8)]


def test_a_room_fills_the_picture(rooms, check_shapes):
    for scene in rooms:
        check_shapes(scene.shapes)
        labels = Raster(scene, 48).shapes
        assert (labels == 0).mean() < 0.01  # nothing is seen behind it
        assert scene.sky.things == ()


def test_no_haze_is_in_a_room_and_a_lamp_lights_it_in_the_evening(rooms, make_setting):
    evening = interior(generator("room"), make_setting(night=True), ("room",))
    assert all(scene.air.haze <= 0.1 for scene in (*rooms, evening))
    assert evening.air.sunlight == LAMPLIGHT
    assert all(scene.air.sunlight != LAMPLIGHT for scene in rooms)


def test_things_stand_from_the_back_wall_to_the_viewer(rooms):
    for scene in rooms:
        (inside,) = scene.layers
        assert len(inside.things) >= 3
        assert len(inside.shadows) >= 2
    depths = [thing[-1].depth for thing in rooms[0].layers[0].things[-3:]]
    assert depths == sorted(depths, reverse=True)


@pytest.mark.parametrize("number", range(4))
def test_the_walls_of_a_room_meet(camera, make_setting, number):
    room = Room(generator("walls", number), camera, make_setting().air)
    left, right = (np.array([[u, 0.0], [u, 1.0]], np.float32) for u in (0, 1))
    np.testing.assert_allclose(room.back_wall.see(left), room.left.see(right), atol=1e-4)
    np.testing.assert_allclose(room.back_wall.see(right), room.right.see(right), atol=1e-4)
    assert room.light_wall not in room.bare_walls
    assert len(room.bare_walls) == 2


def test_the_sun_falls_on_the_floor_by_day_alone(camera, make_setting):
    def patches(night):
        room = Room(generator("patch"), camera, make_setting(night=night).air)
        return [room.patch(generator("patch", number)) for number in range(20)]

    assert not any(patches(night=True))
    drawn = [shape for shapes in patches(night=False) for shape in shapes]
    assert 5 < len(drawn) < 20
    assert all(shape.outline[:, 1].min() > camera.horizon for shape in drawn)
