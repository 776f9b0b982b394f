"""`toonlab cartoonize` and `toonlab inspect`: arguments reach the parts, and files are written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from rendered_clips import encode, number_of, packets, shown

import toonlab as library


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    Image.effect_noise((48, 40), 60).convert("RGB").save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


def read(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path))


def test_a_runs_cartoons_are_written(typed: Callable[..., Any], photo: Path, run: library.TrainedRun) -> None:
    done = typed("cartoonize", run.directory, photo, "--out", "out", "--max-side", "24", "--device", "cpu")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "1 of 1 pictures in out"
    expected = run.cartoonize(photo, max_side=24, device="cpu")
    assert np.array_equal(read(photo.parent / "out" / "photo.png"), np.asarray(expected))
    rejected = typed("cartoonize", run.directory, photo, "--out", "out", "--device", "cpu")
    assert rejected.returncode == 2
    again = typed("cartoonize", run.directory, photo, "--out", "out", "--device", "cpu", "--overwrite")
    assert again.returncode == 0
    assert read(photo.parent / "out" / "photo.png").shape == (40, 48, 3)


def test_parameters_go_to_the_model_and_to_the_post_processor(typed: Callable[..., Any], photo: Path) -> None:
    def written(*words: str) -> np.ndarray:
        done = typed("cartoonize", "classic", photo, "--out", "out", "--overwrite", "--device", "cpu", *words)
        assert done.returncode == 0, done.stderr
        return read(photo.parent / "out" / "photo.png")

    plain = written()
    few = written("generator.network.colors=2")
    assert not np.array_equal(plain, few)
    styled = written("--post", "ctss", "style=dragon_ball")
    other = written("--post", "ctss", "style=wind_rises")
    assert not np.array_equal(styled, other)


def test_a_folder_of_pictures_and_clips(typed: Callable[..., Any], photo: Path, run: library.TrainedRun) -> None:
    folder = photo.parent / "in"
    folder.mkdir()
    photo.rename(folder / "photo.png")
    times = tuple(range(0, 12 * 512, 512))
    encode(folder / "clip.mp4", times)
    (folder / "bad.mov").write_bytes(b"no clip")
    steadily = ("cartoonize", run.directory, folder, "--out", "out", "--device", "cpu", "--steady", "0.5")
    left = r"left out: 1 of 3 files can't be used: \S+bad.mov: can't be read as a clip"
    with pytest.warns(UserWarning, match=left):
        done = typed(*steadily)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "2 of 3 files in out"
    out = photo.parent / "out"
    assert sorted(path.name for path in out.iterdir()) == ["clip.mp4", "clip.mp4.json", "photo.png"]
    assert shown(out / "clip.mp4")[0] == shown(folder / "clip.mp4")[0]
    assert packets(out / "clip.mp4") == packets(folder / "clip.mp4")
    assert typed("cartoonize", run.directory, folder, "--out", "out", "--device", "cpu").returncode == 2
    with pytest.warns(UserWarning, match=left):
        again = typed(*steadily, "--overwrite")
    assert "made before of the same clip, model and options; kept" in again.stdout
    alone = typed("cartoonize", "identity", folder / "clip.mp4", "--out", "same", "--device", "cpu")
    assert alone.stdout.splitlines()[-1] == "1 of 1 clips in same"
    assert [number_of(picture) for picture in shown(photo.parent / "same" / "clip.mp4")[1]] == list(range(12))
    none = typed("cartoonize", "identity", folder / "bad.mov", "--out", "none", "--device", "cpu")
    assert none.returncode == 2
    assert "none of the clips can be used" in none.stderr


def test_a_sheet_is_drawn_with_the_samplers_parameters(typed: Callable[..., Any], photo: Path) -> None:
    def drawn(*words: str) -> np.ndarray:
        done = typed("inspect", photo, "patch_size=16", *words)
        assert done.returncode == 0, done.stderr
        assert done.stdout.splitlines()[-1] == "1 of 1 pictures in inspect"
        return read(photo.parent / "inspect" / "photo.png")

    one, four = drawn("k=1"), drawn("k=4")
    assert one.shape != four.shape or not np.array_equal(one, four)
    assert not np.array_equal(drawn("k=1", "--sampler", "random_patches"), one)
