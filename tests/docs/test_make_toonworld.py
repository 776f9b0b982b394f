"""The page on ToonWorld says how its styles differ, in words that its own statistics bear out."""

from __future__ import annotations

import numpy as np
import pytest
from make_toonworld import OWN, statistics

from toonlab_world.render.render import render, scene_key
from toonlab_world.render.styles import STYLES


@pytest.fixture(scope="module")
def measured():
    return {style: statistics(style, count=5, size=256) for style in STYLES}


def test_the_styles_differ_as_the_page_says(measured):
    soft, bold, flat = (measured[style] for style in ("soft", "bold", "flat"))
    assert soft["width of a line, pixels"] < flat["width of a line, pixels"] < bold["width of a line, pixels"]
    assert soft["outline, % of pixels"] < flat["outline, % of pixels"] < bold["outline, % of pixels"]
    assert soft["luma of a line"] > 1.5 * bold["luma of a line"] > flat["luma of a line"]
    assert soft["saturation"] < bold["saturation"] < flat["saturation"]
    assert flat["colours"] < 0.7 * bold["colours"]
    assert all(one["colours"] <= one["regions"] for one in measured.values())


def test_styles_of_ones_own_are_unlike_each_other_and_the_named_ones():
    key = scene_key(0, "validation", 13)
    drawn = [render(key, 64, ("cartoon",), style)["cartoon"].astype(int) for style in (*OWN.values(), *STYLES)]
    for index, one in enumerate(drawn):
        assert all(np.abs(one - other).mean() > 5 for other in drawn[:index])
