"""An experiment in MLflow's store, and calls that do not keep a run waiting."""

from __future__ import annotations

import logging
import os
import shlex
import sqlite3
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import closing, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from pydantic import TypeAdapter
from typing_extensions import TypedDict

from toonlab import (
    Run,
    ToonlabError,
    driver_error,
    first_line,
    hide_password,
    open_database,
    printable,
    without_password,
)

from .address import default_address, is_server
from .values import milliseconds

if TYPE_CHECKING:
    from mlflow import MlflowClient

STUDY = "toonlab.study"  # the tag of a study's own run, under which MLflow shows those of its cells
PARENT = "mlflow.parentRunId"
_MADE = "toonlab.made"  # in nanoseconds since 1970, by the clock of the process that made a study's run
_KIND = ("mlflow.experimentKind", "custom_model_development")  # without it, MLflow shows the pages of chat programs
_ARTIFACTS = "mlflow-artifacts"
_LONGEST = 200  # characters of a reason
_ENVIRONMENT = {  # MLflow's client has no arguments for these
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",  # for a kept-alive connection that the server has closed
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "5",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}
_LEVELS = {"mlflow": logging.WARNING, "mlflow.store": logging.CRITICAL, "alembic": logging.WARNING}


def load() -> None:
    """Import mlflow without its telemetry, its log lines (tables created, tracebacks) and its deprecation warnings.

    Must be called before other threads import or processes fork: a process that is forked during an import in another
    thread would wait for that import forever. The filter of warnings is shared by all threads, too.
    """
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    warnings.filterwarnings("ignore", category=DeprecationWarning, module="mlflow|alembic|sqlalchemy")
    import mlflow.entities
    import mlflow.store.tracking.sqlalchemy_store
    import mlflow.tracking.request_header.registry  # noqa: F401

    for name, level in _LEVELS.items():
        logging.getLogger(name).setLevel(level)


@contextmanager
def short_requests() -> Iterator[None]:
    """Within, MLflow's client gives up early and prints no addresses; the user's own variables take precedence."""
    added = {name: value for name, value in _ENVIRONMENT.items() if name not in os.environ}
    os.environ.update(added)
    try:
        yield
    finally:
        for name in added:
            os.environ.pop(name, None)


def call_within(seconds: float, call: Callable[[], object]) -> None:
    """Call, and wait for at most so long: MLflow has no timeout for a frozen or locked database.

    Raises:
        TimeoutError: if the call takes longer; its thread then ends by itself.
        Exception: as the call does.
    """
    answer: Future[object] = Future()

    def attempt() -> None:
        try:
            with short_requests():
                result = call()
            answer.set_result(result)
        except Exception as error:
            answer.set_exception(error)

    threading.Thread(target=attempt, name="toonlab-mlflow", daemon=True).start()
    answer.result(seconds)


class Store:
    """An experiment of MLflow; it is created, with a database's tables, if it does not exist.

    The artifacts of a new experiment are kept in the folder of all runs, unless a server decides. Where that folder was
    moved together with its default store, the store is told of the new place.

    Raises:
        ToonlabError: if the experiment was deleted in MLflow, where its name stays occupied, the store is damaged, or
            the folder of the artifacts is gone, or has a name that MLflow can't hold.
    """

    def __init__(self, uri: str, experiment: str, root: Path) -> None:
        from mlflow import MlflowClient

        artifacts = None if is_server(uri) else _artifacts(root)

        def connect() -> tuple[MlflowClient, str]:
            if artifacts and uri == default_address(root):
                _rehome(root / "mlflow.db", artifacts)
            client = MlflowClient(uri)
            return client, _experiment(client, experiment, artifacts)

        remedy = f"`toonlab sync {shlex.quote(str(root))}` makes it again from the directories of the runs"
        self.address = without_password(uri)
        self.client, self.experiment_id = open_database(uri, "experiments", _make_tables, connect, remedy)

    def find(self, tag: str, value: str) -> list[Any]:
        """MLflow's runs with that tag, the earliest first."""
        quote = '"' if "'" in value else "'"
        condition = f"tags.`{tag}` = {quote}{value}{quote}"
        return list(self.client.search_runs([self.experiment_id], condition, order_by=["start_time", "run_id"]))

    def study_run(self, run: Run) -> str:
        """The id of the own run of a run's study, created if there is none; of two made at once, the later is deleted.

        It begins with the first run of the study that has a directory.
        """
        study = run.environment["study"]
        if found := self._made(study):
            return found[0]
        tags = {STUDY: study, _MADE: str(time.time_ns())}
        created = self.client.create_run(self.experiment_id, _study_began(run), tags, study).info.run_id
        first = self._made(study)[0]
        if first != created:
            self.client.delete_run(created)
        return first

    def _made(self, study: str) -> list[str]:
        """The ids of a study's own runs, the one that was made earliest first: they may begin at the same time."""
        return [
            one.info.run_id for one in sorted(self.find(STUDY, study), key=lambda one: one.data.tags.get(_MADE, ""))
        ]


