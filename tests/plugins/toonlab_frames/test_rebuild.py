"""The set again from a re-encoded, a scaled, a shifted and a wrong film."""

from __future__ import annotations

from pathlib import Path

import pytest

from toonlab import ToonlabError
from toonlab_frames.choice import choose_frames
from toonlab_frames.folder import OutFolder
from toonlab_frames.manifest import Manifest, Settings
from toonlab_frames.rebuild import agreement, rebuild_frames

from .rendered import HEIGHT, SCENES, WIDTH, Picture, encode, finished, shot


@pytest.fixture(scope="module")
def manifest(film: Path, tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    folder = OutFolder(tmp_path_factory.mktemp("first"), "task", "frames.json")
    with folder.opened():
        return choose_frames([film], folder, Settings(command="frames"))


def rebuilt(film: Path, manifest: Manifest, out: Path) -> tuple[int, int, int]:
    """The number of pictures that are equal, look the same, are missing."""
    folder = OutFolder(out, "task", "frames.json")
    with folder.opened():
        folder.finish(rebuild_frames([film], manifest, folder))
    found = agreement(manifest, out)
    assert len(list(out.rglob("*.png"))) == found.equal + found.alike
    return found.equal, found.alike, len(found.missing)


def test_from_the_same_file_all_are_equal_to_the_pixel(film: Path, manifest: Manifest, tmp_path: Path) -> None:
    assert rebuilt(film, manifest, tmp_path / "out") == (SCENES - 1, 0, 0)


def test_from_another_encode_all_look_the_same(recoded: Path, manifest: Manifest, tmp_path: Path) -> None:
    assert rebuilt(recoded, manifest, tmp_path / "out") == (0, SCENES - 1, 0)


def test_from_a_film_of_half_the_size(drawn: list[Picture], manifest: Manifest, tmp_path: Path) -> None:
    half = encode(tmp_path / "half.mp4", [each[::2, ::2] for each in drawn])
    equal, alike, missing = rebuilt(half, manifest, tmp_path / "out")
    assert equal == 0
    assert alike >= SCENES - 2
    assert alike + missing == SCENES - 1


def test_what_differs_is_left_out(drawn: list[Picture], manifest: Manifest, tmp_path: Path) -> None:
    """The film of another cut: a scene is longer, so that all after it comes later."""
    shifted = encode(tmp_path / "shifted.mp4", [*drawn[:100], *drawn[90:100] * 6, *drawn[100:]])
    equal, alike, missing = rebuilt(shifted, manifest, tmp_path / "out")
    assert equal + alike >= 4
    assert missing >= 4


def test_a_wrong_film_and_a_wrong_number_of_films_are_refused(film: Path, manifest: Manifest, tmp_path: Path) -> None:
    other = encode(tmp_path / "other.mp4", [finished(each) for each in shot(13, 30) * 2])
    with pytest.raises(ToonlabError, match=r"other\.mp4: no picture of the manifest is in it at its time"):
        rebuilt(other, manifest, tmp_path / "out")
    with pytest.raises(ToonlabError, match=r"--manifest: is of 1 film \(film\.mp4\), got 2; give them in that order"):
        rebuild_frames([film, film], manifest, OutFolder(tmp_path, "", "frames.json"))
    assert manifest.films[0].size == (WIDTH, HEIGHT)
