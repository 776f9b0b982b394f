"""MLflow's store: opened quietly, with short timeouts, and by one process at a time."""

from __future__ import annotations

import logging
import os
import warnings
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock

from toonlab import ToonlabError

from . import uris

if TYPE_CHECKING:
    from mlflow import MlflowClient

_ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",  # whoever calls tries again, and knows better when
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}
_SPEAKERS = {  # what fails raises, too, and whoever calls says so in a line
    "mlflow": logging.WARNING,
    "mlflow.store": logging.CRITICAL,
    "mlflow.system_metrics": logging.CRITICAL,
    "alembic": logging.WARNING,
}


def load(uri: str) -> None:
    """Import what the store needs, without its log lines (tables made, tracebacks) and its authors' deprecations.

    To be called where no other thread imports: a data worker that is forked in the middle of an import would wait for
    it for ever. That also goes for the filter of warnings, which belongs to all threads.
    """
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    warnings.filterwarnings("ignore", category=DeprecationWarning, module="mlflow|alembic|sqlalchemy")
    import mlflow.entities
    import mlflow.tracking.request_header.registry

    if not uris.is_server(uri):
        import mlflow.store.tracking.sqlalchemy_store  # noqa: F401
    for name, level in _SPEAKERS.items():
        logging.getLogger(name).setLevel(level)


def connect(uri: str, experiment: str, root: Path) -> tuple[MlflowClient, str]:
    """Open the store, with its tables made if it has none; and the id of the experiment, made if there is none.

    A new experiment keeps its artifacts beside the runs, unless a server decides.

    Raises:
        ToonlabError: if the experiment was deleted in MLflow, which keeps the name occupied.
    """
    from mlflow import MlflowClient

    artifacts = None if uris.is_server(uri) else (root / "mlflow-artifacts").resolve().as_uri()
    with _exclusive(uri):
        client = MlflowClient(uri)
        return client, _experiment(client, experiment, artifacts)


def _exclusive(uri: str) -> AbstractContextManager[object]:
    """A lock for a SQLite store: two processes that make its tables, or an experiment, at once would collide."""
    if not uri.startswith("sqlite:///"):
        return nullcontext()
    database = Path(uri.removeprefix("sqlite:///"))
    database.parent.mkdir(parents=True, exist_ok=True)
    return FileLock(f"{database}.lock")


def _experiment(client: MlflowClient, name: str, artifacts: str | None) -> str:
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
