from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from toonlab_world.render.cartoon import Drawing, draw_cartoon
from toonlab_world.render.raster import rasterise
from toonlab_world.scene.compose import compose
from toonlab_world.styles.style import MAX_TONES, STYLES


def drawing(style: str, index: int = 0, size: int = 96) -> Drawing:
    return draw_cartoon(rasterise(compose((0, "test", index)), size), STYLES[style])


@pytest.mark.parametrize("style", STYLES)
def test_a_region_has_one_flat_colour(style):
    done = drawing(style)
    for region in np.unique(done.regions):
        colors = done.flat[done.regions == region]
        assert (colors == colors[0]).all()


@pytest.mark.parametrize("style", STYLES)
def test_away_from_its_lines_and_edges_the_cartoon_is_the_flat_colours(style):
    done = drawing(style)
    flat = done.regions.astype(np.float32)
    same = cv2.dilate(flat, np.ones((3, 3))) == cv2.erode(flat, np.ones((3, 3)))
    away = same & ~cv2.dilate(done.outline.astype(np.uint8), np.ones((7, 7))).astype(bool)
    assert away.mean() > 0.2
    np.testing.assert_array_equal(done.cartoon[away], done.flat[away])


@pytest.mark.parametrize(("style", "darkness"), [("bold", 0.45), ("flat", 0.45), ("soft", 0.65)])
def test_the_outline_is_where_the_cartoon_is_darker_than_its_colours(style, darkness):
    for index in range(4):
        done = drawing(style, index, 128)
        line = done.outline
        assert 0.01 < line.mean() < 0.35
        assert done.cartoon[line].mean() < darkness * done.flat[line].mean()
        assert done.cartoon[~line].mean() > 0.85 * done.flat[~line].mean()


def test_styles_differ_in_width_of_line_tones_and_saturation():
    soft, bold, flat = (drawing(style, 2, 256) for style in ("soft", "bold", "flat"))
    assert bold.outline.mean() > 1.2 * soft.outline.mean()
    assert len(np.unique(flat.regions)) < len(np.unique(bold.regions))
    assert saturation(soft) < saturation(bold)


@pytest.mark.parametrize("tones", [1, 2, 3, 4])
def test_a_shape_has_at_most_the_tones_of_the_style(tones):
    style = replace(STYLES["bold"], tones=tones)
    regions = draw_cartoon(rasterise(compose((0, "test", 1)), 64), style).regions
    assert (regions % 4).max() == tones - 1


@pytest.mark.parametrize("index", [0, 1, 2])
def test_a_finer_cartoon_shows_the_same(index):
    scene = compose((0, "test", index))
    style = replace(STYLES["bold"], line_width=5.0)  # wide enough not to be held up at one pixel
    fine, coarse = (draw_cartoon(rasterise(scene, size), style).cartoon for size in (384, 96))
    averaged = cv2.resize(fine, (96, 96), interpolation=cv2.INTER_AREA)
    assert np.abs(averaged.astype(float) - coarse).mean() < 8


@pytest.mark.parametrize("change", [{"hatching": True}, {"inner_lines": 0.0}, {"inner_lines": 2.0}, {"tones": 1}])
def test_the_outline_is_wherever_a_line_was_drawn_in_a_style_of_ones_own(change):
    """Ink takes at least half of the way from the flat colour to its own where the outline is, and less elsewhere."""
    style = replace(STYLES["bold"], ink=(0, 0, 0), ink_tint=0.0, **change)
    for index in range(3):
        done = draw_cartoon(rasterise(compose((0, "test", index)), 128), style)
        flat = done.regions.astype(np.float32)
        inside = cv2.dilate(flat, np.ones((3, 3))) == cv2.erode(flat, np.ones((3, 3)))  # one colour, no mixture
        left = done.cartoon[inside].astype(float).sum(axis=1) / done.flat[inside].sum(axis=1).clip(1)
        assert (left[done.outline[inside]] < 0.52).all()
        assert (left[~done.outline[inside]] > 0.48).all()


def test_hatching_is_a_part_of_the_outline_and_not_of_the_flat_colours():
    raster = rasterise(compose((0, "test", 1)), 96)
    plain, hatched = (draw_cartoon(raster, replace(STYLES["bold"], hatching=hatching)) for hatching in (False, True))
    np.testing.assert_array_equal(plain.flat, hatched.flat)
    np.testing.assert_array_equal(plain.regions, hatched.regions)
    assert not (plain.outline & ~hatched.outline).any()
    added = hatched.outline & ~plain.outline
    assert added.mean() > 0.01
    assert (hatched.regions[added] % MAX_TONES == 0).mean() > 0.9


@pytest.mark.parametrize("style", STYLES)
def test_outlines_become_local_as_the_area_that_has_lines_shrinks(style):
    """The share of all outlines that lie in the nine most inked of 64 patches."""
    shares = []
    for area in (1.0, 0.5, 0.15):
        masks = [draw_cartoon(rasterise(compose((0, "test", i)), 64), STYLES[style], area).outline for i in range(6)]
        counts = [np.sort(mask.reshape(8, 8, 8, 8).sum(axis=(1, 3)).ravel()) for mask in masks]
        shares.append(np.mean([count[-9:].sum() / count.sum() for count in counts]))
    assert shares[0] < shares[1] < shares[2]
    assert shares[2] > shares[0] + 0.25


def test_palette_shift_and_wash_move_the_colours():
    raster = rasterise(compose((0, "test", 0)), 64)
    base = STYLES["bold"]
    turned = draw_cartoon(raster, replace(base, hue_shift=0.5)).flat.astype(int)
    washed = draw_cartoon(raster, replace(base, wash=(1.0, 0.0, 0.0), wash_share=1.0)).flat
    assert np.abs(turned - draw_cartoon(raster, base).flat).mean() > 20
    assert (washed == (255, 0, 0)).all()


def saturation(done: Drawing) -> float:
    return float(cv2.cvtColor(done.flat, cv2.COLOR_RGB2HSV)[..., 1].mean())
