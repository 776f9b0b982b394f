"""Folders of any name, for runs, data and stores, through the commands; printed addresses work when they are pasted."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient
from PIL import Image
from typer.testing import CliRunner

from toonlab.cli.app import app
from toonlab.studies.optuna_study import OptunaStudy
from toonlab.utils.databases import sqlite_url
from toonlab_mlflow import store
from toonlab_mlflow.address import default_address

NAMES = [
    "a#b",
    "q?x",
    "my%20x",
    "my x",
    "s;t:u@v",
    "{漫画}",
    "$(HOME) 'x' \"y\" & *",
    "x?mode=ro&uri=true",
    "null",
    "2024",
]
RECIPE = """
data: {use: folder, photos: ???, cartoons: ???}
generator: {network: {use: ctss_plain, width: 2}, losses: {total_variation: {}}}
train: {size: 16, batch: 1, steps: 1}
stages: [{share: 1}]
evaluate: {metrics: [], samples: 1, grid: 1}
observers: {mlflow: {patience: 240}}
"""


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("store")
    store.load()
    store.Store(default_address(root), "Default", root)
    return root / "mlflow.db"


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with twins of the folders, one of which would be taken for another by its name."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TOONLAB_TRACKING_URI", "")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    (tmp_path / "tiny.yaml").write_text(RECIPE)
    return tmp_path


def typed(*words: str | Path) -> Any:
    return CliRunner().invoke(app, [*map(str, words)], env={"COLUMNS": "400", "NO_COLOR": "1"})


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_training_in_a_folder_of_any_name_is_tracked_there(name: str, workspace: Path, tables: Path) -> None:
    data, runs = workspace / f"data {name}", workspace / name
    for folder in (data, runs):
        folder.mkdir()
    shutil.copy(tables, runs)  # to make them takes a second
    Image.new("RGB", (20, 20)).save(data / "0.png")
    relative = data.name
    done = typed(
        "train", "tiny.yaml", f"data.photos={relative}", f"data.cartoons={data}", "--runs", runs, "--device", "cpu"
    )
    assert done.exit_code == 0, done.stderr
    assert "warning" not in done.stderr
    assert {path.name for path in workspace.iterdir()} == {data.name, name, "tiny.yaml"}
    assert {path.name for path in runs.iterdir()} == {"tiny", "mlflow.db", "mlflow.db.lock", "mlflow-artifacts"}
    command = shlex.split(re.findall(r"look at it with: (mlflow ui .*)", done.stdout)[0])
    client = MlflowClient(command[-1])
    (tracked,) = client.search_runs([client.get_experiment_by_name("tiny").experiment_id])
    assert tracked.data.params["data.photos"] == relative
    artifacts = {file.path for file in client.list_artifacts(tracked.info.run_id)}
    assert artifacts >= {"recipe.yaml", "weights"}
    assert (runs / "mlflow-artifacts" / tracked.info.run_id / "artifacts" / "recipe.yaml").is_file()
    synced = typed("sync", runs)
    assert synced.exit_code == 0, synced.stderr
    assert synced.stdout.endswith(": complete\n")
    elsewhere = typed("sync", runs, "--tracking-uri", sqlite_url(shutil.copy(tables, workspace / f"{name}.db")))
    assert elsewhere.exit_code == 0, elsewhere.stderr
    with closing(sqlite3.connect(workspace / f"{name}.db")) as connection:
        assert connection.execute("SELECT count(*) FROM runs").fetchone() == (1,)


def test_paths_that_are_no_utf8_work_but_for_mlflow_which_is_told_in_a_line(workspace: Path, toonlab: Any) -> None:
    data, runs, twin = (os.fsdecode(name) for name in (b"d \xff", b"r \xfe%", "r \ufffd%".encode()))
    (workspace / data).mkdir()
    for name in (b"0 \xff.png", b"1.png"):
        Image.new("RGB", (20, 20)).save(workspace / data / os.fsdecode(name))

    def run(*words: str | Path) -> tuple[int, str, str]:
        command = toonlab(*words)
        return command.wait(), command.stdout, command.stderr

    trained = ["train", "tiny.yaml", f"data.photos={data}", f"data.cartoons={data}", "--runs", runs, "--device", "cpu"]
    code, _, errors = run(*trained)
    assert code == 0, errors
    assert "its path is not UTF-8, which MLflow needs; rename it, or give a server" in errors
    assert "not run again" in run(*trained)[1]
    code, _, errors = run("sync", runs)
    assert (code, errors.count("\n")) == (1, 1)
    assert "its path is not UTF-8, which MLflow needs" in errors
    (directory,) = (workspace / runs / "tiny").iterdir()
    code, _, errors = run("cartoonize", directory, data, "--out", os.fsdecode(b"o \xff"))
    assert code == 0, errors
    assert len(list((workspace / os.fsdecode(b"o \xff")).iterdir())) == 2
    with OptunaStudy(sqlite_url(workspace / runs / "optuna.db"), "study") as study:
        study.add({})
    assert (workspace / runs / "optuna.db").is_file()
    assert not (workspace / twin).exists()
