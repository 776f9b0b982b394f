"""Real commands, killed at moments that are aimed at by watching their files: nothing lost, nothing doubled.

`TOONLAB_KILLS=100 make kills` runs the whole campaign and writes `docs/kills.md`; `TOONLAB_SEED` draws other moments.
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import time
import warnings
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest
from clusters import RECIPE
from kills import Moment, Scenario, Tally, campaign, report

pytestmark = [pytest.mark.kills, pytest.mark.timeout(3600)]
PAGE = Path(__file__).parents[2] / "docs" / "kills.md"
KILLS, SEED = int(os.environ.get("TOONLAB_KILLS", "100")), int(os.environ.get("TOONLAB_SEED", "0"))

SELECTING = """\
about: with weights that are selected, and averaged ones
extends: one
stages:
  - {name: warm-up, share: 0.5, critics: [], losses: {content: {weight: 5}}}
  - {name: adversarial, share: 0.5}
train: {log_every: 1, checkpoint_every: 3, evaluate_every: 4, select: psnr, ema: 0.9}
evaluate: {samples: 3, grid: 2}
"""
COMPARISON = """\
about: four short cells
recipes: [narrow]
set: {train.steps: 8}
factors: {critics.patch.sampler.k: [1, 2]}
seeds: 2
metrics: {primary: lines, also: [psnr]}
"""
SEARCH = """\
about: four short trials
recipe: narrow
set: {train.steps: 4, train.evaluate_every: 2, train.checkpoint_every: 2, train.select: last}
search: {generator.losses.content.weight: {low: 0.5, high: 5}}
objective: {metric: psnr, direction: maximize}
sampler: random
pruner: none
trials: 4
seeds_per_trial: 1
confirm: {top: 1, seeds: 1}
"""


@pytest.fixture(scope="session", autouse=True)
def _prepared() -> Iterator[None]:
    """Commands are forked from a process that has imported what they need, MLflow too: while they import, they write
    nothing. They see only this environment.
    """
    plugins = [plugin.value for plugin in entry_points(group="toonlab")]
    modules = ["toonlab.cli.app", "toonlab.api.study", "toonlab.api.train", "toonlab.api.results", "torch._dynamo"]
    modules += ["toonlab.studies.tune", "toonlab.report.page", "torchmetrics", "toonlab_mlflow.preload", *plugins]
    multiprocessing.get_context("forkserver").set_forkserver_preload(modules)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CUDA_VISIBLE_DEVICES", "")
        for name in ("MLFLOW_TRACKING_URI", "TOONLAB_TRACKING_URI", "TOONLAB_SCHEDULER"):
            patch.delenv(name, raising=False)
        yield


@pytest.fixture(scope="session")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with MLflow's and Optuna's stores, empty: their creation is a scenario of its own."""
    from mlflow import MlflowClient
    from optuna.storages import RDBStorage

    folder = tmp_path_factory.mktemp("stores")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of SQLAlchemy, at MLflow
        MlflowClient(f"sqlite:///{folder / 'mlflow.db'}").search_experiments()
    RDBStorage(f"sqlite:///{folder / 'optuna.db'}").engine.dispose()
    return folder


def files(folder: Path) -> None:
    """The recipe and the studies."""
    folder.mkdir(parents=True)
    for name, text in (("one", RECIPE), ("narrow", SELECTING), ("comparison", COMPARISON), ("search", SEARCH)):
        (folder / f"{name}.yaml").write_text(text)


@pytest.fixture(scope="session")
def tallies() -> Iterator[list[Tally]]:
    """The scenarios that have been through; when all have, the page is written."""
    tallies: list[Tally] = []
    began = time.monotonic()
    yield tallies
    page = report(tallies, f"TOONLAB_KILLS={KILLS} make kills", SEED, time.monotonic() - began)
    print(f"\n{page}")
    if {tally.scenario.name for tally in tallies} == SCENARIOS:
        PAGE.write_text(page, encoding="utf-8")


@pytest.fixture
def attack(tmp_path: Path, toonlab: Any, tallies: list[Tally]) -> Any:
    """`attack(scenario)` kills it by its share: what was lost, doubled, left or refused, each in a line."""

    def run(scenario: Scenario) -> list[str]:
        tally = campaign(scenario, toonlab, tmp_path, max(1, round(KILLS * scenario.share)), SEED)
        tallies.append(tally)
        return tally.problems

    return run


