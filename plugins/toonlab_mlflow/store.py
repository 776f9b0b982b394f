"""MLflow's store: found, opened quietly, and by one process at a time."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock

from toonlab import ToonlabError

if TYPE_CHECKING:
    from mlflow import MlflowClient

_ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",  # by default a lost server would hold up the run for four minutes
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}


def default_uri(root: Path) -> str:
    """SQLite beside the runs."""
    return f"sqlite:///{(root / 'mlflow.db').resolve().as_posix()}"


def artifacts(uri: str, root: Path) -> str | None:
    """Where a new experiment keeps its artifacts: beside the runs, unless a server decides."""
    return None if uri.startswith("http") else (root / "mlflow-artifacts").resolve().as_uri()


def exclusive(uri: str) -> AbstractContextManager[object]:
    """A lock for a SQLite store: two processes that make its tables, or an experiment, at once would collide."""
    if not uri.startswith("sqlite:///"):
        return nullcontext()
    database = Path(uri.removeprefix("sqlite:///"))
    database.parent.mkdir(parents=True, exist_ok=True)
    return FileLock(f"{database}.lock")


def connect(uri: str) -> MlflowClient:
    """Open the store, and make its tables if it has none."""
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    from mlflow import MlflowClient

    with _quiet():
        return MlflowClient(uri)


def experiment_id(client: MlflowClient, name: str, artifacts: str | None) -> str:
    """The experiment of that name, made if there is none.

    Raises:
        ToonlabError: if it was deleted in MLflow, which keeps the name occupied.
    """
    from mlflow.exceptions import MlflowException

    experiment = client.get_experiment_by_name(name)
    if experiment is None:
        try:
            return client.create_experiment(name, artifact_location=artifacts)
        except MlflowException:  # another process was faster
            experiment = client.get_experiment_by_name(name)
            if experiment is None:
                raise
    if experiment.lifecycle_stage != "active":
        raise ToonlabError(
            f"MLflow experiment {name!r} is deleted; bring it back by `mlflow experiments restore -x "
            f"{experiment.experiment_id}`, or choose another name by observers.mlflow.experiment"
        )
    return experiment.experiment_id


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the log lines of table creation, and the deprecations that concern MLflow's authors."""
    loggers = [logging.getLogger(name) for name in ("mlflow", "alembic")]
    levels = [logger.level for logger in loggers]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        for logger in loggers:
            logger.setLevel(logging.WARNING)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)
