"""`toonlab cartoonize` and `toonlab inspect`: arguments reach the parts, and files are written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

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


def test_a_sheet_is_drawn_with_the_samplers_parameters(typed: Callable[..., Any], photo: Path) -> None:
    def drawn(*words: str) -> np.ndarray:
        done = typed("inspect", photo, "patch_size=16", *words)
        assert done.returncode == 0, done.stderr
        assert done.stdout.splitlines()[-1] == "1 of 1 pictures in inspect"
        return read(photo.parent / "inspect" / "photo.png")

    one, four = drawn("k=1"), drawn("k=4")
    assert one.shape != four.shape or not np.array_equal(one, four)
    assert not np.array_equal(drawn("k=1", "--sampler", "random_patches"), one)
