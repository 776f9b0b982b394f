from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toonlab_world.cartoon import MAX_TONES
from toonlab_world.compose import BUILDERS, THEMES, compose
from toonlab_world.keys import generator
from toonlab_world.palette import HOURS, SEASONS, draw_air
from toonlab_world.things import Place, Setting


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**31), st.integers(0, 10**6))
def test_every_scene_can_be_rendered(seed, index):
    scene = compose((seed, "train-photo", index))
    shapes = scene.shapes
    assert len(shapes) * MAX_TONES < 2**16  # regions are uint16
    assert all(np.isfinite(shape.outline).all() and shape.outline.shape[1] == 2 for shape in shapes)
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
    assert {len(scene.layers) for scene in scenes} == {2, 3, 4, 5}
    assert len({len(scene.shapes) for scene in scenes}) > 40
    assert len({scene.air.sunlight for scene in scenes}) == len(HOURS)


@pytest.mark.parametrize("name", BUILDERS)
@pytest.mark.parametrize("season", SEASONS)
def test_things_stand_on_their_spot(name, season):
    draw = generator("test", name, season)
    setting = Setting(SEASONS[season], draw_air(draw, 0.5), {}, 0.5, 1.0)
    thing = BUILDERS[name](draw, setting, Place(0.5, 0.8, 0.4, 0.2))
    outlines = np.concatenate([shape.outline for shape in thing.shapes])
    assert thing.base == 0.8
    assert outlines[:, 1].max() == pytest.approx(0.8, abs=0.06)
    assert outlines[:, 0].min() < 0.5 < outlines[:, 0].max()
    assert np.ptp(outlines, axis=0).max() < 0.9


def test_themes_name_things_that_exist():
    assert {name for theme in THEMES.values() for name in theme} == set(BUILDERS)
