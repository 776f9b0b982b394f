"""A run driven as the engine drives it, a real MLflow server, and what a store shows of a run."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run as MlflowRun

from toonlab.events import Observers, Outcome, Run
from toonlab.runs import MetricsFile, write_outcome

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
    for name in ("MLFLOW_TRACKING_URI", "TOONLAB_TRACKING_URI"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    environment = {"versions": {"toonlab": "0.1.0"}, "device": "cpu", "date": "2026-01-02T03:04:05+00:00"}
    run = Run(tmp_path / "my runs", "demo", "ctss", 0, "1a2b3c4d5e6f", RECIPE, 40, environment)
    run.directory.mkdir(parents=True)
    return run


class Life:
    """A life of a run, from its start or a resume at the checkpoint of step `keep`, to its end or a kill."""

    def __init__(self, run: Run, observer: object, keep: int = 0) -> None:
        self.run = run
        self.log = MetricsFile(run.directory / "metrics.jsonl", keep)
        self.observers = Observers({"mlflow": observer})
        self.tell("on_run_start")

    def tell(self, hook: str, **arguments: Any) -> None:
        self.observers.tell(hook, run=self.run, **arguments)

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
        picture.write_bytes(b"a picture of step %d" % step)
        self.log.write(step, "evaluation", metrics)
        self.tell("on_evaluation_end", step=step, metrics=metrics, images={"samples": picture})

    def end(self, step: int, status: Any = "finished", reason: str | None = None) -> Outcome:
        self.log.close()
        outcome = Outcome(status, step, 3.0, reason, photo={"outline_f1": 0.05} if status == "finished" else {})
        write_outcome(self.run.directory, outcome)
        self.tell("on_run_end", outcome=outcome)
        return outcome


@pytest.fixture(scope="session")
def life() -> type[Life]:
    return Life


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
        found.update((name, line["step"], value) for name, value in line.get("scalars", {}).items())
        found.update((f"eval/{name}", line["step"], value) for name, value in line.get("evaluation", {}).items())
    if (directory / "outcome.json").exists():
        outcome = json.loads((directory / "outcome.json").read_text())
        found.update((f"photo/{name}", outcome["step"], value) for name, value in outcome["photo"].items())
    return found


@pytest.fixture(scope="session")
def recorded() -> Callable[[Path], Counter[tuple[str, int, float]]]:
    """(name, step, value) of everything that a run directory holds, as `Store.points` gives it."""
    return _recorded


class Server:
    """`mlflow server` on a port of its own, over a store that outlives it."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.folder, self.uri = folder, f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, if it does not run, and wait until it answers."""
        if self.process:
            return
        arguments = ["--backend-store-uri", f"sqlite:///{self.folder}/server.db", "--host", "127.0.0.1"]
        arguments += ["--artifacts-destination", str(self.folder / "artifacts"), "--port", str(self.port)]
        command = [sys.executable, "-m", "mlflow", "server", *arguments, "--workers", "1"]
        environment = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                command, stdout=log, stderr=log, env=environment, cwd=self.folder, start_new_session=True
            )
        wait_until(self.answers)

    def answers(self) -> bool:
        assert self.process
        assert self.process.poll() is None, (self.folder / "server.log").read_text()
        try:
            return bool(urllib.request.urlopen(f"{self.uri}/health", timeout=1).status == 200)
        except OSError:
            return False

    def kill(self) -> None:
        if self.process:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One for all tests, not started yet for the first of them; `start` takes seconds."""
    server = Server(tmp_path_factory.mktemp("server"))
    yield server
    server.kill()


def wait_until(condition: Callable[[], object], seconds: float = 90) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


@pytest.fixture(scope="session")
def until() -> Callable[..., None]:
    """`until(condition, seconds=90)` waits for a condition, and fails when it does not come true."""
    return wait_until
