"""One MLflow run, brought up to date from the directory of the run that it shows."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toonlab import Outcome, Run

from . import link
from .files import Files
from .parameters import flatten
from .parent import parent_of
from .points import MetricsReader, Point, legal, points
from .system import SystemMetrics

if TYPE_CHECKING:
    from mlflow import MlflowClient

_METRICS, _PARAMETERS = 1000, 100  # at most in one call, by MLflow's limits
_LONGEST_TAG = 5000  # characters
_STATUS = {"finished": "FINISHED", "failed": "FAILED", "stopped": "KILLED"}
_REASON, _WEIGHTS = "outcome.reason", "toonlab.weights"


class Mirror:
    """What a run directory has and its MLflow run has not is sent: parameters, tags, points, files, the outcome.

    It learns what MLflow has when it is opened, and from then on from what it sends. So after any failure, when nobody
    knows what arrived, it is to be closed and another one opened. `sent` counts, by kind.
    """

    def __init__(self, client: MlflowClient, run: Run, run_id: str) -> None:
        self.client, self.run, self.run_id = client, run, run_id
        self.system: SystemMetrics | None = None
        self.sent: Counter[str] = Counter()
        self._metrics = MetricsReader(run.directory / "metrics.jsonl")
        self._files = Files(client, run_id, run.directory)
        self._steps: dict[str, set[int]] = {}  # by metric
        self._tags: dict[str, str] = {}
        self._status = "RUNNING"

    @classmethod
    def open(cls, client: MlflowClient, experiment: str, run: Run) -> Mirror:
        """The MLflow run that has the directory's key, or a new one; parameters and tags that it lacks are set."""
        key, tags = link.key(run.directory), _tags(run)
        if study := run.environment.get("study"):
            tags["mlflow.parentRunId"] = parent_of(client, experiment, study)
        found = client.search_runs([experiment], f"tags.`{link.TAG}` = '{key}'", order_by=["start_time"])
        if found:
            mirror = cls(client, run, found[0].info.run_id)
            mirror._take_stock(found[0])
        else:
            new = client.create_run(experiment, _started(run), {**tags, link.TAG: key}, run.name)
            mirror = cls(client, run, new.info.run_id)
            mirror._tags = dict(tags)
        for name in tags.keys() - mirror._tags.keys():
            mirror._tag(name, tags[name])
        mirror._send_parameters(found[0].data.params if found else {})
        return mirror

    def reopen(self) -> None:
        """Show the run as going on."""
        if self._status != "RUNNING":
            self.client.update_run(self.run_id, status="RUNNING")
            self._status = "RUNNING"
        self._tag(_REASON, None)

    def update(self) -> None:
        """Send the points and the files that are new in the directory."""
        self._send_points(self._metrics.new())
        self.sent["files"] += self._files.send()

    def finish(self, outcome: Outcome) -> None:
        """Send what comes last: the photos' own metrics, the weights, how the run ended and why."""
        self.close()
        ended = _modified(self.run.directory / "outcome.json")
        self._send_points(points(outcome.photo, outcome.step, ended, "photo/"))
        self._send_weights()
        self._tag(_REASON, outcome.reason and outcome.reason[:_LONGEST_TAG])
        if self._status != _STATUS[outcome.status]:
            self.client.set_terminated(self.run_id, _STATUS[outcome.status], round(ended * 1000))
            self._status = _STATUS[outcome.status]
            self.sent["outcomes"] += 1

    def close(self) -> None:
        """Stop what runs beside it."""
        if self.system:
            self.system.stop()
            self.system = None

    def _take_stock(self, found: Any) -> None:
        self._tags, self._status = dict(found.data.tags), found.info.status
        for name in found.data.metrics:
            self._steps[name] = {point.step for point in self.client.get_metric_history(self.run_id, name)}
        self._files.take_stock()

    def _send_parameters(self, known: Mapping[str, str]) -> None:
        """Log what the MLflow run does not have yet: its parameters never change."""
        from mlflow.entities import Param

        values = {legal(name): value for name, value in flatten(self.run.recipe).items()}
        new = (Param(name, value) for name, value in values.items() if name not in known)
        while batch := list(islice(new, _PARAMETERS)):
            self.client.log_batch(self.run_id, params=batch, synchronous=True)
            self.sent["parameters"] += len(batch)

    def _send_points(self, given: Iterable[Point]) -> None:
        from mlflow.entities import Metric

        new = (Metric(*point) for point in given if self._is_new(point))
        while batch := list(islice(new, _METRICS)):
            self.client.log_batch(self.run_id, metrics=batch, synchronous=True)
            self.sent["points"] += len(batch)

    def _is_new(self, point: Point) -> bool:
        """Whether its step is new: a resumed run takes steps again that MLflow has already."""
        steps = self._steps.setdefault(point.name, set())
        new = point.step not in steps
        steps.add(point.step)
        return new

    def _send_weights(self) -> None:
        weights = self._files.last_weights
        if weights and self._tags.get(_WEIGHTS) != weights.parent.name:
            self._files.send_weights(weights)
            self.sent["files"] += 1
            self._tag(_WEIGHTS, weights.parent.name)  # their size would not tell them from those of another step

    def _tag(self, name: str, value: str | None) -> None:
        """Set a tag, or delete it, if it is not so already."""
        if self._tags.get(name) == value:
            return
        if value is None:
            self.client.delete_tag(self.run_id, name)
            del self._tags[name]
        else:
            self.client.set_tag(self.run_id, name, value)
            self._tags[name] = value
            self.sent["tags"] += 1


def _tags(run: Run) -> dict[str, str]:
    tags = {"recipe": run.recipe_name, "seed": str(run.seed), "cell": run.identity[:8]}
    known = {"device": run.environment.get("device"), "toonlab": run.environment.get("versions", {}).get("toonlab")}
    tags |= {name: str(value) for name, value in known.items() if value is not None}
    if about := run.recipe.get("about"):
        tags["mlflow.note.content"] = str(about)[:_LONGEST_TAG]  # shown as the run's description
    return tags


def _started(run: Run) -> int | None:
    """When this life of the run began, in milliseconds since 1970; None: now."""
    date = run.environment.get("date")
    return round(datetime.fromisoformat(date).timestamp() * 1000) if date else None


def _modified(path: Path) -> float:
    """Seconds since 1970; now, if there is no such file."""
    return path.stat().st_mtime if path.exists() else time.time()
