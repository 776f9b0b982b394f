"""Frames and their times, seeking, geometry, and what is no film."""

from __future__ import annotations

from fractions import Fraction
from itertools import islice
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from toonlab import ToonlabError
from toonlab_frames.film import Reader, facts, picture, read_frames, require_video, shown_size, small_rgb

from .rendered import HEIGHT, RATE, WIDTH, Picture, encode


def corner(width: int = 96, height: int = 64) -> Picture:
    """Gray, with red in the upper left."""
    frame = np.full((height, width, 3), 100, np.uint8)
    frame[: height // 2, : width // 2] = (200, 30, 30)
    return frame


def red_at(image: Image.Image) -> set[tuple[int, int]]:
    """The quarters of a picture that are red: (0, 0) is the upper left."""
    small = np.asarray(image.resize((2, 2), Image.Resampling.BOX)).astype(int)
    return {(x, y) for x in (0, 1) for y in (0, 1) if small[y, x, 0] > small[y, x, 1] + 80}


def first(path: Path) -> av.VideoFrame:
    return next(read_frames(path)).frame


def test_frames_come_with_their_times(film: Path, drawn: list[Picture]) -> None:
    times = [shown.time for shown in read_frames(film)]
    np.testing.assert_allclose(times, np.arange(len(drawn)) / RATE, atol=1e-6)
    assert facts(film).size == (WIDTH, HEIGHT)
    assert facts(film).seconds == pytest.approx(len(drawn) / RATE, abs=0.1)


@pytest.mark.parametrize("fixture", ["film", "recoded"])
def test_frames_from_a_time_on_are_the_same_as_those_read_from_the_start(
    fixture: str, request: pytest.FixtureRequest
) -> None:
    path = request.getfixturevalue(fixture)
    for since in (7.0, 20.25):
        for there, here in zip(
            islice(read_frames(path, since), 5),
            (s for s in read_frames(path) if s.time >= since - 1e-6),
            strict=False,
        ):
            assert there.time == here.time
            np.testing.assert_array_equal(there.frame.to_ndarray(format="rgb24"), here.frame.to_ndarray(format="rgb24"))


def test_keyframes_alone(film: Path) -> None:
    keys = list(read_frames(film, keyframes=True))
    assert 20 < len(keys) < 100
    assert all(shown.frame.key_frame for shown in keys)


def test_a_reader_gives_the_nearest_frame_in_any_order(recoded: Path) -> None:
    reader = Reader(recoded)
    for time in (3.0, 3.04, 12.0, 30.0, 1.0):
        shown = reader.at(time)
        assert shown is not None
        assert shown.time == pytest.approx(round(time * RATE) / RATE, abs=1e-3)  # Matroska counts milliseconds


@pytest.mark.parametrize("fixture", ["film", "recoded"])
def test_there_is_no_frame_after_the_end(fixture: str, request: pytest.FixtureRequest) -> None:
    assert Reader(request.getfixturevalue(fixture)).at(500.0) is None


@pytest.mark.parametrize(("degrees", "where"), [(0, (0, 0)), (90, (0, 1)), (180, (1, 1)), (-90, (1, 0))])
def test_rotation_is_applied(tmp_path: Path, degrees: int, where: tuple[int, int]) -> None:
    frame = first(encode(tmp_path / "turned.mp4", [corner()] * 3, rotation=degrees))
    size = shown_size(frame, (0, 0, 96, 64), 1.0, None)
    assert size == ((64, 96) if degrees % 180 else (96, 64))
    assert red_at(picture(frame, (0, 0, 96, 64), size)) == {where}


def test_pixels_that_are_not_square_are_made_so(tmp_path: Path) -> None:
    path = encode(tmp_path / "wide.mp4", [corner()] * 3, aspect=Fraction(4, 3))
    aspect = facts(path).aspect
    assert aspect == pytest.approx(4 / 3)
    assert shown_size(first(path), (0, 0, 96, 64), aspect, None) == (128, 64)
    assert shown_size(first(path), (0, 0, 96, 64), aspect, 32) == (64, 32)
    assert shown_size(first(path), (0, 0, 96, 64), aspect, 200) == (128, 64)  # never enlarged
    assert picture(first(path), (0, 0, 96, 64), (128, 64)).size == (128, 64)


def test_a_crop_is_cut_out(tmp_path: Path) -> None:
    frame = first(encode(tmp_path / "plain.mp4", [corner()] * 3))
    assert red_at(picture(frame, (0, 0, 40, 24), (40, 24))) == {(0, 0), (1, 0), (0, 1), (1, 1)}
    assert red_at(picture(frame, (56, 40, 96, 64), (40, 24))) == set()
    assert small_rgb(frame, 48).shape == (32, 48, 3)
    assert small_rgb(frame, 500).shape == (64, 96, 3)


def test_films_of_high_definition_without_a_colour_matrix_have_that_of_bt_709(tmp_path: Path) -> None:
    color = np.array((40, 200, 60))
    rgb = np.full((720, 64, 3), color, np.uint8)
    frame = av.VideoFrame.from_ndarray(rgb, format="rgb24").reformat(format="yuv444p", dst_colorspace="ITU709")
    frame.colorspace = 2  # unspecified
    found = np.asarray(picture(frame, (0, 0, 64, 720), (64, 720)))
    assert np.abs(found.mean((0, 1)) - color).max() < 3


def test_what_is_no_film_is_one_line(tmp_path: Path) -> None:
    require_video()
    (tmp_path / "text.mp4").write_text("no film\n" * 99)
    with pytest.raises(ToonlabError, match=r"text\.mp4: can't be read as a film \(Invalid data found"):
        facts(tmp_path / "text.mp4")
    with pytest.raises(ToonlabError, match=r"none\.mp4: no such file; give a film"):
        facts(tmp_path / "none.mp4")
    with pytest.raises(ToonlabError, match=r"is not a file; give a film"):
        facts(tmp_path)
    with av.open(str(tmp_path / "sound.mka"), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), format="s16", layout="mono")
        sound.sample_rate = 8000
        container.mux(stream.encode(sound))
    with pytest.raises(ToonlabError, match=r"sound\.mka: has no video stream"):
        facts(tmp_path / "sound.mka")


def test_all_that_can_be_decoded_of_a_damaged_film_is(film: Path, recoded: Path, tmp_path: Path) -> None:
    whole = recoded.read_bytes()
    cut = tmp_path / "cut.mkv"
    cut.write_bytes(whole[: len(whole) // 2])
    times = [shown.time for shown in read_frames(cut)]
    assert 8 < times[-1] < 25
    hurt = tmp_path / "hurt.mkv"
    hurt.write_bytes(whole[: len(whole) // 2] + b"\x55" * 3000 + whole[len(whole) // 2 + 3000 :])
    times = [shown.time for shown in read_frames(hurt)]
    assert times[-1] > 30
    assert times == sorted(times)
