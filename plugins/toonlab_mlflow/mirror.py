"""One MLflow run, brought up to date from the directory of the run that it shows."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toonlab import Outcome, Run

from . import link
from .parameters import flatten
from .points import MetricsReader, Point, legal, points
from .system import SystemMetrics

if TYPE_CHECKING:
    from mlflow import MlflowClient

_AT_ONCE = {"metrics": 1000, "params": 100}  # by MLflow's limits
_LONGEST_TAG = 5000  # characters
_STATUS = {"finished": "FINISHED", "failed": "FAILED", "stopped": "KILLED"}
_REASON, _WEIGHTS = "outcome.reason", "toonlab.weights"


class Mirror:
    """What a run directory has and its MLflow run has not is sent: parameters, tags, points, files, the outcome.

    It learns what MLflow has when it is opened, and from then on from what it sends. So after any failure it is to be
    dropped and opened anew, when nobody knows what arrived. `sent` counts, by kind.
    """

    def __init__(self, client: MlflowClient, run: Run, run_id: str) -> None:
        self.client, self.run, self.run_id = client, run, run_id
        self.system: SystemMetrics | None = None
        self.sent: Counter[str] = Counter()
        self._metrics = MetricsReader(run.directory / "metrics.jsonl")
        self._steps: dict[str, set[int]] = {}  # by metric
        self._files: dict[str, tuple[int, int | None]] = {}  # path -> bytes, modification time if known
        self._tags: dict[str, str] = {}
        self._status = "RUNNING"

    @classmethod
    def open(cls, client: MlflowClient, experiment: str, run: Run) -> Mirror:
        """The MLflow run that has the directory's key, or a new one; parameters and tags that it lacks are set."""
        key, tags = link.key(run.directory), _tags(run)
        found = client.search_runs([experiment], f"tags.`{link.TAG}` = '{key}'", order_by=["start_time"])
        if found:
            mirror = cls(client, run, found[0].info.run_id)
            mirror._take_stock(found[0])
        else:
            new = client.create_run(experiment, _started(run), {**tags, link.TAG: key}, run.name)
            mirror = cls(client, run, new.info.run_id)
            mirror._tags = tags
        mirror._describe(found[0].data.params if found else {}, tags)
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
        directory = self.run.directory
        pictures = sorted(path for path in (directory / "samples").rglob("*") if not path.name.startswith("."))
        for path in [directory / "recipe.yaml", directory / "environment.json", *pictures]:
            self._send_file(path)

    def finish(self, outcome: Outcome) -> None:
        """Send what comes last: the photos' own metrics, the weights, how the run ended and why."""
        self.close()
        ended = _modified(self.run.directory / "outcome.json")
        self._send_points(points(outcome.photo, outcome.step, ended, "photo/"))
        weights = sorted(self.run.directory.glob("checkpoints/step-*/generator.safetensors"))
        if weights and self._tags.get(_WEIGHTS) != weights[-1].parent.name:
            self.client.log_artifact(self.run_id, str(weights[-1]), "weights")
            self.sent["files"] += 1
            self._tag(_WEIGHTS, weights[-1].parent.name)  # the size would not tell them from those of another step
        self._tag(_REASON, outcome.reason and outcome.reason[:_LONGEST_TAG])
        if self._status != _STATUS[outcome.status]:
            self._status = _STATUS[outcome.status]
            self.client.set_terminated(self.run_id, self._status, round(ended * 1000))
            self.sent["status"] += 1

    def close(self) -> None:
        """Stop what runs beside it."""
        if self.system:
            self.system.stop()
            self.system = None

    # -- what MLflow has

    def _take_stock(self, found: Any) -> None:
        self._tags, self._status = found.data.tags, found.info.status
        for name in found.data.metrics:
            self._steps[name] = {point.step for point in self.client.get_metric_history(self.run_id, name)}
        self._files = {path: (size, None) for path, size in self._listed()}
        for name in ("recipe.yaml", "environment.json"):  # of an earlier life, perhaps: too small to ask
            self._files.pop(name, None)

    def _listed(self, folder: str | None = None) -> Iterator[tuple[str, int]]:
        for artifact in self.client.list_artifacts(self.run_id, folder):
            if artifact.is_dir:
                yield from self._listed(artifact.path)
            else:
                yield artifact.path, artifact.file_size

    # -- what is sent

    def _describe(self, known: Mapping[str, str], tags: Mapping[str, str]) -> None:
        """Log the parameters and tags that the MLflow run does not have; its parameters never change."""
        from mlflow.entities import Param

        new = ((legal(name), value) for name, value in flatten(self.run.recipe).items() if legal(name) not in known)
        self._log("params", (Param(name, value) for name, value in new))
        for name in tags.keys() - self._tags.keys():
            self._tag(name, tags[name])

    def _send_points(self, new: Iterable[Point]) -> None:
        from mlflow.entities import Metric

        self._log("metrics", (Metric(*point) for point in new if self._is_new(point)))

    def _is_new(self, point: Point) -> bool:
        """A step that a resumed run takes again is there already."""
        steps = self._steps.setdefault(point.name, set())
        new = point.step not in steps
        steps.add(point.step)
        return new

    def _log(self, kind: str, entities: Iterator[Any]) -> None:
        while batch := list(islice(entities, _AT_ONCE[kind])):
            self.client.log_batch(self.run_id, **{kind: batch}, synchronous=True)
            self.sent[{"metrics": "points", "params": "parameters"}[kind]] += len(batch)

    def _send_file(self, path: Path) -> None:
        """Keep a copy, unless MLflow has one of this size or this object has sent it as it is."""
        if not path.is_file():
            return
        name = path.relative_to(self.run.directory).as_posix()
        status = path.stat()
        size, modified = self._files.get(name, (None, None))
        if size != status.st_size or modified not in (None, status.st_mtime_ns):
            self.client.log_artifact(self.run_id, str(path), Path(name).parent.as_posix().removeprefix("."))
            self.sent["files"] += 1
        self._files[name] = (status.st_size, status.st_mtime_ns)

    def _tag(self, name: str, value: str | None) -> None:
        """Set a tag, or delete it."""
        if self._tags.get(name) == value:
            return
        if value is None:
            self.client.delete_tag(self.run_id, name)
            del self._tags[name]
            return
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
    """When the run (or this life of it) began, in milliseconds since 1970; None: now."""
    date = run.environment.get("date")
    return round(datetime.fromisoformat(date).timestamp() * 1000) if date else None


def _modified(path: Path) -> float:
    """Seconds since 1970; now, if there is no such file."""
    return path.stat().st_mtime if path.exists() else time.time()
