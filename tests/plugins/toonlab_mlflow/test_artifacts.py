"""Which files are sent, and which are there already."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from toonlab import Run
from toonlab_mlflow.artifacts import Artifacts
from toonlab_mlflow.store import Store


@pytest.fixture
def opened(run: Run, uri: str) -> tuple[Store, str]:
    """A store and the id of a run of it."""
    opened = Store(uri, "demo", run.root)
    return opened, opened.client.create_run(opened.experiment_id).info.run_id


def write(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")


def test_samples_are_sent_once_and_again_if_their_size_differs(run: Run, opened: Any) -> None:
    store, run_id = opened
    write(run.directory / "samples" / "deep" / "a.png", "a")
    write(run.directory / "samples" / ".draft.png", "hidden")
    artifacts = Artifacts(store.client, run_id, run.directory, resumed=False)
    assert [artifacts.send_samples(), artifacts.send_samples()] == [1, 0]
    assert [file.path for file in store.client.list_artifacts(run_id, "samples/deep")] == ["samples/deep/a.png"]
    later = Artifacts(store.client, run_id, run.directory, resumed=True)
    assert later.send_samples() == 0
    write(run.directory / "samples" / "deep" / "a.png", "longer")
    assert later.send_samples() == 1


def test_texts_of_an_equal_size_are_replaced(run: Run, opened: Any, tmp_path: Path) -> None:
    store, run_id = opened
    for text in ("seed: 1", "seed: 2"):
        write(run.directory / "recipe.yaml", text)
        Artifacts(store.client, run_id, run.directory, resumed=True).send_texts()
    assert Path(store.client.download_artifacts(run_id, "recipe.yaml", str(tmp_path))).read_text() == "seed: 2"


def test_the_last_weights_are_those_of_the_highest_step(run: Run, opened: Any) -> None:
    store, run_id = opened
    artifacts = Artifacts(store.client, run_id, run.directory, resumed=False)
    assert artifacts.last_weights is None
    for step in (90, 100):
        write(run.directory / "checkpoints" / f"step-{step:08d}" / "generator.safetensors", str(step))
    (run.directory / "checkpoints" / "step-00000200").mkdir()  # a checkpoint without weights
    assert artifacts.last_weights is not None
    assert artifacts.last_weights.read_text() == "100"
