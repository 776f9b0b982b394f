"""A small run, trained from Python, that tests look at and use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import toonlab
from toonlab.registry.catalogue import Catalogue

SMALL: Mapping[str, Any] = {
    "data": {"use": "toonworld", "size": 32, "scenes": 8, "evaluation_scenes": 3},
    "generator": {"network": {"use": "ctss_unet", "width": 2}, "losses": {"total_variation": {}}},
    "critics": {"image": {"discriminator": {"use": "ctss_image", "width": 2}, "objective": "lsgan"}},
    "train": {"size": 32, "batch": 2, "steps": 4, "log_every": 1, "evaluate_every": 2},
    "stages": [{"name": "all", "share": 1}],
    "evaluate": {"metrics": ["lines", "psnr"], "samples": 3, "grid": 2},
}


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    return toonlab.discover()


@pytest.fixture(scope="session")
def data() -> Mapping[str, Any]:
    """A recipe as data that trains in about a second."""
    return SMALL


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory, cache: None) -> toonlab.TrainedRun:
    """A finished run; its recipe's name is none that HTML could take as it is."""
    return toonlab.train(SMALL, name="<b>odd", runs=tmp_path_factory.mktemp("runs"), device="cpu")


@pytest.fixture
def ran(command: Callable[..., Any], tmp_path: Path) -> Callable[..., SimpleNamespace]:
    """`ran("train", "ctss")` runs a command to its end in `tmp_path`: its `returncode`, `stdout` and `stderr`."""

    def run(*arguments: str | Path, **environment: str) -> SimpleNamespace:
        process = command(*arguments, cwd=tmp_path, **environment)
        return SimpleNamespace(returncode=process.wait(), stdout=process.stdout, stderr=process.stderr)

    return run


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the test works: paths are relative to it."""
    monkeypatch.chdir(tmp_path)
    return tmp_path
