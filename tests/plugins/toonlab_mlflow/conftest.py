"""A run driven as the engine drives it, a real MLflow server, and what a store shows of a run."""

from __future__ import annotations

import json
import random
import shutil
import socket
import threading
import time
import urllib.request
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run as MlflowRun
from PIL import Image

from toonlab.registry.observers import Observers
from toonlab.runs.directory import MetricsFile, write_outcome
from toonlab.types import Outcome, Run
from toonlab_mlflow import store as stores
from toonlab_mlflow.address import default_address

DIRECTLY = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # whatever proxy a test before has met
LONGEST = 240  # seconds that a test waits for what must come: on a busy machine, a server may start slowly

RECIPE = {
    "about": "CTSS, narrow",
    "data": {"use": "toonworld", "style": "storybook"},
    "critics": {"patch": {"sampler": {"use": "ctss", "patch_size": 96, "stride_real": 0.5}, "representation": None}},
    "stages": [{"name": "warm-up", "steps": 10}, {"name": "adversarial", "steps": 30}],
    "train": {"ema": None, "deterministic": True},
    "observers": {"mlflow": {"tracking_uri": "postgresql://me:secret@host/db"}},
}


@pytest.fixture(autouse=True)
def _only_the_tests_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "120")  # a server on a busy machine may take its time


@pytest.fixture
def run(tmp_path: Path) -> Run:
    environment = {"versions": {"toonlab": "0.1.0"}, "device": "cpu", "date": "2026-01-02T03:04:05+00:00"}
    run = Run(tmp_path / "my runs", "demo", "ctss", 0, "1a2b3c4d5e6f", RECIPE, 40, environment)
    run.directory.mkdir(parents=True)
    return run


@pytest.fixture
def study_run(run: Run) -> Callable[[int], Run]:
    """`study_run(seed)` is a run of a study, with its directory."""

    def make(seed: int) -> Run:
        date = f"2026-01-02T03:0{seed}:00+00:00"
        environment = {**run.environment, "date": date, "study": "patches-0f", "command": "toonlab compare patches"}
        made = replace(run, seed=seed, identity=f"{seed}a2b3c4d" + run.identity[8:], environment=environment)
        (made.directory / "samples").mkdir(parents=True, exist_ok=True)
        (made.directory / "environment.json").write_text(json.dumps(environment))
        (made.directory / "recipe.yaml").write_text("about: CTSS\n")
        return made

    return make


class Life:
    """A life of a run, from its start or a resume at the checkpoint of step `keep`, to its end or a kill."""

    def __init__(self, run: Run, observer: object, keep: int = 0) -> None:
        self.run, self.observer = run, observer
        self.ended = False
        self.log = MetricsFile(run.directory / "metrics.jsonl", keep)
        self.observers = Observers({"mlflow": observer})
        self.tell("on_run_start")

    def tell(self, hook: str, **arguments: Any) -> None:
        self.observers.notify(hook, run=self.run, **arguments)

    def step(self, step: int, **scalars: float) -> None:
        values = scalars or {"generator/total": 1 / step}
        self.log.write(step, "scalars", values)
        self.tell("on_step_end", step=step, scalars=values)

    def checkpoint(self, step: int, weights: bytes = b"weights") -> None:
        path = self.run.directory / "checkpoints" / f"step-{step:08d}"
        path.mkdir(parents=True, exist_ok=True)
        (path / "generator.safetensors").write_bytes(weights)
        self.tell("on_checkpoint", step=step, path=path)

    def evaluate(self, step: int, **metrics: float) -> None:
        picture = self.run.directory / "samples" / f"step-{step:08d}.png"
        picture.parent.mkdir(exist_ok=True)
        Image.new("RGB", (8, 4), (step, 0, 0)).save(picture)
        self.log.write(step, "evaluation", metrics)
        self.tell("on_evaluation_end", step=step, metrics=metrics, images={"samples": picture})

    def end(self, step: int, status: Any = "finished", reason: str | None = None) -> Outcome:
        self.log.close()
        outcome = Outcome(status, step, 3.0, reason, photo={"lines": 0.05} if status == "finished" else {})
        write_outcome(self.run.directory, outcome)
        self.ended = True
        self.tell("on_run_end", outcome=outcome)
        return outcome

    def clean_up(self) -> None:
        """Close the file and end the run, wherever the test failed."""
        self.log.close()
        if not self.ended:
            with warnings.catch_warnings(action="ignore"):
                self.tell("on_run_end", outcome=Outcome("stopped", 0, 0.0, "the test has ended"))


@pytest.fixture
def life() -> Iterator[Callable[..., Life]]:
    """`life(run, observer, keep=0)` begins one; at the end of the test all are over, and so are their threads."""
    lives: list[Life] = []

    def begin(run: Run, observer: object, keep: int = 0) -> Life:
        lives.append(Life(run, observer, keep))
        return lives[-1]

    yield begin
    for alive in lives:
        alive.clean_up()
    wait_until(lambda: all(thread.name != "toonlab-mlflow" for thread in threading.enumerate()))


