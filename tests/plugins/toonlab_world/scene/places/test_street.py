from __future__ import annotations

import numpy as np
import pytest

from toonlab_world.render.raster import Raster
from toonlab_world.scene.compose import compose
from toonlab_world.scene.noise import generator
from toonlab_world.scene.places.street import street

COUNT = 10


@pytest.fixture(scope="module")
def streets(make_setting):
    return [street(generator("street", number), make_setting(), ("street", number)) for number in range(COUNT)]


def test_a_street_has_a_background_houses_and_what_is_about(streets, check_shapes):
    for scene in streets:
        check_shapes(scene.shapes)
        far, houses, about = scene.layers
        assert len(far.ground) == 1
        assert len(houses.things) >= 2
        assert len(about.things) >= 2
        assert not about.ground


def test_streets_run_along_the_view_or_across_it(streets):
    assert {len(scene.layers[1].shadows) > 0 for scene in streets} == {True, False}


def test_houses_of_a_row_come_from_the_farthest_to_the_nearest(streets):
    for scene in streets:
        depths = [thing[0].depth for thing in scene.layers[1].things]
        rows = np.split(depths, np.nonzero(np.diff(depths) > 1e-6)[0] + 1)
        assert len(rows) <= 2  # one for each side
        assert all((np.diff(row) <= 1e-6).all() for row in rows)


@pytest.mark.parametrize("size", [48, 96])
def test_houses_and_road_are_seen_at_any_size(size):
    for index in range(4):
        scene = compose((1, "street", index), "street")
        labels = Raster(scene, size).shapes
        first = len(scene.sky.ground) + len(scene.sky.objects) + len(scene.layers[0].ground)
        road = len(scene.layers[1].ground)
        houses = len(scene.layers[1].objects)
        seen_road = ((labels >= first) & (labels < first + road)).mean()
        seen_houses = ((labels >= first + road) & (labels < first + road + houses)).mean()
        assert seen_road > 0.02
        assert seen_houses > 0.05
