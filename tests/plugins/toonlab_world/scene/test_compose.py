from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toonlab_world.render.styles import MAX_TONES
from toonlab_world.scene.compose import KINDS, compose
from toonlab_world.scene.palette import HOURS


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**31), st.integers(0, 10**6), st.sampled_from([None, *KINDS]))
def test_every_scene_can_be_rendered(seed, index, kind):
    scene = compose((seed, "train", index), kind)
    shapes = scene.shapes
    assert len(shapes) * MAX_TONES < 2**16  # regions are uint16
    assert all(np.isfinite(points).all() and points.shape[1] == 2 for shape in shapes for points in polygons(shape))
    assert all(0 <= shape.depth <= 1 and 0 <= shape.line <= 1 for shape in shapes)
    assert all(0 <= channel <= 1 for shape in shapes for channel in shape.surface.color)
    assert np.linalg.norm(scene.air.sun) == pytest.approx(1)
    assert scene.air.sun[1] < 0  # the sun stands above the ground


def test_a_key_gives_one_scene_and_another_key_another():
    first, again, other = (compose((0, "s", index)) for index in (3, 3, 4))
    assert [shape.surface for shape in first.shapes] == [shape.surface for shape in again.shapes]
    for one, two in zip(first.shapes, again.shapes, strict=True):
        np.testing.assert_array_equal(one.outline, two.outline)
    assert [shape.surface for shape in first.shapes] != [shape.surface for shape in other.shapes]


def test_scenes_vary():
    scenes = [compose((0, "s", index)) for index in range(80)]
    assert {scene.air.night for scene in scenes} == {True, False}
    assert {len(scene.layers) for scene in scenes} >= {1, 2, 3, 4, 5}
    assert len({len(scene.shapes) for scene in scenes}) > 50
    assert len({scene.air.sunlight for scene in scenes}) >= len(HOURS)


@cache
def scenes_of(kind=None):
    return [compose((0, "s", index), kind) for index in range(12)]


def test_every_kind_comes_up_and_can_be_asked_for():
    """A scene that comes up by itself is the one that this kind gives; the other kinds give others."""
    found = set()
    for index, scene in enumerate(scenes_of()):
        alike = [kind for kind in KINDS if same(scenes_of(kind)[index], scene)]
        assert len(alike) == 1
        found.update(alike)
    assert found == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_no_two_scenes_of_a_kind_are_alike(kind):
    assert len({tuple(shape.surface.color for shape in scene.shapes) for scene in scenes_of(kind)}) == 12


def same(one, two):
    return [shape.surface for shape in one.shapes] == [shape.surface for shape in two.shapes]


def polygons(shape):
    return (shape.outline, *shape.more, *shape.strokes)
