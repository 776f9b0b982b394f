from __future__ import annotations

import numpy as np
import pytest

from toonlab_world.scene.keys import generator
from toonlab_world.scene.places.roads import MARKING, dashes, floor, pavements, paving


def test_the_floor_covers_everything_from_the_horizon_to_the_viewer(camera, make_setting, check_shapes):
    (shape,) = floor(generator("floor"), camera, make_setting())
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
