from __future__ import annotations

import pytest

from toonlab_world.scene.curves import box
from toonlab_world.scene.forms import Even
from toonlab_world.scene.scene import Air, Layer, Place, Scene, Shape, Surface

AIR = Air((0.2, 0.4, 0.8), (0.8, 0.9, 1), (1, 1, 0.9), (0.5, 0.5, 0.6), 0.3, (-0.6, -0.6, 0.53), (0.2, 0.1))


def shape() -> Shape:
    return Shape(box(0, 0, 1, 1), Surface((0.5, 0.5, 0.5)), Even())


@pytest.fixture
def scene() -> Scene:
    """A sky with a cloud, and a layer of two grounds with a thing of two shapes and one of one."""
    layer = Layer([shape(), shape()], [[shape(), shape()], [shape()]])
    return Scene(("test",), AIR, 0.5, Layer([shape()], [[shape()]]), [layer], focus=0.3, blur=0.5)


def test_shapes_come_from_back_to_front(scene):
    sky, (layer,) = scene.sky, scene.layers
    expected = [sky.ground[0], *sky.things[0], *layer.ground, *layer.things[0], *layer.things[1]]
    assert [id(one) for one in scene.shapes] == [id(one) for one in expected]


def test_the_shapes_of_a_thing_are_a_group_and_each_ground_is_one(scene):
    assert scene.groups == [0, 1, 2, 3, 4, 4, 5]
    assert len(scene.groups) == len(scene.shapes)


def test_objects_of_a_layer_are_those_of_all_its_things(scene):
    assert len(scene.layers[0].objects) == 3
    assert Layer([shape()]).objects == []


def test_a_shape_has_the_depth_of_its_place():
    outline, further = box(0.1, 0.2, 0.3, 0.4), box(0.5, 0.2, 0.6, 0.4)
    shape = Place(0.2, 0.4, 0.1, depth=0.7).shape(outline, Surface((1, 0, 0)), Even(0.3), line=0.5, more=[further])
    assert (shape.depth, shape.line, shape.form) == (0.7, 0.5, Even(0.3))
    assert shape.outline is outline
    assert shape.more == [further]
    assert shape.strokes == ()
