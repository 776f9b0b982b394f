from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from toonlab_world.render.cartoon import draw_cartoon, draw_ink, hatch
from toonlab_world.render.pixels import Pictures
from toonlab_world.render.raster import Raster
from toonlab_world.render.styles import MAX_TONES, STYLES
from toonlab_world.scene.compose import compose
from toonlab_world.scene.curves import box
from toonlab_world.scene.forms import Even
from toonlab_world.scene.scene import Air, Layer, Scene, Shape, Surface


def drawing(style: str, index: int = 0, size: int = 96) -> Pictures:
    return draw_cartoon(Raster(compose((0, "test", index)), size), STYLES[style])


@pytest.mark.parametrize("style", STYLES)
def test_a_region_has_one_flat_colour(style):
    done = drawing(style)
    for region in np.unique(done["regions"]):
        colors = done["flat"][done["regions"] == region]
        assert (colors == colors[0]).all()


@pytest.mark.parametrize("style", STYLES)
def test_away_from_its_lines_and_edges_the_cartoon_is_the_flat_colours(style):
    done = drawing(style)
    flat = done["regions"].astype(np.float32)
    same = cv2.dilate(flat, np.ones((3, 3))) == cv2.erode(flat, np.ones((3, 3)))
    away = same & ~cv2.dilate(done["outline"].astype(np.uint8), np.ones((7, 7))).astype(bool)
    assert away.mean() > 0.2
    np.testing.assert_array_equal(done["cartoon"][away], done["flat"][away])


@pytest.mark.parametrize(("style", "darkness"), [("bold", 0.45), ("flat", 0.45), ("soft", 0.65)])
def test_the_outline_is_where_the_cartoon_is_darker_than_its_colours(style, darkness):
    for index in range(4):
        done = drawing(style, index, 128)
        line = done["outline"]
        assert 0.01 < line.mean() < 0.35
        assert done["cartoon"][line].mean() < darkness * done["flat"][line].mean()
        assert done["cartoon"][~line].mean() > 0.85 * done["flat"][~line].mean()


def test_styles_differ_in_width_of_line_tones_and_saturation():
    soft, bold, flat = (drawing(style, 2, 256) for style in ("soft", "bold", "flat"))
    assert bold["outline"].mean() > 1.2 * soft["outline"].mean()
    assert len(np.unique(flat["regions"])) < len(np.unique(bold["regions"]))
    assert saturation(soft) < saturation(bold)


@pytest.mark.parametrize("tones", [1, 2, 3, 4])
def test_a_shape_has_at_most_the_tones_of_the_style(tones):
    style = replace(STYLES["bold"], tones=tones)
    regions = draw_cartoon(Raster(compose((0, "test", 1)), 64), style)["regions"]
    assert (regions % 4).max() == tones - 1


@pytest.mark.parametrize("index", [0, 1, 2])
def test_a_finer_cartoon_shows_the_same(index):
    scene = compose((0, "test", index))
    style = replace(STYLES["bold"], line_width=5.0)  # wide enough not to be held up at one pixel
    fine, coarse = (draw_cartoon(Raster(scene, size), style)["cartoon"] for size in (384, 96))
    averaged = cv2.resize(fine, (96, 96), interpolation=cv2.INTER_AREA)
    assert np.abs(averaged.astype(float) - coarse).mean() < 8


@pytest.mark.parametrize("change", [{"hatching": True}, {"inner_lines": 0.0}, {"inner_lines": 2.0}, {"tones": 1}])
def test_the_outline_is_wherever_a_line_was_drawn_in_a_style_of_ones_own(change):
    """Ink takes at least half of the way from the flat colour to its own where the outline is, and less elsewhere."""
    style = replace(STYLES["bold"], ink=(0, 0, 0), ink_tint=0.0, **change)
    for index in range(3):
        done = draw_cartoon(Raster(compose((0, "test", index)), 128), style)
        flat = done["regions"].astype(np.float32)
        inside = cv2.dilate(flat, np.ones((3, 3))) == cv2.erode(flat, np.ones((3, 3)))  # one colour, no mixture
        left = done["cartoon"][inside].astype(float).sum(axis=1) / done["flat"][inside].sum(axis=1).clip(1)
        assert (left[done["outline"][inside]] < 0.52).all()
        assert (left[~done["outline"][inside]] > 0.48).all()


def test_hatching_is_a_part_of_the_outline_and_not_of_the_flat_colours():
    raster = Raster(compose((0, "test", 1)), 96)
    plain, hatched = (draw_cartoon(raster, replace(STYLES["bold"], hatching=hatching)) for hatching in (False, True))
    np.testing.assert_array_equal(plain["flat"], hatched["flat"])
    np.testing.assert_array_equal(plain["regions"], hatched["regions"])
    assert not (plain["outline"] & ~hatched["outline"]).any()
    added = hatched["outline"] & ~plain["outline"]
    assert added.mean() > 0.01
    assert (hatched["regions"][added] % MAX_TONES == 0).mean() > 0.9


