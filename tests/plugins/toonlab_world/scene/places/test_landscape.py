from __future__ import annotations

import numpy as np
import pytest

from toonlab_world.scene.fields import Water
from toonlab_world.scene.noise import generator
from toonlab_world.scene.palette import SEASONS, Setting, draw_air
from toonlab_world.scene.places.landscape import BUILDERS, THEMES, waterside
from toonlab_world.scene.scene import Place


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


@pytest.fixture(scope="module")
def scenes(make_setting):
    return [waterside(generator("water", number), make_setting(), ("water", number)) for number in range(12)]


def water_of(scene):
    (layer,) = [layer for layer in scene.layers if layer.ground and isinstance(layer.ground[0].form, Water)]
    return layer


def test_water_lies_level_from_the_waterline_to_the_viewer_and_mirrors(scenes, check_shapes):
    for scene in scenes:
        check_shapes(scene.shapes)
        (water,) = water_of(scene).ground
        assert water.outline[:, 1].min() == pytest.approx(scene.waterline)
        assert water.outline[:, 1].max() > 1
        assert 0.4 <= water.surface.mirror <= 0.8
        assert scene.horizon < scene.waterline < scene.horizon + 0.07


def test_only_water_mirrors(scenes):
    for scene in scenes:
        assert sum(shape.surface.mirror > 0 for shape in scene.shapes) == 1


def test_boats_float_below_the_waterline_from_back_to_front(scenes):
    fleets = [water_of(scene).things for scene in scenes]
    assert {len(boats) for boats in fleets} >= {0, 1}
    for scene, boats in zip(scenes, fleets, strict=True):
        keels = [float(np.max([shape.outline[:, 1].max() for shape in boat])) for boat in boats]
        assert keels == sorted(keels)
        assert all(keel > scene.waterline for keel in keels)


def test_the_viewer_stands_on_a_shore(scenes):
    for scene in scenes:
        near = scene.layers[-1]
        assert near is not water_of(scene)
        assert near.ground[0].outline[:, 1].max() == pytest.approx(1.1)
