"""The key of a run directory; which of its files are sent, and which are there already."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from toonlab import Run
from toonlab_mlflow.directory import Artifacts, read_experiment, read_key, remember_experiment, run_key
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


def test_a_directory_knows_its_experiment_in_each_store_and_keeps_its_key(tmp_path: Path) -> None:
    key = run_key(tmp_path)
    for store, experiment in (("http://a:5000", "1"), ("sqlite:///b.db", "27"), ("http://a:5000", "3")):
        remember_experiment(tmp_path, store, experiment)
    assert (read_experiment(tmp_path, "http://a:5000"), read_experiment(tmp_path, "sqlite:///b.db")) == ("3", "27")
    assert read_experiment(tmp_path, "http://c:5000") is None
    assert run_key(tmp_path) == key
    assert [path.name for path in tmp_path.iterdir()] == ["mlflow.json"]


@pytest.fixture
def opened(run: Run, uri: str) -> tuple[Store, str]:
    """A store and the id of a run of it."""
    opened = Store(uri, "demo", run.root)
    return opened, opened.client.create_run(opened.experiment_id).info.run_id


def write(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")


def draw(path: Path, width: int = 8) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGBA", (width, 8), (width, 20, 200, 255)).save(path)


def test_samples_are_sent_once_and_again_if_their_size_differs(run: Run, opened: Any) -> None:
    store, run_id = opened
    draw(run.directory / "samples" / "deep" / "a.png")
    write(run.directory / "samples" / ".draft.png", "hidden")
    artifacts = Artifacts(store.client, run_id, run.directory, resumed=False)
    assert [artifacts.send_samples(), artifacts.send_samples()] == [1, 0]
    sent = [file.path for file in store.client.list_artifacts(run_id, "images")]
    assert len(sent) == 2
    later = Artifacts(store.client, run_id, run.directory, resumed=True)
    assert later.send_samples() == 0
    draw(run.directory / "samples" / "deep" / "a.png", 800)
    assert later.send_samples() == 1
    assert [file.path for file in store.client.list_artifacts(run_id, "images")] == sent


def test_one_that_was_killed_between_the_two_files_of_a_picture_is_made_up_for(run: Run, opened: Any) -> None:
    store, run_id = opened
    draw(run.directory / "samples" / "step-00000005.png")
    Artifacts(store.client, run_id, run.directory, resumed=False).send_samples()
    images = run.root / "mlflow-artifacts" / run_id / "artifacts" / "images"
    complete = {path.name for path in images.iterdir()}
    (images / max(complete, key=lambda name: name.endswith(".png"))).unlink()  # which is sent last
    assert Artifacts(store.client, run_id, run.directory, resumed=True).send_samples() == 1
    assert {path.name for path in images.iterdir()} == complete


@pytest.mark.parametrize(
    ("path", "key", "step"),
    [
        ("samples/step-00000020.png", "samples/sheet", 20),
        ("samples/patches-patch-step-00000020.png", "samples/patches-patch", 20),
        ("samples/deep/a (1).png", "samples/deep/a _1_", 0),
    ],
)
def test_pictures_have_the_names_that_mlflow_gives_them(run: Run, opened: Any, path: str, key: str, step: int) -> None:
    """But for the time and the random number."""
    store, run_id = opened
    draw(run.directory / path)
    with Image.open(run.directory / path) as image:
        store.client.log_image(run_id, image, key=key, step=step, timestamp=7)
    theirs = [Path(file.path) for file in store.client.list_artifacts(run_id, "images")]
    expected = {re.sub(r"timestamp\+7\+[0-9a-f-]{36}", "timestamp+0+toonlab", file.name) for file in theirs}
    for file in theirs:
        (run.root / "mlflow-artifacts" / run_id / "artifacts" / file).unlink()
    Artifacts(store.client, run_id, run.directory, resumed=False).send_samples()
    assert {Path(file.path).name for file in store.client.list_artifacts(run_id, "images")} == expected


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
