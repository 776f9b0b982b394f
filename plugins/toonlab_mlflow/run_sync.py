"""Synchronises one MLflow run with the directory of its run."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterable
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

from toonlab import Outcome, Run

from .directory import TAG, Artifacts, remember_experiment, run_key
from .store import PARENT
from .values import MetricsReader, Point, flatten, legal_name, milliseconds, points

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import DatasetInput

    from .store import Store

_METRICS, _PARAMETERS = 1000, 100  # at most in one call, by MLflow's limits
LONGEST_TAG = 5000  # characters
_STATUS = {"finished": "FINISHED", "failed": "FAILED", "stopped": "KILLED"}
_REASON, _WEIGHTS = "outcome.reason", "toonlab.weights"


class RunSync:
    """Sends what the run directory has and its MLflow run lacks: parameters, tags, points, files, the outcome.

    The MLflow run is the one with the directory's key; it is created if there is none. What it has is read once, so
    after a failure, when it is unknown what arrived, another RunSync must be made. `sent` counts by kind.

    Args:
        running: the run is under way now; MLflow shows it as running.
    """

    def __init__(self, store: Store, run: Run, running: bool = False) -> None:
        self.client, self.run = store.client, run
        self.sent: Counter[str] = Counter()
        tags, key = _tags(run), run_key(run.directory)
        if run.environment.get("study"):
            tags[PARENT] = store.study_run(run)
        found = store.find(TAG, key)
        start = milliseconds(run.environment)
        tracked = found[0] if found else self.client.create_run(store.experiment_id, start, {TAG: key}, run.name)
        self.run_id: str = tracked.info.run_id
        self._tags, self._status = dict(tracked.data.tags), tracked.info.status
        history = partial(self.client.get_metric_history, self.run_id)
        self._steps = {name: {point.step for point in history(name)} for name in tracked.data.metrics}
        self._metrics = MetricsReader(run.directory / "metrics.jsonl")
        self._artifacts = Artifacts(self.client, self.run_id, run.directory, resumed=bool(found))
        remember_experiment(run.directory, store.address, store.experiment_id)
        self._describe(tracked.data.params, {name: value for name, value in tags.items() if name not in self._tags})
        if running:
            self._reopen()

    def update(self) -> None:
        """Send the points and sample images that are new in the directory."""
        self.send_points(self._metrics.new())
        self.sent["files"] += self._artifacts.send_samples()

    def finish(self, outcome: Outcome) -> None:
        """Send the rest: new points and samples, the photos' own metrics, the weights, how the run ended and why."""
        self.update()
        ended = _modified(self.run.directory / "outcome.json")
        self.send_points(points(outcome.photo, outcome.step, ended, "photo/"))
        self._send_weights()
        self._set_reason(outcome.reason)
        if self._status != _STATUS[outcome.status]:
            self.client.set_terminated(self.run_id, _STATUS[outcome.status], round(ended * 1000))
            self._status = _STATUS[outcome.status]
            self.sent["outcomes"] += 1

    def send_points(self, given: Iterable[Point]) -> None:
        """Send the points of new steps: a resumed run repeats steps that MLflow has already."""
        new = [point for point in given if self._is_new(point)]
        log_points(self.client, self.run_id, new)
        self.sent["points"] += len(new)

    def _is_new(self, point: Point) -> bool:
        steps = self._steps.setdefault(point.name, set())
        new = point.step not in steps
        steps.add(point.step)
        return new

    def _describe(self, known: dict[str, str], tags: dict[str, str]) -> None:
        """Send recipe, environment, and the parameters and tags that MLflow lacks."""
        from mlflow.entities import Param, RunTag

        values = {legal_name(name): value for name, value in flatten(self.run.recipe).items()}
        new = [Param(name, value) for name, value in values.items() if name not in known]
        self.client.log_batch(self.run_id, tags=[RunTag(*tag) for tag in tags.items()], synchronous=True)
        for first in range(0, len(new), _PARAMETERS):
            self.client.log_batch(self.run_id, params=new[first : first + _PARAMETERS], synchronous=True)
        self.sent["parameters"] += len(new)
        self.client.log_inputs(self.run_id, datasets(self.run))
        self._artifacts.send_texts()

    def _reopen(self) -> None:
        if self._status != "RUNNING":
            self.client.update_run(self.run_id, status="RUNNING")
            self._status = "RUNNING"
        self._set_reason(None)

    def _set_reason(self, reason: str | None) -> None:
        if reason:
            self.client.set_tag(self.run_id, _REASON, reason[:LONGEST_TAG])
        elif _REASON in self._tags:
            self.client.delete_tag(self.run_id, _REASON)
            del self._tags[_REASON]

    def _send_weights(self) -> None:
        weights = self._artifacts.last_weights
        if weights and self._tags.get(_WEIGHTS) != weights.parent.name:  # the size is that of other steps' weights
            self.client.log_artifact(self.run_id, str(weights), "weights")
            self.client.set_tag(self.run_id, _WEIGHTS, weights.parent.name)
            self.sent["files"] += 1


def log_points(client: MlflowClient, run_id: str, given: Iterable[Point]) -> None:
    """Send points, as many at once as MLflow takes."""
    from mlflow.entities import Metric

    metrics = [Metric(*point) for point in given]
    for first in range(0, len(metrics), _METRICS):
        client.log_batch(run_id, metrics=metrics[first : first + _METRICS], synchronous=True)


def _tags(run: Run) -> dict[str, str]:
    tags = {"recipe": run.recipe_name, "seed": str(run.seed), "cell": run.identity[:8]}
    about = {"device": run.environment.get("device"), "toonlab": run.environment.get("versions", {}).get("toonlab")}
    about |= {"mlflow.note.content": run.recipe.get("about"), "mlflow.loggedImages": True}
    return tags | {name: str(value)[:LONGEST_TAG] for name, value in (about | source(run)).items() if value}


def source(run: Run) -> dict[str, str]:
    """MLflow's tags of what made a run: the command, and the commit of toonlab's checkout, where they are known."""
    told = {"name": run.environment.get("command"), "git.commit": run.environment.get("commit"), "type": "LOCAL"}
    return {f"mlflow.source.{name}": str(value) for name, value in told.items() if value}


def datasets(run: Run) -> list[DatasetInput]:
    """The data that a run reads, with a hash of their manifest, which is the profile that MLflow shows."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    parts = {name: part for name, part in run.environment.get("identity", {}).items() if isinstance(part, dict)}
    inputs = []
    for name, manifest in parts.items():
        if name != "code":
            given = run.recipe.get(name) or {}
            profile = json.dumps(manifest, sort_keys=True)
            key = blake2b(profile.encode(), digest_size=16).hexdigest()
            dataset = Dataset(str(given.get("use", name)), key, "local", json.dumps(given, default=str), None, profile)
            inputs.append(DatasetInput(dataset, [InputTag("mlflow.data.context", "training")]))
    return inputs


def _modified(path: Path) -> float:
    """Seconds since 1970; now, if there is no such file."""
    return path.stat().st_mtime if path.exists() else time.time()