class Store:
    """What an MLflow store shows."""

    def __init__(self, uri: str) -> None:
        self.client = MlflowClient(uri)

    def runs(self, experiment: str = "demo") -> list[MlflowRun]:
        found = self.client.get_experiment_by_name(experiment)
        return [] if found is None else list(self.client.search_runs([found.experiment_id]))

    def the_run(self, experiment: str = "demo") -> MlflowRun:
        (found,) = self.runs(experiment)
        return found

    def history(self, name: str, experiment: str = "demo") -> list[tuple[int, float]]:
        found = self.the_run(experiment)
        return [(point.step, point.value) for point in self.client.get_metric_history(found.info.run_id, name)]

    def points(self, run: MlflowRun) -> Counter[tuple[str, int, float]]:
        """(name, step, value) of every metric of a run -> how often it is there."""
        histories = [self.client.get_metric_history(run.info.run_id, name) for name in run.data.metrics]
        return Counter((point.key, point.step, point.value) for history in histories for point in history)

    def artifact(self, path: str, experiment: str = "demo") -> bytes:
        return Path(self.client.download_artifacts(self.the_run(experiment).info.run_id, path)).read_bytes()

    def artifacts(self, folder: str | None = None, experiment: str = "demo") -> set[str]:
        return {file.path for file in self.client.list_artifacts(self.the_run(experiment).info.run_id, folder)}


@pytest.fixture(scope="session")
def store() -> type[Store]:
    return Store


def _recorded(directory: Path) -> Counter[tuple[str, int, float]]:
    found: Counter[tuple[str, int, float]] = Counter()
    for line in map(json.loads, (directory / "metrics.jsonl").read_text().splitlines()):
        for kind, prefix in (("scalars", "train"), ("evaluation", "evaluation"), ("test", "test")):
            found.update((f"{prefix}/{name}", line["step"], value) for name, value in line.get(kind, {}).items())
    if (directory / "outcome.json").exists():
        outcome = json.loads((directory / "outcome.json").read_text())
        found.update((f"photo/{name}", outcome["step"], value) for name, value in outcome["photo"].items())
    return found


@pytest.fixture(scope="session")
def recorded() -> Callable[[Path], Counter[tuple[str, int, float]]]:
    """(name, step, value) of everything that a run directory holds, as `Store.points` gives it."""
    return _recorded


SERVER = """
import os, sys

import uvicorn
from mlflow.server import constants

port, folder = sys.argv[1:]
os.environ[constants.BACKEND_STORE_URI_ENV_VAR] = f"sqlite:///{folder}/server.db"
os.environ[constants.ARTIFACTS_DESTINATION_ENV_VAR] = f"{folder}/artifacts"
os.environ[constants.ARTIFACT_ROOT_ENV_VAR] = "mlflow-artifacts:/"
os.environ[constants.SERVE_ARTIFACTS_ENV_VAR] = "true"
from mlflow.server.fastapi_app import app

uvicorn.run(app, host="127.0.0.1", port=int(port), log_level="warning")
"""


class Server:
    """An MLflow server on a port of its own, over a store that outlives it."""

    def __init__(self, folder: Path, program: Callable[..., Any]) -> None:
        self.folder, self.port, self.program = folder, _free_port(), program
        self.uri = f"http://127.0.0.1:{self.port}"
        self.process: Any = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        environment = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
        self.process = self.program(SERVER, self.port, self.folder, cwd=self.folder, **environment)
        wait_until(self.answers)

    def answers(self) -> bool:
        assert self.process.running, f"the server has ended: {self.process.stderr}"
        try:
            with DIRECTLY.open(f"{self.uri}/health", timeout=30) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def kill(self) -> None:
        if self.process:
            self.process.kill()
            self.process = None


def _free_port() -> int:
    """None of those that outgoing connections get: one of them could take it while the server is away."""
    for port in random.sample(range(20_000, 32_000), 100):
        with socket.socket() as free:
            try:
                free.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("no port is free")


@pytest.fixture(scope="session")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with its tables and nothing else: to make them takes a second."""
    root = tmp_path_factory.mktemp("store")
    stores.load()
    stores.Store(default_address(root), "Default", root)
    return root / "mlflow.db"


@pytest.fixture
def uri(run: Run, tables: Path) -> str:
    """The store beside the run, with its tables."""
    shutil.copy(tables, run.root)
    return default_address(run.root)


@pytest.fixture
def server(tables: Path, tmp_path: Path, program: Callable[..., Any]) -> Iterator[Server]:
    """Not started yet, over an empty store."""
    folder = tmp_path / "server"
    folder.mkdir()
    shutil.copy(tables, folder / "server.db")
    server = Server(folder, program)
    yield server
    server.kill()


def wait_until(condition: Callable[[], object], seconds: float = LONGEST) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


@pytest.fixture(scope="session")
def until() -> Callable[..., None]:
    """`until(condition)` waits for a condition, and fails when it does not come true."""
    return wait_until
