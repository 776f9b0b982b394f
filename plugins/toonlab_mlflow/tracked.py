"""One run in MLflow: opened or gone on with, written to in batches, closed."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from toonlab import Run

from . import link
from .parameters import flatten

if TYPE_CHECKING:
    from mlflow import MlflowClient

_POINTS = 1000  # at most in one call, by MLflow's limits
_PARAMETERS = 100
_TAG = 5000  # characters at most
_SECONDS = 5.0
_REASON = "outcome.reason"


class TrackedRun:
    """A run's counterpart in MLflow. Metrics wait until `flush`, which sends them in few calls.

    Args:
        last_steps: what MLflow has already, metric -> step; a run that resumes from an earlier step says it again.
    """

    def __init__(self, client: MlflowClient, run_id: str, last_steps: Mapping[str, int]) -> None:
        self.client, self.run_id, self.last_steps = client, run_id, last_steps
        self._points: list[tuple[str, float, int, int]] = []  # name, value, milliseconds, step
        self._flushed = time.monotonic()

    @classmethod
    def open(cls, client: MlflowClient, uri: str, experiment: str, run: Run) -> TrackedRun:
        """The MLflow run that the run's directory names, if it is in this store; else a new one."""
        run_id = link.read(run.directory, uri)
        if run_id is None or not _reopened(client, run_id):
            run_id = client.create_run(experiment, run_name=run.name, tags=_tags(run)).info.run_id
            link.write(run.directory, uri, run_id)
        tracked = cls(client, run_id, _last_steps(client, run_id))
        tracked.add_parameters(flatten(run.recipe))
        return tracked

    def add_parameters(self, parameters: Mapping[str, str]) -> None:
        """Log what the run does not have yet; MLflow's parameters never change."""
        from mlflow.entities import Param

        known = self.client.get_run(self.run_id).data.params
        new = [Param(_legal(name), value) for name, value in parameters.items() if _legal(name) not in known]
        for first in range(0, len(new), _PARAMETERS):
            self.client.log_batch(self.run_id, params=new[first : first + _PARAMETERS], synchronous=True)

    def add_metrics(self, values: Mapping[str, float], step: int) -> None:
        """Take in values of a step, for the next flush; those that MLflow has are dropped."""
        now = int(time.time() * 1000)
        for name, value in values.items():
            if step > self.last_steps.get(_legal(name), -1):
                self._points.append((_legal(name), value, now, step))

    def flush_if_due(self) -> None:
        """Flush if there is a full batch, or if the points have waited for long enough."""
        if len(self._points) >= _POINTS or time.monotonic() - self._flushed >= _SECONDS:
            self.flush()

    def flush(self) -> None:
        """Send what waits. What could not be sent waits on."""
        from mlflow.entities import Metric

        self._flushed = time.monotonic()
        while batch := self._points[:_POINTS]:
            self.client.log_batch(self.run_id, metrics=[Metric(*point) for point in batch], synchronous=True)
            del self._points[: len(batch)]

    def add_artifact(self, path: Path, folder: str | None = None) -> None:
        """Keep a copy of a file, if there is one."""
        if path.is_file():
            self.client.log_artifact(self.run_id, str(path), folder)

    def close(self, status: str, reason: str | None) -> None:
        """Send what waits and end the MLflow run: FINISHED, FAILED or KILLED, with the reason as a tag."""
        self.flush()
        if reason:
            self.client.set_tag(self.run_id, _REASON, reason[:_TAG])
        self.client.set_terminated(self.run_id, status)


def _reopened(client: MlflowClient, run_id: str) -> bool:
    """Set the run going again; False if the store has no such run, or somebody deleted it."""
    from mlflow.exceptions import MlflowException

    try:
        known = client.get_run(run_id)
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        return False
    if known.info.lifecycle_stage != "active":
        return False
    client.update_run(run_id, status="RUNNING")
    if _REASON in known.data.tags:
        client.delete_tag(run_id, _REASON)
    return True


def _last_steps(client: MlflowClient, run_id: str) -> dict[str, int]:
    names = client.get_run(run_id).data.metrics
    return {name: max(point.step for point in client.get_metric_history(run_id, name)) for name in names}


def _tags(run: Run) -> dict[str, str]:
    tags = {"recipe": run.recipe_name, "seed": str(run.seed), "identity": run.identity}
    known = {"device": run.environment.get("device"), "toonlab": run.environment.get("versions", {}).get("toonlab")}
    tags |= {name: str(value) for name, value in known.items() if value is not None}
    if about := run.recipe.get("about"):
        tags["mlflow.note.content"] = str(about)[:_TAG]  # shown as the run's description
    return tags


def _legal(name: str) -> str:
    """The name with nothing but what MLflow allows in it."""
    return re.sub(r"[^\w./ -]", "_", name)
