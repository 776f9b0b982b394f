"""The observer: what happens in a run, told to MLflow."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from toonlab import Outcome, Run, hookimpl

from . import store
from .link import without_password
from .tracked import TrackedRun

_STATUS = {"finished": "FINISHED", "failed": "FAILED", "stopped": "KILLED"}


class MLflow:
    """Shows a run in MLflow: parameters, scalars, sample images, recipe and environment.

    An MLflow run is named as the run is (`ctss-s0-1a2b3c4d`). Scalars keep their names, metrics of an evaluation
    are `eval/…`, those of the untouched photos `photo/…`, sample images are artifacts under `samples/`.
    `mlflow.json` in the run's directory says which MLflow run it is, so that a resumed run goes on in the same one.

    Args:
        tracking_uri: where MLflow keeps its runs: a server (`http://…`) or a database (`sqlite:///…`,
            `postgresql://…`); by default `$MLFLOW_TRACKING_URI`, else SQLite in `mlflow.db` beside the runs,
            with artifacts in `mlflow-artifacts`.
        experiment: MLflow's experiment; by default the run's.
    """

    def __init__(self, tracking_uri: str | None = None, experiment: str | None = None) -> None:
        self.tracking_uri, self.experiment = tracking_uri, experiment
        self._tracked: TrackedRun | None = None

    @hookimpl
    def on_run_start(self, run: Run) -> None:
        uri = self._uri(run)
        with store.exclusive(uri):
            client = store.connect(uri)
            experiment = store.experiment_id(client, self.experiment or run.experiment, store.artifacts(uri, run.root))
        self._tracked = TrackedRun.open(client, uri, experiment, run)
        for name in ("recipe.yaml", "environment.json"):
            self._tracked.add_artifact(run.directory / name)

    @hookimpl
    def on_step_end(self, step: int, scalars: Mapping[str, float] | None) -> None:
        if self._tracked:
            self._tracked.add_metrics(scalars or {}, step)
            self._tracked.flush_if_due()

    @hookimpl
    def on_evaluation_end(self, run: Run, step: int, metrics: Mapping[str, float], images: Mapping[str, Path]) -> None:
        if self._tracked:
            self._tracked.add_metrics({f"eval/{name}": value for name, value in metrics.items()}, step)
            self._tracked.flush()
            for path in images.values():
                self._tracked.add_artifact(path, "samples")

    @hookimpl
    def on_checkpoint(self) -> None:
        if self._tracked:
            self._tracked.flush()

    @hookimpl
    def on_run_end(self, outcome: Outcome) -> None:
        if self._tracked:
            self._tracked.add_metrics({f"photo/{name}": value for name, value in outcome.photo.items()}, outcome.step)
            self._tracked.close(_STATUS[outcome.status], outcome.reason)
            self._tracked = None

    @hookimpl
    def where_to_look(self, run: Run) -> str:
        uri = without_password(self._uri(run))
        if uri.startswith(("http://", "https://")):
            return f"MLflow:  {uri}"
        return f"MLflow:  {uri}\n         look at it with: mlflow ui --backend-store-uri {uri}"

    def _uri(self, run: Run) -> str:
        return self.tracking_uri or os.environ.get("MLFLOW_TRACKING_URI") or store.default_uri(run.root)
