from __future__ import annotations

import cv2
import numpy as np
import pytest

from toonlab import ToonlabError
from toonlab_world.gallery import COLUMNS, GAP, OWN, check_sheet, encoded, row, statistics, write_sheet
from toonlab_world.render.render import render, scene_key
from toonlab_world.render.styles import STYLES


def plain(value: int, size: int = 8) -> np.ndarray:
    return np.full((size, size, 3), value, np.uint8)


def test_a_row_has_white_gaps_and_white_where_pictures_are_missing():
    made = row([plain(10), plain(20)], columns=3)
    step = 8 + GAP
    assert made.shape == (step, 3 * step, 3)
    assert (made[:8, :8] == 10).all()
    assert (made[:8, step : step + 8] == 20).all()
    assert (made[:8, 2 * step :] == 255).all()
    assert (made[8:] == 255).all()
    assert (made[:, 8:step] == 255).all()


def test_a_sheet_shows_each_folder_below_the_one_before(tmp_path):
    for name, value in (("photo", 50), ("cartoon", 200)):
        (tmp_path / name).mkdir()
        for index in range(COLUMNS + 1):
            cv2.imwrite(str(tmp_path / name / f"{index:06d}.png"), plain(value + index))
    write_sheet(tmp_path / "sheet.png", [tmp_path / "photo", tmp_path / "cartoon"], COLUMNS + 1)
    sheet = cv2.imread(str(tmp_path / "sheet.png"))
    step = 8 + GAP
    assert sheet.shape == (4 * step, COLUMNS * step, 3)
    assert [int(sheet[at * step, 0, 0]) for at in range(4)] == [50, 200, 56, 206]
    assert (sheet[2 * step :, step:] == 255).all()


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp"])
def test_every_format_can_be_read_back(suffix):
    picture = cv2.imdecode(np.frombuffer(encoded(suffix, plain(100, 32)), np.uint8), cv2.IMREAD_COLOR)
    assert np.abs(picture.astype(int) - 100).max() <= 2


def test_a_path_is_checked_before_any_work(tmp_path):
    check_sheet(tmp_path / "sheet.webp")
    with pytest.raises(ToonlabError, match=r"sheet\.gif: must end in one of \.png, \.jpg, \.webp"):
        check_sheet(tmp_path / "sheet.gif")
    with pytest.raises(ToonlabError, match="there is no folder"):
        check_sheet(tmp_path / "none" / "sheet.png")


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
