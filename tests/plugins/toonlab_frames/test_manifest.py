"""Manifests that are read back, and splits."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from toonlab import ToonlabError
from toonlab_frames.manifest import (
    Film,
    Manifest,
    Picture,
    Settings,
    assign_splits,
    read_manifest,
    summary,
    write_manifest,
)

FILM = Film(name="a.mkv", sha256="ab", size=(100, 50), frames={"chosen": 1, "black": 2}, shots=1, seconds=1.0)
PICTURE = Picture(
    file="train/a-00000.png",
    split="train",
    size=(80, 40),
    phash="0" * 16,
    pixels="00",
    film=0,
    shot=0,
    time=0.5,
    crop=(0, 0, 80, 40),
)
MANIFEST = Manifest(settings=Settings(command="frames"), films=[FILM], pictures=[PICTURE], dropped=[])


def test_what_is_written_is_read(tmp_path: Path) -> None:
    write_manifest(tmp_path / "frames.json", MANIFEST)
    assert read_manifest(tmp_path / "frames.json", "frames") == MANIFEST
    assert [path.name for path in tmp_path.iterdir()] == ["frames.json"]
    assert summary(MANIFEST, Path("out")) == [
        "a.mkv: 1 shots in 3 frames: chosen 1, black 2",
        "out: train 1, validation 0, test 0; frames.json names them",
    ]


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("file", "train/../../x.png", "is no path below the folder"),
        ("file", "train//x.png", "is no path below the folder"),
        ("file", "train/a\\b.png", "is no path below the folder"),
        ("file", "/train/x.png", "is no"),
        ("file", "test/x.png", "is not in the folder of its split"),
        ("crop", [0, 0, 101, 50], "has a crop outside of the film's 100x50 pixels"),
        ("crop", [9, 0, 9, 50], "has a crop outside"),
        ("film", 3, "lacks its film, time or crop"),
        ("time", -1, "pictures.0.time: Input should be greater than or equal to 0"),
        ("size", [0, 5], "pictures.0.size.0: Input should be greater than 0"),
        ("size", [10**9, 5], "pictures.0.size.0: Input should be less than or equal to 32768"),
        ("phash", "zz", "pictures.0.phash: String should match"),
    ],
)
def test_a_manifest_that_was_tampered_with_is_refused(tmp_path: Path, field: str, value: object, says: str) -> None:
    content = MANIFEST.model_dump()
    content["pictures"][0][field] = value
    (tmp_path / "frames.json").write_text(json.dumps(content))
    with pytest.raises(ToonlabError) as caught:
        read_manifest(tmp_path / "frames.json", "frames")
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ToonlabError, match="can't be read: No such file"):
        read_manifest(tmp_path / "none.json", "frames")
    (tmp_path / "half.json").write_text(MANIFEST.model_dump_json()[:-20])
    with pytest.raises(ToonlabError, match="is no manifest: the file: Invalid JSON"):
        read_manifest(tmp_path / "half.json", "frames")
    write_manifest(tmp_path / "frames.json", MANIFEST)
    with pytest.raises(ToonlabError, match="is a manifest of `toonlab frames`; use `toonlab frames`"):
        read_manifest(tmp_path / "frames.json", "photos")


@pytest.mark.parametrize(
    ("count", "shares"), [(100, (80, 10, 10)), (10, (8, 1, 1)), (3, (1, 1, 1)), (2, (2, 0, 0)), (1, (1, 0, 0))]
)
def test_splits_have_their_shares(count: int, shares: tuple[int, int, int]) -> None:
    found = assign_splits([f"0/{shot}" for shot in range(count)], Settings(command="frames"))
    counts = Counter(found.values())
    assert (counts["train"], counts["validation"], counts["test"]) == shares


def test_splits_depend_on_keys_and_seed_alone() -> None:
    keys, settings = [f"0/{shot}" for shot in range(40)], Settings(command="frames")
    found = assign_splits(keys, settings)
    assert assign_splits(reversed(keys + keys), settings) == found
    assert assign_splits(keys, Settings(command="frames", seed=1)) != found
    none = assign_splits(keys, Settings(command="frames", validation=0, test=0))
    assert set(none.values()) == {"train"}