RUN = "runs/narrow/narrow-*"
ANY_TIME = Moment("any time")
SCENARIOS = {"train", "compare", "tune", "creation of MLflow's store", "creation of Optuna's store", "report", "sync"}


def test_train(attack: Any, stores: Path) -> None:
    def prepare(folder: Path) -> None:
        files(folder)
        (folder / "runs").mkdir()
        shutil.copy(stores / "mlflow.db", folder / "runs")

    moments = [
        ANY_TIME,
        Moment("the line of an evaluation", [f"{RUN}/metrics.jsonl"], b'"evaluation"', changes=3),
        Moment("the line of the test", [f"{RUN}/metrics.jsonl"], b'"test"'),
        Moment("a line of losses", [f"{RUN}/metrics.jsonl"], b'"scalars"', changes=9),
        Moment("metrics.jsonl is made or cut", [f"{RUN}/metrics.jsonl", f"{RUN}/.metrics.jsonl.*"]),
        Moment("a checkpoint is written", [f"{RUN}/checkpoints/.step-*", f"{RUN}/checkpoints/.step-*/*"], changes=9),
        Moment("a checkpoint is there", [f"{RUN}/checkpoints/step-*/state.pt"], changes=4),
        Moment("the best weights are written", [f"{RUN}/best/.step-*", f"{RUN}/best/.step-*/*"], changes=4),
        Moment("the best weights are there", [f"{RUN}/best/step-*"]),
        Moment("a sample sheet", [f"{RUN}/samples/*", f"{RUN}/samples/.*"], changes=4),
        Moment("the final pictures", [f"{RUN}/pictures/*", f"{RUN}/pictures/.*"], changes=12),
        Moment("the outcome", [f"{RUN}/outcome.json", f"{RUN}/.outcome.json.*"]),
        Moment("the run's directory", ["runs/narrow", RUN, f"{RUN}/*.yaml", f"{RUN}/environment.json"]),
        Moment(
            "MLflow's key and database", [f"{RUN}/mlflow.json", f"{RUN}/.mlflow.json.*", "runs/mlflow.db"], changes=12
        ),
        Moment("MLflow's journal", ["runs/mlflow.db-journal"], changes=12),
    ]
    assert attack(Scenario("train", prepare, ["train", "narrow.yaml"], moments, 0.45)) == []


def test_compare(attack: Any, stores: Path) -> None:
    def prepare(folder: Path) -> None:
        files(folder)
        (folder / "runs").mkdir()
        shutil.copy(stores / "mlflow.db", folder / "runs")

    cell = "runs/comparison/narrow-*"
    moments = [
        ANY_TIME,
        Moment("results.json", ["runs/comparison/results.json", "runs/comparison/.results.*"], changes=4),
        Moment("a cell's outcome", [f"{cell}/outcome.json", f"{cell}/.outcome.json.*"], changes=4),
        Moment("a cell's checkpoint", [f"{cell}/checkpoints/.step-*", f"{cell}/checkpoints/step-*"], changes=6),
        Moment("a cell's best weights", [f"{cell}/best/.step-*", f"{cell}/best/step-*"]),
        Moment("a cell's evaluation", [f"{cell}/metrics.jsonl"], b'"evaluation"', changes=3),
        Moment("the study's directory", ["runs/comparison", "runs/comparison/.driver*", "runs/comparison/logs/*"]),
        Moment("the sample sheet", ["runs/comparison/samples.png", "runs/comparison/.*.*"]),
        Moment("the report", ["runs/comparison/report.html", "runs/comparison/.report*", "runs/comparison/table.*"]),
        Moment("MLflow's journal", ["runs/mlflow.db-journal"], changes=12),
    ]
    who = ("all", "all", "program", "cell", "server")
    command = ["compare", "comparison.yaml", "--jobs", "2"]
    assert attack(Scenario("compare", prepare, command, moments, 0.14, who=who, most=4)) == []


