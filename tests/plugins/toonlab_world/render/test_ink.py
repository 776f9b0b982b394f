from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from toonlab_world.render.ink import draw_ink, hatch
from toonlab_world.render.raster import rasterise
from toonlab_world.scene.curves import box
from toonlab_world.scene.forms import Even
from toonlab_world.scene.scene import Air, Layer, Scene, Shape, Surface
from toonlab_world.styles.style import STYLES

AIR = Air((0.2, 0.4, 0.8), (0.8, 0.9, 1), (1, 1, 0.9), (0.5, 0.5, 0.6), 0.3, (-0.6, -0.6, 0.53), (0.2, 0.1))
PEN = replace(STYLES["bold"], line_width=0.04 * 256, line_swing=0.6)


def ground_up_to(x: float, line: float = 1.0, depth: float = 1 / 6, light: float = 0.5) -> Scene:
    """The sky on the right of an upright edge at x; at a depth of 1/6 the pen draws at its full width."""
    surface = Surface((0.5, 0.5, 0.5))
    sky = Layer([Shape(box(-0.1, -0.1, 1.1, 1.1), surface, Even(), line=0)])
    ground = Shape(box(-0.5, -0.5, x, 1.5), surface, Even(light), depth, line)
    return Scene(("test",), AIR, 0.5, sky, [Layer([ground])], focus=0.3, blur=0.5)


def inked(scene: Scene, size: int = 100) -> float:
    """Mean width of the ink, in picture sides."""
    return float(draw_ink(rasterise(scene, size), PEN).mean())


@pytest.mark.parametrize("size", [50, 100, 200])
def test_a_line_is_as_wide_as_the_style_says_at_any_size(size):
    assert inked(ground_up_to(0.5), size) == pytest.approx(0.04, abs=0.4 / size)


def test_a_line_lies_on_the_edge():
    ink = draw_ink(rasterise(ground_up_to(0.3), 100), PEN)
    columns = ink.mean(axis=0) > 0.5
    assert columns.nonzero()[0].mean() / 200 == pytest.approx(0.3, abs=0.006)


def test_lines_swell_in_the_shade_and_thin_out_with_distance_and_weight():
    middle = inked(ground_up_to(0.5))
    assert inked(ground_up_to(0.5, light=0.0)) == pytest.approx(1.3 * middle, rel=0.1)
    assert inked(ground_up_to(0.5, light=1.0)) == pytest.approx(0.7 * middle, rel=0.1)
    assert inked(ground_up_to(0.5, depth=0.9)) == pytest.approx(0.56 * middle, rel=0.1)
    assert inked(ground_up_to(0.5, line=0.5)) == pytest.approx(0.5 * middle, rel=0.1)


def test_a_weight_of_zero_draws_no_line():
    assert inked(ground_up_to(0.5, line=0.0)) == 0


def test_a_line_is_never_thinner_than_a_pixel():
    assert inked(ground_up_to(0.5, line=0.01), 100) == pytest.approx(0.01, rel=0.3)


def test_lines_within_a_thing_have_a_weight_of_their_own():
    grey = Surface((0.5, 0.5, 0.5))
    halves = [Shape(box(left, -0.5, left + 0.5, 1.5), grey, Even(), 1 / 6) for left in (0.0, 0.5)]
    whole = Layer([Shape(box(-0.1, -0.1, 1.1, 1.1), grey, Even(), line=0)], [halves])
    scene = Scene(("test",), AIR, 0.5, whole, [], focus=0.3, blur=0.5)
    for weight, width in ((1.0, 0.04), (0.5, 0.02), (0.0, 0.0)):
        ink = draw_ink(rasterise(scene, 200), replace(PEN, inner_lines=weight, line_swing=0))
        assert ink[:, 120:280].mean() * 0.4 == pytest.approx(width, abs=0.003)


def test_strokes_are_drawn_on_what_they_lie_on_and_hidden_by_what_is_in_front():
    stroke = np.array([[0.5, -0.1], [0.5, 1.1]], np.float32)
    sky = Shape(box(-0.1, -0.1, 1.1, 1.1), Surface((0.5, 0.5, 0.5)), Even(), 1 / 6, strokes=[stroke])
    front = Shape(box(-0.1, 0.5, 1.1, 1.1), Surface((0.5, 0.5, 0.5)), Even(), line=0)
    scene = Scene(("test",), AIR, 0.5, Layer([sky]), [Layer([front])], focus=0.3, blur=0.5)
    ink = draw_ink(rasterise(scene, 100), replace(PEN, inner_lines=1.0))
    assert ink[20:80, 80:120].mean() * 0.2 == pytest.approx(0.75 * 0.04, abs=0.004)
    assert ink[120:180].max() == 0


@pytest.mark.parametrize("area", [0.1, 0.3, 0.6])
def test_lines_stay_within_their_share_of_the_picture(area):
    grid = [Shape(box(x, -0.5, x + 0.05, 1.5), Surface((0.5, 0.5, 0.5)), Even(), line=1) for x in np.arange(0, 1, 0.05)]
    scene = Scene(("test",), AIR, 0.5, Layer(grid), [], focus=0.3, blur=0.5, spot=(0.4, 0.6))
    raster = rasterise(scene, 100)
    everywhere, here = draw_ink(raster, PEN).sum(), draw_ink(raster, PEN, area)
    assert here.sum() / everywhere == pytest.approx(area, abs=0.05)
    _, x = (here > 0.5).nonzero()
    assert x.mean() / 200 == pytest.approx(0.4, abs=0.05)


def test_hatching_covers_what_is_shaded_in_proportion_to_its_spacing():
    raster = rasterise(ground_up_to(0.5), 128)
    shaded = np.zeros(raster.shapes.shape, bool)
    shaded[:, :100] = True
    ink = hatch(raster, replace(PEN, line_width=4, hatch_spacing=8), shaded)
    assert ink[:, 100:].max() == 0
    assert ink[:, :100].mean() == pytest.approx(0.45 * 4 / 8, rel=0.15)


def test_ink_is_a_share():
    ink = draw_ink(rasterise(ground_up_to(0.5), 64), PEN)
    assert ink.dtype == np.float32
    assert ink.min() == 0
    assert ink.max() == 1