class _Begun(TypedDict):
    study: str
    date: datetime


def _study_began(run: Run) -> int | None:
    """When the first run of a run's study began, by the directories of its runs, in milliseconds since 1970."""
    began = [milliseconds(run.environment)]
    for path in run.directory.parent.glob("*/environment.json"):
        with suppress(OSError, ValueError):
            found = TypeAdapter(_Begun).validate_json(path.read_bytes())
            began += [milliseconds({"date": str(found["date"])})] if found["study"] == run.environment["study"] else []
    return min(filter(None, began), default=None)


def reason(error: BaseException, uri: str) -> str:
    """`connection refused`, `connection lost`, `no answer in time`, …; else the first line of the error's text."""
    from requests.exceptions import ConnectionError as RequestFailed
    from requests.exceptions import Timeout

    causes = list(_causes(error))
    if any(isinstance(cause, Timeout | TimeoutError) for cause in causes):
        return "no answer in time"
    for cause in reversed(causes):
        if isinstance(cause, OSError) and cause.strerror:
            where = f": {cause.filename}" if cause.filename else ""
            return f"{cause.strerror[:1].lower()}{cause.strerror[1:]}{where}"
    if any(isinstance(cause, RequestFailed) for cause in causes):  # hung up during a request: no errno
        return "connection lost"
    line = first_line(driver_error(error) or error)
    text = hide_password(line, uri)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _make_tables(uri: str) -> Any:
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    return SqlAlchemyStore(uri, _ARTIFACTS).engine  # type: ignore[no-untyped-call]


def _artifacts(root: Path) -> str:
    try:
        str(root.resolve()).encode()
    except UnicodeEncodeError as error:  # MLflow would write into another folder
        text = "its path is not UTF-8, which MLflow needs; rename it, or give a server by --tracking-uri"
        raise ToonlabError(f"mlflow: {printable(root)}: {text}") from error
    return (root / _ARTIFACTS).resolve().as_uri()


def _rehome(database: Path, artifacts: str) -> None:
    """Replace the place of the artifacts where the folder of all runs has been moved: MLflow holds full addresses."""
    with closing(sqlite3.connect(database)) as connection, connection:
        found = connection.execute("SELECT DISTINCT artifact_location FROM experiments").fetchall()
        for (old,) in found:
            if old.endswith(f"/{_ARTIFACTS}") and old != artifacts:
                for column, table in (("artifact_location", "experiments"), ("artifact_uri", "runs")):
                    connection.execute(
                        f"UPDATE {table} SET {column} = ? || substr({column}, ?) "
                        f"WHERE substr({column} || '/', 1, ?) = ?",
                        (artifacts, len(old) + 1, len(old) + 1, f"{old}/"),
                    )


def _experiment(client: MlflowClient, name: str, artifacts: str | None) -> str:
    from mlflow.exceptions import MlflowException

    experiment = client.get_experiment_by_name(name)
    if experiment is None:
        try:
            return client.create_experiment(name, artifacts, dict([_KIND]))
        except MlflowException:  # another process was faster
            experiment = client.get_experiment_by_name(name)
            if experiment is None:
                raise
    if experiment.lifecycle_stage != "active":
        raise ToonlabError(
            f"MLflow experiment {name!r} is deleted; bring it back by `mlflow experiments restore -x "
            f"{experiment.experiment_id}`, or choose another name by observers.mlflow.experiment"
        )
    _check_artifacts(experiment.artifact_location, name)
    if _KIND[0] not in experiment.tags:  # made by an earlier version, or by hand
        client.set_experiment_tag(experiment.experiment_id, *_KIND)
    return experiment.experiment_id


def _check_artifacts(location: str, experiment: str) -> None:
    """Refuse to make a folder of runs again at the place from which it was moved."""
    root = Path(url2pathname(urlsplit(location).path)).parent
    if location.startswith("file:") and location.endswith(f"/{_ARTIFACTS}") and not root.is_dir():
        raise ToonlabError(
            f"MLflow experiment {experiment!r} keeps its artifacts in {root}, which is not there: if that folder of "
            "runs was moved, move it back or link to it, or choose another name by observers.mlflow.experiment"
        )
