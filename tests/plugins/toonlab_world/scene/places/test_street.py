from __future__ import annotations

import numpy as np
import pytest

from toonlab_world.render.raster import Raster
from toonlab_world.scene.compose import compose
from toonlab_world.scene.noise import generator
from toonlab_world.scene.places.street import MARKING, about, along_kerb, dashes, floor, pavements, paving, street

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


def test_the_floor_covers_everything_from_the_horizon_to_the_viewer(camera, check_shapes):
    shape = floor(generator("floor"), camera)
    check_shapes([shape])
    assert shape.outline[:, 1].min() == pytest.approx(camera.horizon, abs=0.03)
    assert shape.outline[:, 1].max() > 1
    assert shape.outline[:, 0].min() < 0
    assert shape.outline[:, 0].max() > 1


def test_pavements_lie_on_both_sides_of_the_road(camera, check_shapes):
    left, right = shapes = pavements(generator("pavement"), camera, road=3.0, front=5.0)
    check_shapes(shapes)
    assert left.surface == right.surface
    near = [shape.outline[shape.outline[:, 1].argsort()[-2:]] for shape in shapes]
    assert near[0][:, 0].max() < 0.5 < near[1][:, 0].min()
    np.testing.assert_allclose(np.sort(left.outline[:, 0]) + np.sort(right.outline[:, 0])[::-1], 1, atol=1e-4)


def test_dashes_shrink_towards_the_vanishing_point(camera):
    line, *_ = dashes(generator("dashes"), camera)
    assert line.surface == MARKING
    heights = [np.ptp(dash[:, 1]) for dash in (line.outline, *line.more)]
    assert len(heights) > 8
    assert heights == sorted(heights, reverse=True)
    last = line.more[-1]
    assert last[:, 0].mean() == pytest.approx(camera.vanishing, abs=0.01)
    assert last[:, 1].mean() == pytest.approx(camera.horizon, abs=0.06)


def test_some_roads_have_a_crossing_whose_bars_lie_side_by_side(camera):
    drawn = [dashes(generator("d", number), camera) for number in range(20)]
    crossings = [shapes[1] for shapes in drawn if len(shapes) == 2]
    assert 0 < len(crossings) < 20
    bars = [bar[:, 1] for bar in (crossings[0].outline, *crossings[0].more)]
    assert all(np.ptp(bar) == pytest.approx(np.ptp(bars[0]), abs=1e-5) for bar in bars)


def test_paving_is_pale_stone():
    for number in range(20):
        color = paving(generator("paving", number)).color
        assert min(color) > 0.4
        assert max(color) - min(color) < 0.25


def test_people_and_cars_are_about_in_a_street(make_setting, camera, check_shapes):
    for number in range(6):
        things = about(generator("about", number), make_setting(), camera, road=3.0, front=5.0)
        assert len(things) >= 2
        for one in things:
            check_shapes(one.shapes)
            assert one.shapes[0].depth >= camera.depth(2.6)
            assert camera.horizon < one.base  # below the eye


def test_what_is_farther_away_stands_higher_in_the_picture(make_setting, camera):
    things = about(generator("about"), make_setting(), camera, road=3.0, front=5.0)
    depths, bases = np.array([(one.shapes[0].depth, one.base) for one in things]).T
    np.testing.assert_array_equal(np.argsort(-depths, kind="stable"), np.argsort(bases, kind="stable"))


def test_along_a_kerb_things_stand_in_the_picture(make_setting, camera, points_of):
    for number in range(6):
        things = along_kerb(generator("kerb", number), make_setting(), camera, kerb=9.0, back=11.0)
        assert len(things) >= 2
        for one in things:
            x = points_of(one.shapes)[:, 0].mean()
            assert -0.3 < x < 1.3
