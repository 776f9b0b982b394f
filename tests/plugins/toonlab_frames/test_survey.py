"""Bars and marks that all frames have in common."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from toonlab import ToonlabError
from toonlab_frames.survey import Marks, Survey, survey

from .rendered import BAR, HEIGHT, LOGO, WIDTH, encode, scene


def gray(number: int) -> np.ndarray:
    return scene(number)[:HEIGHT, :WIDTH].mean(2).astype(np.uint8)


def test_the_bars_and_the_logo_of_the_film_are_cut_off(film: Path) -> None:
    size, (left, top, right, bottom) = survey(film)
    assert size == (WIDTH, HEIGHT)
    assert left == 0
    assert BAR <= top <= BAR + 2
    assert HEIGHT - BAR - 2 <= bottom <= HEIGHT - BAR
    assert LOGO[0] - 6 <= right <= LOGO[0]


def surveyed(frames: list[np.ndarray]) -> tuple[int, int, int, int]:
    found = Survey()
    for frame in frames:
        found.add(frame)
    return found.crop()[0]


def test_a_film_without_bars_keeps_its_frame() -> None:
    assert surveyed([gray(number) for number in range(12)]) == (0, 0, WIDTH, HEIGHT)


def test_bars_at_the_sides() -> None:
    frames = [gray(number) for number in range(12)]
    for frame in frames:
        frame[:, :30] = frame[:, -30:] = 3
    assert surveyed(frames) == (31, 0, WIDTH - 31, HEIGHT)


def test_a_few_frames_that_fill_the_bars_do_not_hide_them() -> None:
    frames = [gray(number % 12) for number in range(24)]
    for frame in frames[1:]:
        frame[:20] = frame[-20:] = 0
    assert surveyed(frames) == (0, 21, WIDTH, HEIGHT - 21)


def test_dark_frames_tell_nothing() -> None:
    dark = [np.full((HEIGHT, WIDTH), 5, np.uint8)] * 50
    assert surveyed([*dark, *(gray(number) for number in range(12))]) == (0, 0, WIDTH, HEIGHT)


def test_two_marks_are_cut_off_with_the_least_loss() -> None:
    frames = [gray(number) for number in range(12)]
    for frame in frames:
        frame[4:14, 4:24:2] = 255
        frame[-14:-4, -24:-4:2] = 255
    left, top, right, bottom = surveyed(frames)
    assert (top, right) == (0, WIDTH)
    assert 24 <= left <= 28
    assert HEIGHT - 18 <= bottom <= HEIGHT - 14


def test_a_film_of_one_shot_has_no_marks_since_all_of_it_is_static() -> None:
    marks = Marks()
    for _ in range(20):
        marks.add(gray(1))
    assert marks.frames == 1
    assert marks.boxes((WIDTH, HEIGHT), (0, 0, WIDTH, HEIGHT)) == []


def test_marks_in_the_middle_stay() -> None:
    frames = [gray(number) for number in range(12)]
    for frame in frames:
        frame[50:60, 80:110:2] = 255
    found = Survey()
    for frame in frames:
        found.add(frame)
    assert found.crop() == ((0, 0, WIDTH, HEIGHT), True)


def test_a_film_without_light_is_kept_whole_and_one_without_frames_is_refused(tmp_path: Path) -> None:
    black = encode(tmp_path / "black.mp4", [np.zeros((64, 64, 3), np.uint8)] * 3)
    assert survey(black) == ((64, 64), (0, 0, 64, 64))
    content = black.read_bytes()
    start = content.index(b"mdat") + 4
    (tmp_path / "none.mp4").write_bytes(
        content[:start] + b"\0" * (content.index(b"moov") - start) + content[content.index(b"moov") :]
    )
    with pytest.raises(ToonlabError, match=r"none\.mp4: none of its frames can be decoded"):
        survey(tmp_path / "none.mp4")


def test_films_whose_pictures_would_be_combed_or_pale_are_warned_of(tmp_path: Path) -> None:
    frames = [scene(number)[:64, :96] for number in range(3)]
    woven = encode(tmp_path / "woven.mkv", frames, flags="+ildct+ilme")
    with pytest.warns(UserWarning, match=r"woven\.mkv: is interlaced, so moving edges are combed"):
        survey(woven)
    pale = encode(tmp_path / "pale.mkv", frames, "libx264", transfer=16)
    with pytest.warns(UserWarning, match=r"pale\.mkv: has a high dynamic range, so its pictures are pale"):
        survey(pale)
