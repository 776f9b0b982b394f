"""The key of a run directory; which of its files are sent, and which are there already."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from toonlab import Run
from toonlab_mlflow.directory import Artifacts, read_key, run_key
from toonlab_mlflow.store import Store


def test_a_directory_keeps_its_key(tmp_path: Path) -> None:
    assert read_key(tmp_path) is None
    made = run_key(tmp_path)
    assert len(made) == 32
    assert run_key(tmp_path) == read_key(tmp_path) == made
    assert [path.name for path in tmp_path.iterdir()] == ["mlflow.json"]


def test_two_directories_have_keys_of_their_own(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    assert run_key(tmp_path / "a") != run_key(tmp_path / "b")


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"toonlab.run": "abc"', '{"toonlab.run": 3}', '{"toonlab.run": "x\' or"}', "3"]
)
def test_a_damaged_file_means_no_key(tmp_path: Path, text: str) -> None:
    (tmp_path / "mlflow.json").write_text(text, encoding="utf-8")
    assert read_key(tmp_path) is None
    assert run_key(tmp_path) == read_key(tmp_path)


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