def test_tune(attack: Any, stores: Path) -> None:
    def prepare(folder: Path) -> None:
        files(folder)
        (folder / "runs" / "search").mkdir(parents=True)
        shutil.copy(stores / "mlflow.db", folder / "runs")
        shutil.copy(stores / "optuna.db", folder / "runs" / "search")

    cell = "runs/search/narrow-*"
    moments = [
        ANY_TIME,
        Moment("Optuna's database", ["runs/search/optuna.db"], changes=30),
        Moment("Optuna's journal", ["runs/search/optuna.db-journal"], changes=12),
        Moment("a trial's outcome", [f"{cell}/outcome.json", f"{cell}/.outcome.json.*"], changes=4),
        Moment("a trial's checkpoint", [f"{cell}/checkpoints/.step-*", f"{cell}/checkpoints/step-*"], changes=6),
        Moment("a trial's evaluation", [f"{cell}/metrics.jsonl"], b'"evaluation"', changes=3),
        Moment("results.json", ["runs/search/results.json", "runs/search/.results.*"]),
        Moment("the report", ["runs/search/report.html", "runs/search/.report*", "runs/search/table.*"]),
    ]
    assert attack(Scenario("tune", prepare, ["tune", "search.yaml", "--jobs", "1"], moments, 0.14, most=4)) == []


def test_creation_of_mlflows_store(attack: Any) -> None:
    moments = [
        Moment("the database or a part of it", ["runs/*mlflow*", "runs/.*mlflow*"], changes=150),
        Moment("the journal", ["runs/*-journal", "runs/.*-journal"], changes=150),
        Moment("the experiment's artifacts, or the first key", [f"{RUN}/*mlflow*", "runs/mlflow-artifacts"]),
    ]
    command = ["train", "narrow.yaml", "train.steps=2"]
    assert attack(Scenario("creation of MLflow's store", files, command, moments, 0.12)) == []


def test_creation_of_optunas_store(attack: Any) -> None:
    moments = [
        Moment("the database or a part of it", ["runs/search/*optuna*", "runs/search/.*optuna*"], changes=40),
        Moment("the journal", ["runs/search/*-journal", "runs/search/.*-journal"], changes=40),
    ]
    command = ["tune", "search.yaml", "--trials", "1", "observers=null"]
    assert attack(Scenario("creation of Optuna's store", files, command, moments, 0.04, after=())) == []


def test_report(attack: Any, toonlab: Any, tmp_path: Path) -> None:
    """Next to an older page and older tables."""
    files(tmp_path / "made")
    done = toonlab(
        "compare", "comparison.yaml", "--jobs", "2", "train.steps=2", "observers=null", cwd=tmp_path / "made"
    )
    assert done.wait() == 0, done.stderr
    for path in ("report.html", "table.csv", "table.md", "table.tex"):
        (tmp_path / "made" / "runs" / "comparison" / path).write_text("older")

    def prepare(folder: Path) -> None:
        shutil.copytree(tmp_path / "made", folder)

    study = "runs/comparison"
    moments = [
        Moment("a part of a table", [f"{study}/.table.*"]),
        Moment("a table", [f"{study}/table.*"], changes=3),
        Moment("a part of the page", [f"{study}/.report.html.*"]),
    ]
    equal = (".csv", ".md", ".tex")
    assert attack(Scenario("report", prepare, ["report", "comparison"], moments, 0.06, after=(), equal=equal)) == []


def test_sync(attack: Any, toonlab: Any, stores: Path, tmp_path: Path) -> None:
    """Of a run whose MLflow was away."""
    files(tmp_path / "made")
    done = toonlab("train", "narrow.yaml", "--tracking-uri", "http://127.0.0.1:9", cwd=tmp_path / "made")
    assert done.wait() == 0, done.stderr
    shutil.copy(stores / "mlflow.db", tmp_path / "made" / "runs")

    def prepare(folder: Path) -> None:
        shutil.copytree(tmp_path / "made", folder)

    moments = [
        Moment("the database", ["runs/mlflow.db"], changes=30),
        Moment("the journal", ["runs/mlflow.db-journal"], changes=12),
        Moment("the run's key", [f"{RUN}/mlflow.json", f"{RUN}/.mlflow.json.*"]),
        Moment("an artifact", ["runs/mlflow-artifacts/*/*/*", "runs/mlflow-artifacts/*/*/*/*"], changes=6),
    ]
    assert attack(Scenario("sync", prepare, ["sync", "runs"], moments, 0.05, after=())) == []
