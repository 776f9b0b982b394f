from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from toonlab_world.cartoon import Drawing, draw_cartoon
from toonlab_world.compose import compose
from toonlab_world.raster import rasterise
from toonlab_world.styles import STYLES


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


def saturation(done: Drawing) -> float:
    return float(cv2.cvtColor(done.flat, cv2.COLOR_RGB2HSV)[..., 1].mean())
