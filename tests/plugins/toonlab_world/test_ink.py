from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from toonlab_world.curves import box
from toonlab_world.forms import Even
from toonlab_world.ink import draw_ink
from toonlab_world.raster import rasterise
from toonlab_world.scene import Air, Layer, Scene, Shape, Surface
from toonlab_world.styles import STYLES

AIR = Air((0.2, 0.4, 0.8), (0.8, 0.9, 1), (1, 1, 0.9), (0.5, 0.5, 0.6), 0.3, (-0.6, -0.6, 0.53), (0.2, 0.1))
PEN = replace(STYLES["bold"], line_width=0.04, line_swing=0.6)


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


def test_ink_is_a_share():
    ink = draw_ink(rasterise(ground_up_to(0.5), 64), PEN)
    assert ink.dtype == np.float32
    assert ink.min() == 0
    assert ink.max() == 1
