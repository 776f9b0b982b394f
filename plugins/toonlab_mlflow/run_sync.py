"""Synchronises one MLflow run with the directory of its run."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toonlab import Outcome, Run

from .directory import TAG, Artifacts, run_key
from .values import MetricsReader, Point, flatten, legal_name, points

if TYPE_CHECKING:
    from .store import Store

_METRICS, _PARAMETERS = 1000, 100  # at most in one call, by MLflow's limits
_LONGEST_TAG = 5000  # characters
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
        if study := run.environment.get("study"):
            tags["mlflow.parentRunId"] = store.study_run(study)
        found = store.find(TAG, key)
        tracked = (
            found[0] if found else self.client.create_run(store.experiment_id, _started(run), {TAG: key}, run.name)
        )
        self.run_id: str = tracked.info.run_id
        self._tags, self._status = dict(tracked.data.tags), tracked.info.status
        history = partial(self.client.get_metric_history, self.run_id)
        self._steps = {name: {point.step for point in history(name)} for name in tracked.data.metrics}
        self._metrics = MetricsReader(run.directory / "metrics.jsonl")
        self._artifacts = Artifacts(self.client, self.run_id, run.directory, resumed=bool(found))
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
        from mlflow.entities import Metric

        new = [Metric(*point) for point in given if self._is_new(point)]
        for first in range(0, len(new), _METRICS):
            self.client.log_batch(self.run_id, metrics=new[first : first + _METRICS], synchronous=True)
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
        self._artifacts.send_texts()

    def _reopen(self) -> None:
        if self._status != "RUNNING":
            self.client.update_run(self.run_id, status="RUNNING")
            self._status = "RUNNING"
        self._set_reason(None)

    def _set_reason(self, reason: str | None) -> None:
        if reason:
            self.client.set_tag(self.run_id, _REASON, reason[:_LONGEST_TAG])
        elif _REASON in self._tags:
            self.client.delete_tag(self.run_id, _REASON)
            del self._tags[_REASON]

    def _send_weights(self) -> None:
        weights = self._artifacts.last_weights
        if weights and self._tags.get(_WEIGHTS) != weights.parent.name:  # the size is that of other steps' weights
            self.client.log_artifact(self.run_id, str(weights), "weights")
            self.client.set_tag(self.run_id, _WEIGHTS, weights.parent.name)
            self.sent["files"] += 1


def _tags(run: Run) -> dict[str, str]:
    tags = {"recipe": run.recipe_name, "seed": str(run.seed), "cell": run.identity[:8]}
    known = {"device": run.environment.get("device"), "toonlab": run.environment.get("versions", {}).get("toonlab")}
    tags |= {name: str(value) for name, value in known.items() if value is not None}
    if about := run.recipe.get("about"):
        tags["mlflow.note.content"] = str(about)[:_LONGEST_TAG]  # shown as the run's description
    return tags


def _started(run: Run) -> int | None:
    """When this process began with the run, in milliseconds since 1970; None: now."""
    date: Any = run.environment.get("date")
    return round(datetime.fromisoformat(date).timestamp() * 1000) if date else None


def _modified(path: Path) -> float:
    """Seconds since 1970; now, if there is no such file."""
    return path.stat().st_mtime if path.exists() else time.time()
