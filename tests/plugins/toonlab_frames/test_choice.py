"""The choice of pictures of the rendered film, whole and interrupted."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from toonlab import ToonlabError
from toonlab_frames import choice
from toonlab_frames.choice import FilmChoice, Log, choose_frames, opened
from toonlab_frames.folder import OutFolder, staged
from toonlab_frames.looks import Duplicates
from toonlab_frames.manifest import Manifest, Settings
from toonlab_frames.shots import Segment

from .rendered import BAR, BLURRED, HEIGHT, LOGO, RATE, REPEATED, SCENES, WIDTH, Picture, encode, finished, shot

SETTINGS = Settings(command="frames")


def chosen(out: Path, *films: Path, settings: Settings = SETTINGS) -> tuple[Manifest, dict[str, Image.Image]]:
    """The manifest, and the pictures by their names."""
    folder = OutFolder(out, "task", "frames.json")
    with folder.opened():
        manifest = choose_frames(films, folder, settings)
    files = {each.file: folder.work / "pictures" / staged(each.file) for each in manifest.pictures}
    return manifest, {Path(file).stem: picture for file, path in files.items() if (picture := opened(path))}


@pytest.fixture(scope="module")
def whole(film: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Manifest, dict[str, Image.Image]]:
    return chosen(tmp_path_factory.mktemp("whole"), film)


def test_each_shot_gives_its_sharp_frame_and_each_dropped_frame_is_counted(
    whole: tuple[Manifest, dict[str, Image.Image]], drawn: list[Picture]
) -> None:
    manifest, pictures = whole
    (film,) = manifest.films
    assert film.shots == SCENES + 1
    assert sum(film.frames.values()) == len(drawn)
    assert film.frames["credits"] == 30
    assert film.frames["black"] >= 12
    assert film.frames["transition"] >= 12
    assert (film.frames["blurred"], film.frames["duplicate"]) == (1, 1)
    assert film.frames["chosen"] == len(pictures) == SCENES - 1
    assert Counter((each.reason, each.shot) for each in manifest.dropped) == {
        ("blurred", BLURRED): 1,
        ("duplicate", 12): 1,
    }
    (again,) = (each for each in manifest.dropped if each.reason == "duplicate")
    assert again.like == f"film-{REPEATED:05d}"
    starts = {1: 36, 2: 54, 3: 72, 4: 90}  # frames: after the black ones and the first shot
    times = {each.shot: each.time for each in manifest.pictures}
    assert {each: round(times[each] * RATE) - start for each, start in starts.items()} == dict.fromkeys(starts, 9)


def test_pictures_have_neither_bars_nor_logo_and_show_what_was_drawn(
    whole: tuple[Manifest, dict[str, Image.Image]], drawn: list[Picture]
) -> None:
    manifest, pictures = whole
    for each in manifest.pictures:
        assert each.crop is not None
        left, top, right, bottom = each.crop
        assert left == 0
        assert (top, bottom) == (BAR + 1, HEIGHT - BAR - 1)
        assert LOGO[0] - 6 <= right <= LOGO[0]
        found = np.asarray(pictures[Path(each.file).stem]).astype(int)
        expected = drawn[round(each.time * RATE)][top:bottom, left:right]
        assert np.abs(found - expected).mean() < 6


def test_no_shot_is_in_two_splits(film: Path, tmp_path: Path) -> None:
    manifest, _ = chosen(tmp_path, film, settings=Settings(command="frames", per_shot=3, validation=0.2, test=0.2))
    splits = {(each.shot, each.split) for each in manifest.pictures}
    assert len(splits) == len({shot for shot, _ in splits}) >= 8
    assert Counter(split for _, split in splits)["train"] < len(splits) - 3
    assert Counter(each.reason for each in manifest.dropped)["duplicate"] > 3  # a slow pan hardly changes


def test_without_a_crop_and_scaled_down(film: Path, tmp_path: Path) -> None:
    manifest, pictures = chosen(tmp_path, film, settings=Settings(command="frames", crop=False, side=54))
    assert {each.crop for each in manifest.pictures} == {(0, 0, WIDTH, HEIGHT)}
    assert {each.size for each in pictures.values()} == {(96, 54)}


def test_a_second_film_adds_only_what_is_new(film: Path, recoded: Path, tmp_path: Path) -> None:
    manifest, _ = chosen(tmp_path, film, recoded)
    assert [each.frames.get("chosen", 0) for each in manifest.films] == [SCENES - 1, 0]
    assert manifest.films[1].frames["duplicate"] >= SCENES - 1


@pytest.mark.parametrize(("where", "times"), [("add", 5), ("add", 17), ("save", 4), ("begin", 0), ("finish", 0)])
def test_an_interrupted_choice_continues_with_the_same_result(
    film: Path,
    whole: tuple[Manifest, dict[str, Image.Image]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    where: str,
    times: int,
) -> None:
    owner: Any = choice if where == "save" else Log
    real, calls = getattr(owner, where), iter(range(times))

    def interrupted(*arguments: Any) -> None:
        if next(calls, None) is None:
            raise KeyboardInterrupt
        real(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(owner, where, interrupted)
        with pytest.raises(KeyboardInterrupt):
            chosen(tmp_path, film)
    manifest, pictures = chosen(tmp_path, film)
    assert manifest == whole[0]
    assert {name: each.tobytes() for name, each in pictures.items()} == {
        name: each.tobytes() for name, each in whole[1].items()
    }


def test_a_log_that_was_cut_off_loses_its_last_line_alone(tmp_path: Path) -> None:
    path = tmp_path / "film.jsonl"
    log = Log(path)
    assert log.empty
    log.begin((10, 8), (0, 0, 10, 8))
    segments = [Segment("black", 3, 0.25), Segment("shot", 9, 1.0, [0.5])]
    for each in segments:
        log.add(each)
    content = path.read_bytes()
    path.write_bytes(content[:-3])
    assert (Log(path).segments, Log(path).end) == (segments[:1], 0.25)
    path.write_bytes(content + json.dumps(None).encode() + b"\n")
    again = Log(path)
    assert (again.survey, again.segments, again.complete) == (((10, 8), (0, 0, 10, 8)), segments, True)
    path.write_bytes(b"[[1")
    assert Log(path).empty


def test_a_truncated_film_is_used_as_far_as_it_goes(recoded: Path, tmp_path: Path) -> None:
    content = recoded.read_bytes()
    (tmp_path / "cut.mkv").write_bytes(content[: len(content) // 2])
    with pytest.warns(UserWarning, match=r"cut\.mkv: can be read up to 0:1\d of 0:31; that part is used"):
        manifest, pictures = chosen(tmp_path / "out", tmp_path / "cut.mkv")
    assert 4 <= len(pictures) < SCENES - 1
    assert manifest.films[0].cut_short == f"can be read up to 0:{int(manifest.films[0].seconds + 0.5):02} of 0:31"


def test_frames_of_another_size_are_counted_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    film = encode(tmp_path / "two.mp4", [finished(each) for each in [*shot(0), *shot(1)]])
    real = choice.read_frames

    def changing(*arguments: Any) -> Iterator[Any]:
        for number, shown in enumerate(real(*arguments)):
            yield shown._replace(frame=shown.frame.reformat(width=96, height=54)) if number < 4 else shown

    monkeypatch.setattr(choice, "read_frames", changing)
    manifest, _ = chosen(tmp_path / "out", film)
    assert manifest.films[0].frames["other size"] == 4
    assert sum(manifest.films[0].frames.values()) == 36


def test_a_film_without_a_usable_frame_is_refused(tmp_path: Path) -> None:
    black = encode(tmp_path / "black.mp4", [np.zeros((64, 64, 3), np.uint8)] * 9)
    with pytest.raises(ToonlabError, match=r"black\.mp4: no frame could be chosen of black 9; give another film"):
        chosen(tmp_path / "out", black)


def test_films_of_one_name_have_different_pictures(tmp_path: Path) -> None:
    names = [Path("a/film.mkv"), Path("b/film.mp4"), Path(".hidden.mp4"), Path("c/film.mp4"), Path("na\\me.mp4")]
    assert choice._stems(names) == ["film", "film~2", "hidden", "film~3", "na_me"]
    assert FilmChoice(names[0], 0, "film", tmp_path, SETTINGS).pictures == []
    assert Duplicates().like("0" * 16) is None
