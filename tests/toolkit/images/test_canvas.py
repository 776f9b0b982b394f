"""Boxes are drawn at their pixels, heat maps have the values' colours, and nothing lies on something else."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageColor

from toonlab.images.canvas import (
    PALETTE,
    Tile,
    colors,
    compose,
    factor_for,
    heat_map,
    number,
    scaled,
    with_boxes,
)

GRAY = Image.new("RGB", (60, 40), (128, 128, 128))


def where(picture: Image.Image, color: str) -> np.ndarray:
    """A mask of the pixels of that colour."""
    return (np.asarray(picture) == ImageColor.getrgb(color)).all(-1)


def extent(mask: np.ndarray) -> tuple[int, int, int, int]:
    """The first row and column that are set, and how many rows and columns from there to the last."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return int(rows[0]), int(columns[0]), int(rows[-1] - rows[0]) + 1, int(columns[-1] - columns[0]) + 1


@given(st.integers(0, 10), st.integers(0, 20), st.integers(29, 30), st.integers(39, 40), st.sampled_from([1, 2, 5, 8]))
def test_a_box_is_drawn_at_its_own_outermost_pixels(top: int, left: int, height: int, width: int, factor: int):
    drawn = with_boxes(GRAY, [(top, left, height, width)], ["1"], factor)
    assert drawn.size == (60 * factor, 40 * factor)
    assert extent(where(drawn, PALETTE[0])) == (top * factor, left * factor, height * factor, width * factor)
    line = max(2, round(40 * factor / 160))
    inner = where(drawn, PALETTE[0])[
        top * factor + line : (top + height) * factor - line, left * factor + line : (left + width) * factor - line
    ]
    assert inner[-1].sum() == 0  # nothing but the line, below the tag
    assert inner[:, -1].sum() == 0


def test_scaled_down_boxes_stay_at_their_share_of_the_picture():
    drawn = with_boxes(Image.new("RGB", (600, 400), "gray"), [(100, 200, 200, 300)], ["1"], 0.5)
    assert extent(where(drawn, PALETTE[0])) == (50, 100, 100, 150)


def test_the_first_box_lies_on_top_and_each_has_its_color():
    box = (5, 5, 30, 50)
    drawn = with_boxes(GRAY, [box, box, (0, 0, 40, 60)], ["1", "2", "3"], 4)
    assert extent(where(drawn, PALETTE[0])) == (20, 20, 120, 200)
    assert extent(where(drawn, PALETTE[2])) == (0, 0, 160, 240)
    assert where(drawn, PALETTE[1]).any()  # its tag: its frame is the first box's


def test_tags_of_boxes_with_one_corner_do_not_hide_each_other():
    boxes = [(0, 0, 200, 200), (0, 0, 300, 300), (0, 0, 350, 300)]
    drawn = with_boxes(Image.new("RGB", (400, 400), "gray"), boxes, ["1: 2,222", "2: 1,111", "3: 999"])
    tag = 20 * 40  # pixels that are filled at least
    assert all(where(drawn, color).sum() > tag for color in PALETTE[:3])


def test_the_picture_itself_is_left_as_it_was():
    before = np.asarray(GRAY).copy()
    with_boxes(GRAY, [(0, 0, 10, 10)], ["1"])
    assert np.array_equal(np.asarray(GRAY), before)
    assert np.array_equal(np.asarray(with_boxes(GRAY, [], [])), before)


def test_enlarging_repeats_pixels():
    small = Image.fromarray(np.arange(12, dtype=np.uint8).reshape(2, 2, 3))
    assert np.array_equal(np.asarray(scaled(small, 3)), np.asarray(small).repeat(3, 0).repeat(3, 1))
    assert scaled(GRAY, 0.01).size == (1, 1)


@pytest.mark.parametrize(
    ("side", "wanted", "factor"), [(64, 512, 8.0), (300, 512, 1.0), (512, 512, 1.0), (1024, 512, 0.5)]
)
def test_factors_enlarge_by_whole_numbers(side: int, wanted: int, factor: float):
    assert factor_for((side // 2, side), wanted) == factor


def test_a_heat_map_grows_lighter_from_low_to_high():
    values = torch.linspace(0, 1, 50).expand(20, -1)
    picture = np.asarray(heat_map(values, 0.0, 1.0, 2))[:40, :100].astype(int)
    light = picture.sum(-1)[0, ::2]
    assert (np.diff(light) >= -6).all()
    assert picture[0, 0].max() < 8
    assert light[-1] > 650
    again = np.asarray(heat_map(values, 0.0, 2.0, 2))[:40, :100].astype(int)
    assert np.abs(again[:, -1] - picture[:, 50]).max() < 12  # half of the scale


def test_a_heat_map_without_values_is_black_and_keeps_its_size():
    picture = heat_map(torch.zeros(20, 30), 0.0, 0.0, 2)
    assert picture.height == 40
    assert np.asarray(picture)[:40, :60].max() < 8
    assert picture.width > 60  # the scale


@pytest.mark.parametrize(
    ("value", "text"), [(2582.4, "2,582"), (0.96154, "0.962"), (0.0, "0"), (-1234.0, "-1,234"), (12.345, "12.3")]
)
def test_numbers_are_short(value: float, text: str):
    assert number(value) == text


def test_colors_begin_anew():
    assert colors(9)[7:] == list(PALETTE[:2])


def test_tiles_keep_their_pixels_and_do_not_overlap():
    fills = ["#ff0000", "#00ff00", "#0000ff"]
    pictures = [Image.new("RGB", size, fill) for size, fill in zip([(50, 30), (20, 60), (200, 10)], fills, strict=True)]
    tiles = [Tile("a caption that is wider than its tile", pictures[0]), Tile("b", pictures[1]), Tile("c", pictures[2])]
    sheet = compose("title", [tiles[:2], [], tiles[2:]], "a note")
    for fill, picture in zip(fills, pictures, strict=True):
        assert where(sheet, fill).sum() == picture.width * picture.height
        top, left, height, width = extent(where(sheet, fill))
        assert (width, height) == picture.size
        assert left >= 20
        assert top > 40
    assert extent(where(sheet, fills[1]))[1] > extent(where(sheet, fills[0]))[1] + tiles[0].width
    assert extent(where(sheet, fills[2]))[0] > extent(where(sheet, fills[1]))[0] + 60
