"""`toonlab train`, `toonlab resume` and `toonlab sync`."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import toonlab as library


def test_print_shows_the_resolved_recipe_and_trains_nothing(typed: Callable[..., Any], tmp_path: Path) -> None:
    done = typed("train", "ctss", "--at", "tiny", "--print", "train.steps=7", "train.steps=8")
    assert done.returncode == 0
    assert "steps: 8" in done.stdout  # the later one
    assert "guided_eps: 0.2" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_train_says_where_everything_is_and_does_not_train_twice(
    toonlab: Callable[..., Any], small: Path, tmp_path: Path
) -> None:
    arguments = ("train", str(small), "observers={mlflow: {}, progress: {}}")
    done = toonlab(*arguments)
    assert done.returncode == 0, done.stderr
    assert "the unmodified photo" in done.stdout
    (run,) = tmp_path.glob("runs/small/small-s0-*")
    for path in ("samples/step-00000004.png", "checkpoints/step-00000004/generator.safetensors"):
        assert str(Path("runs/small") / run.name / path) in done.stdout
        assert (run / path).exists()
    assert f"mlflow ui --backend-store-uri sqlite:///{tmp_path}/runs/mlflow.db" in done.stdout
    recorded = json.loads((run / "environment.json").read_text())["command"]
    assert recorded == f"toonlab train {small} 'observers={{mlflow: {{}}, progress: {{}}}}'"
    rerun = toonlab(*arguments)
    assert "finished before, not run again" in rerun.stdout


@pytest.fixture
def begun(run: library.TrainedRun, tmp_path: Path) -> Path:
    """A run that was killed before its first checkpoint."""
    directory = tmp_path / "runs" / "odd" / run.name
    shutil.copytree(run.directory, directory)
    (directory / "outcome.json").unlink()
    shutil.rmtree(directory / "checkpoints")
    return directory


def test_resume_trains_a_run_to_its_end(toonlab: Callable[..., Any], begun: Path, run: library.TrainedRun) -> None:
    done = toonlab("resume", begun, "--device", "cpu")
    assert done.returncode == 0, done.stderr
    resumed = library.open_run(begun)
    assert resumed.outcome.status == "finished"
    assert resumed.metrics == run.metrics
    assert resumed.environment["command"] == f"toonlab resume '{begun}' --device cpu"
    assert str(resumed.weights) in done.stdout


def test_resume_says_that_a_run_had_finished(typed: Callable[..., Any], run: library.TrainedRun) -> None:
    done = typed("resume", run.directory, "--device", "cpu")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"{run.name}: finished before, not run again" in done.stdout


def test_sync_needs_a_tracker(typed: Callable[..., Any], run: library.TrainedRun) -> None:
    done = typed("sync", run.directory)
    assert done.returncode == 2
    assert "nothing to sync to" in done.stderr


def test_sync_completes_the_given_store(
    typed: Callable[..., Any], begun: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/other.db")
    recipe = (begun / "recipe.yaml").read_text()
    (begun / "recipe.yaml").write_text(recipe.replace("observers: {}", "observers: {mlflow: {}}"))
    done = typed("sync", begun.parent, "--tracking-uri", f"sqlite:///{tmp_path}/mine.db")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{begun.name}: MLflow at sqlite:///{tmp_path}/mine.db: sent ")
    assert (tmp_path / "mine.db").exists()
    assert not (tmp_path / "other.db").exists()
