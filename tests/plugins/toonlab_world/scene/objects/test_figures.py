from __future__ import annotations

import numpy as np
import pytest

from toonlab_world.scene.keys import generator
from toonlab_world.scene.objects.figures import figure
from toonlab_world.scene.objects.heads import TINY
from toonlab_world.scene.things import Place


@pytest.mark.parametrize("number", range(8))
def test_a_figure_stands_on_its_spot_and_is_as_tall_as_asked(number):
    thing = figure(generator("f", number), Place(0.5, 0.8, 1.0, 0.3), 0.4)
    points = np.concatenate([points for shape in thing.shapes for points in (shape.outline, *shape.more)])
    assert points[:, 1].max() == pytest.approx(0.8, abs=0.01)
    assert points[:, 1].min() == pytest.approx(0.4, abs=0.02)
    assert abs(points[:, 0].mean() - 0.5) < 0.03
    assert thing.base == 0.8


def test_only_a_figure_that_is_near_has_a_face():
    near, far = (figure(generator("f", 0), Place(0.5, 0.8, 1.0, 0.3), height) for height in (2 * TINY, TINY / 2))
    assert any(shape.strokes for shape in near.shapes)
    assert not any(shape.strokes for shape in far.shapes)
    assert len(near.shapes) > len(far.shapes)


def test_people_differ():
    people = [figure(generator("f", number), Place(0.5, 0.8, 1, 0.3), 0.3) for number in range(10)]
    assert len({tuple(shape.surface.color for shape in one.shapes) for one in people}) == 10
    assert len({one.shapes[-1].surface.color for one in people}) > 3  # hair
    assert len({len(one.shapes) for one in people}) > 2
