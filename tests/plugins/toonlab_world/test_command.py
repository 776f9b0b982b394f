from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from toonlab import ToonlabError
from toonlab_world.command import COLUMNS, GAP, check_sheet, encoded, row, world, write_sheet
from toonlab_world.render.render import render, scene_key

APP = typer.Typer()
APP.command()(world)


def run(*arguments: str) -> str:
    """What the command prints; raises what it raises."""
    result = CliRunner().invoke(APP, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def picture(path: Path) -> np.ndarray:
    return cv2.imread(str(path))[..., ::-1]


def test_hard_pictures(tmp_path):
    run("--out", str(tmp_path), "--count", "1", "--size", "40", "--difficulty", "1.5")
    expected = render(scene_key(0, "train", 0), 40, ("photo", "cartoon"), difficulty=1.5)
    for name in ("photo", "cartoon"):
        np.testing.assert_array_equal(picture(tmp_path / name / "000000.png"), expected[name])
    refused = CliRunner().invoke(APP, ["--out", str(tmp_path / "no"), "--difficulty", "3"])
    assert refused.exit_code == 2
    assert "--difficulty" in refused.output
    assert not (tmp_path / "no").exists()


def test_both_renderings_of_the_same_scenes(tmp_path):
    out = tmp_path / "new" / "folder"
    printed = run(
        "--out",
        str(out),
        "--count",
        "2",
        "--size",
        "40",
        "--style",
        "both",
        "--look",
        "flat",
        "--seed",
        "4",
        "--difficulty",
        "0",
    )
    assert files(out) == {f"{name}/00000{index}.png" for name in ("photo", "cartoon") for index in (0, 1)}
    expected = render(scene_key(4, "train", 1), 40, ("photo", "cartoon"), "flat")
    for name in ("photo", "cartoon"):
        np.testing.assert_array_equal(picture(out / name / "000001.png"), expected[name])
        assert str(out / name) in printed


@pytest.mark.parametrize("style", ["photo", "cartoon"])
def test_one_rendering(tmp_path, style):
    run("--out", str(tmp_path), "--count", "3", "--size", "32", "--style", style)
    assert files(tmp_path) == {f"{style}/00000{index}.png" for index in range(3)}


def test_a_split_and_a_kind(tmp_path):
    run(
        "--out",
        str(tmp_path),
        "--count",
        "2",
        "--size",
        "32",
        "--split",
        "test",
        "--kind",
        "interior",
        "--difficulty",
        "0",
    )
    expected = render(scene_key(0, "test", 1), 32, ("photo",), kind="interior")["photo"]
    np.testing.assert_array_equal(picture(tmp_path / "photo/000001.png"), expected)


def test_a_contact_sheet_shows_photos_above_their_cartoons(tmp_path):
    sheet = tmp_path / "sheet.png"
    run("--out", str(tmp_path / "out"), "--count", "8", "--size", "32", "--sheet", str(sheet))
    shown = picture(sheet)
    assert shown.shape == (4 * 36, 6 * 36, 3)
    for below, name in enumerate(("photo", "cartoon")):
        one = picture(tmp_path / f"out/{name}/000007.png")
        np.testing.assert_array_equal(shown[(2 + below) * 36 :][:32, 36 : 36 + 32], one)


@pytest.mark.parametrize(
    ("name", "message"), [("sheet.gif", "must end in one of .png, .jpg, .webp"), ("no/sheet.png", "there is no folder")]
)
def test_a_sheet_that_can_not_be_written_is_said_before_any_work(tmp_path, name, message):
    with pytest.raises(ToonlabError, match=message):
        run("--out", str(tmp_path / "out"), "--sheet", str(tmp_path / name))
    assert not (tmp_path / "out").exists()


def test_seeds_show_other_scenes(tmp_path):
    for seed in ("0", "1"):
        run("--out", str(tmp_path / seed), "--count", "1", "--size", "32", "--style", "photo", "--seed", seed)
    assert (picture(tmp_path / "0/photo/000000.png") != picture(tmp_path / "1/photo/000000.png")).mean() > 0.5


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (["--count", "0"], "--count 0: must be 1 to 1000000"),
        (["--count", "-3"], "--count -3: must be 1 to 1000000"),
        (["--size", "4"], "--size 4: must be 16 to 4096"),
        (["--size", "99999999"], "--size 99999999: must be 16 to 4096"),
        (["--seed", "-1"], "--seed -1: must be 0 to 9223372036854775807"),
    ],
)
def test_wrong_numbers_are_one_clear_line(tmp_path, wrong, message):
    with pytest.raises(ToonlabError) as error:
        run("--out", str(tmp_path / "out"), *wrong)
    assert str(error.value) == message
    assert not (tmp_path / "out").exists()


def test_a_folder_that_can_not_be_written_is_one_clear_line(tmp_path):
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(ToonlabError, match=r"--out: can't write to .*taken.*; choose another folder"):
        run("--out", str(tmp_path / "taken"), "--count", "1")


@pytest.mark.parametrize("wrong", [["--style", "oil"], ["--look", "loud"]])
def test_unknown_names_are_refused_by_the_command_line(tmp_path, wrong):
    result = CliRunner().invoke(APP, ["--out", str(tmp_path), *wrong])
    assert result.exit_code == 2
    assert wrong[1] in result.output


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