@pytest.mark.parametrize("style", STYLES)
def test_outlines_become_local_as_the_area_that_has_lines_shrinks(style):
    """The share of all outlines that lie in the nine most inked of 64 patches."""
    shares = []
    for area in (1.0, 0.5, 0.15):
        masks = [draw_cartoon(Raster(compose((0, "test", i)), 64), STYLES[style], area)["outline"] for i in range(6)]
        counts = [np.sort(mask.reshape(8, 8, 8, 8).sum(axis=(1, 3)).ravel()) for mask in masks]
        shares.append(np.mean([count[-9:].sum() / count.sum() for count in counts]))
    assert shares[0] < shares[1] < shares[2]
    assert shares[2] > shares[0] + 0.25


def test_palette_shift_and_wash_move_the_colours():
    raster = Raster(compose((0, "test", 0)), 64)
    base = STYLES["bold"]
    turned = draw_cartoon(raster, replace(base, hue_shift=0.5))["flat"].astype(int)
    washed = draw_cartoon(raster, replace(base, wash=(1.0, 0.0, 0.0), wash_share=1.0))["flat"]
    assert np.abs(turned - draw_cartoon(raster, base)["flat"]).mean() > 20
    assert (washed == (255, 0, 0)).all()


def saturation(done: Pictures) -> float:
    return float(cv2.cvtColor(done["flat"], cv2.COLOR_RGB2HSV)[..., 1].mean())


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
    return float(draw_ink(Raster(scene, size), PEN).mean())


@pytest.mark.parametrize("size", [50, 100, 200])
def test_a_line_is_as_wide_as_the_style_says_at_any_size(size):
    assert inked(ground_up_to(0.5), size) == pytest.approx(0.04, abs=0.4 / size)


def test_a_line_lies_on_the_edge():
    ink = draw_ink(Raster(ground_up_to(0.3), 100), PEN)
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
        ink = draw_ink(Raster(scene, 200), replace(PEN, inner_lines=weight, line_swing=0))
        assert ink[:, 120:280].mean() * 0.4 == pytest.approx(width, abs=0.003)


def test_strokes_are_drawn_on_what_they_lie_on_and_hidden_by_what_is_in_front():
    stroke = np.array([[0.5, -0.1], [0.5, 1.1]], np.float32)
    sky = Shape(box(-0.1, -0.1, 1.1, 1.1), Surface((0.5, 0.5, 0.5)), Even(), 1 / 6, strokes=[stroke])
    front = Shape(box(-0.1, 0.5, 1.1, 1.1), Surface((0.5, 0.5, 0.5)), Even(), line=0)
    scene = Scene(("test",), AIR, 0.5, Layer([sky]), [Layer([front])], focus=0.3, blur=0.5)
    ink = draw_ink(Raster(scene, 100), replace(PEN, inner_lines=1.0))
    assert ink[20:80, 80:120].mean() * 0.2 == pytest.approx(0.75 * 0.04, abs=0.004)
    assert ink[120:180].max() == 0


@pytest.mark.parametrize("area", [0.1, 0.3, 0.6])
def test_lines_stay_within_their_share_of_the_picture(area):
    grid = [Shape(box(x, -0.5, x + 0.05, 1.5), Surface((0.5, 0.5, 0.5)), Even(), line=1) for x in np.arange(0, 1, 0.05)]
    scene = Scene(("test",), AIR, 0.5, Layer(grid), [], focus=0.3, blur=0.5, spot=(0.4, 0.6))
    raster = Raster(scene, 100)
    everywhere, here = draw_ink(raster, PEN).sum(), draw_ink(raster, PEN, area)
    assert here.sum() / everywhere == pytest.approx(area, abs=0.05)
    _, x = (here > 0.5).nonzero()
    assert x.mean() / 200 == pytest.approx(0.4, abs=0.05)


def test_hatching_covers_what_is_shaded_in_proportion_to_its_spacing():
    raster = Raster(ground_up_to(0.5), 128)
    shaded = np.zeros(raster.shapes.shape, bool)
    shaded[:, :100] = True
    ink = hatch(raster, replace(PEN, line_width=4, hatch_spacing=8), shaded)
    assert ink[:, 100:].max() == 0
    assert ink[:, :100].mean() == pytest.approx(0.45 * 4 / 8, rel=0.15)


def test_ink_is_a_share():
    ink = draw_ink(Raster(ground_up_to(0.5), 64), PEN)
    assert ink.dtype == np.float32
    assert ink.min() == 0
    assert ink.max() == 1
