from __future__ import annotations

import numpy as np
import pytest

from toonlab_world.render.cartoon import draw_cartoon
from toonlab_world.render.painting import CELS, FAR, ink_tints, pen_pressure, pen_weights
from toonlab_world.render.raster import Raster
from toonlab_world.render.styles import STYLES
from toonlab_world.render.texture import Layout
from toonlab_world.scene.compose import compose

SIZE = 96
SCENES = [compose((0, "painted", index), kind) for index, kind in enumerate(("landscape", "street", "interior"))]


@pytest.mark.parametrize("scene", SCENES, ids=["landscape", "street", "interior"])
@pytest.mark.parametrize("style", STYLES)
def test_backgrounds_are_painted_and_cels_stay_flat(scene, style):
    raster = Raster(scene, SIZE)
    drawing = draw_cartoon(raster, STYLES[style], difficulty=1.0)
    laid = Layout(scene, raster.shapes)
    bare = laid.inside & ~drawing["outline"] & (drawing["cartoon"].min(axis=2) > 0)
    cel = np.isin(laid.material, CELS)
    cel[: len(scene.sky.ground)] = False
    off = np.abs(drawing["cartoon"].astype(int) - drawing["flat"]).max(axis=2)
    assert np.median(off[bare & ~cel.take(laid.labels)]) > 3
    assert np.median(off[bare & cel.take(laid.labels)]) == 0


def test_gradients_leave_no_rings_in_the_sky():
    """Where the easy cartoon's sky steps from tone to tone, the hard one changes smoothly."""
    raster = Raster(SCENES[0], SIZE)
    easy, hard = (draw_cartoon(raster, STYLES["bold"], difficulty=d) for d in (0.0, 1.0))
    shapes = easy["regions"] // 4
    step = (easy["regions"][:, 1:] != easy["regions"][:, :-1]) & (shapes[:, 1:] == 0) & (shapes[:, :-1] == 0)
    assert step.sum() > 20
    before, after = (np.abs(np.diff(one["cartoon"].astype(int), axis=1)).max(axis=2)[step] for one in (easy, hard))
    assert np.median(after) < 0.4 * np.median(before)


def test_the_truth_about_colours_is_not_touched_by_paint():
    raster = Raster(SCENES[1], SIZE)
    easy, hard = (draw_cartoon(raster, STYLES["bold"], difficulty=d) for d in (0.0, 1.0))
    np.testing.assert_array_equal(easy["flat"], hard["flat"])
    np.testing.assert_array_equal(easy["regions"], hard["regions"])
    assert (easy["outline"] != hard["outline"]).any()


def test_pens_differ_from_thing_to_thing_and_some_far_ones_lift():
    scene = SCENES[0]
    assert (pen_weights(scene, 0.0) == 1).all()
    weights, depth = pen_weights(scene, 1.0), np.array([shape.depth for shape in scene.shapes])
    assert (weights[depth <= FAR] > 0).all()
    assert (weights[depth > FAR] == 0).any()
    assert weights[weights > 0].std() > 0.1


def test_a_pen_presses_and_lifts_about_its_weight():
    pressure = pen_pressure(SCENES[0], 64, 1.0)
    assert pressure.min() >= 0
    assert pressure.mean() == pytest.approx(1, abs=0.1)
    assert pressure.std() > 0.1
    assert (pen_pressure(SCENES[0], 64, 0.0) == 1).all()


def test_lines_take_on_colour():
    tints = ink_tints(SCENES[0], 0.1, 1.0)
    assert 0.1 <= tints.min() < tints.max() <= 0.1 + 0.9 * 0.7
    np.testing.assert_allclose(ink_tints(SCENES[0], 0.1, 0.0), 0.1)
