"""The observer: what happens in a run, shown in MLflow."""

from __future__ import annotations

import shlex
import sys
import warnings
from pathlib import Path
from typing import Annotated

from pydantic import Field

from toonlab import Outcome, Run, ToonlabError, hookimpl
from toonlab.utils.text import without_password

from . import failure, store, system, uris
from .mirror import Mirror
from .parent import parent_of
from .sender import Sender


class MLflow:
    """Shows a run in MLflow: parameters, scalars, sample images, recipe, environment, weights.

    An MLflow run is named as the run is (`ctss-s0-1a2b3c4d`) and has tags for recipe, seed and cell. Scalars keep
    their names, metrics of an evaluation are `eval/…`, those of the untouched photos `photo/…`; sample images are
    artifacts under `samples/`, the last weights under `weights/`.

    All of it is read from the run's directory, by a thread that the run does not wait for. A store that is away for
    some time, or for the whole run, gets what it misses when it is back, or by `toonlab sync RUN`. A resumed run goes
    on in the same MLflow run, where no step is shown twice.

    Args:
        tracking_uri: where MLflow keeps its runs: a server (`http://…`) or a database (`sqlite:///…`,
            `postgresql://…`); by default `$MLFLOW_TRACKING_URI`, else SQLite in `mlflow.db` beside the runs,
            with artifacts in `mlflow-artifacts`. The option `--tracking-uri` overrides it.
        experiment: MLflow's experiment; by default the run's.
        system_metrics: log the load of processor, memory, disk, network and GPU as `system/…`; needs psutil.
        patience: how long the end of a run waits at most for what is not sent yet, in seconds.

    Raises:
        PartError: if `tracking_uri` is none, or psutil is not installed.
    """

    def __init__(
        self,
        tracking_uri: str | None = None,
        experiment: str | None = None,
        system_metrics: bool = False,
        patience: Annotated[float, Field(ge=0)] = 20.0,
    ) -> None:
        self.tracking_uri, self.experiment = uris.chosen(tracking_uri), experiment
        self.system_metrics, self.patience = system_metrics, patience
        self._sender: Sender | None = None
        if system_metrics:
            system.check()

    @hookimpl
    def on_run_start(self, run: Run) -> None:
        uri = self._uri(run)
        store.load(uri)
        if self.system_metrics:
            system.load()
        where = f"MLflow at {without_password(uri)}"
        self._sender = Sender(lambda: self._opened(run), lambda error: failure.reason(error, uri), where)

    @hookimpl
    def on_step_end(self) -> None:
        if self._sender and self._sender.news:
            _tell(self._sender)

    @hookimpl
    def on_evaluation_end(self) -> None:
        if self._sender:
            self._sender.wake()

    @hookimpl
    def on_checkpoint(self) -> None:
        if self._sender:
            self._sender.wake()

    @hookimpl
    def on_run_end(self, run: Run, outcome: Outcome) -> None:
        sender, self._sender = self._sender, None
        if sender is None:
            return
        if not sender.finish(outcome, self.patience):
            sender.news.clear()
            trouble = sender.trouble or f"not done within {self.patience:g} s"
            text = f"{sender.where} lacks a part of {run.name} ({trouble}); `{_sync(run)}` completes it"
            warnings.warn(text, RuntimeWarning, stacklevel=2)
        _tell(sender)

    @hookimpl
    def on_report(self, run: Run, path: Path) -> None:
        if study := run.environment.get("study"):
            uri = self._uri(run)
            store.load(uri)
            client, experiment = store.connect(uri, self.experiment or run.experiment, run.root)
            parent = parent_of(client, experiment, study)
            client.log_artifact(parent, str(path))
            client.set_terminated(parent)

    @hookimpl
    def sync(self, run: Run, outcome: Outcome | None) -> str:
        uri = self._uri(run)
        where = f"MLflow at {without_password(uri)}"
        store.load(uri)
        try:
            mirror = self._mirror(run)
            mirror.update()
            if outcome:
                mirror.finish(outcome)
        except ToonlabError:
            raise
        except Exception as error:
            text = f"{where}: {failure.reason(error, uri)}; nothing is lost, and `{_sync(run)}` can be repeated"
            raise ToonlabError(text) from error
        sent = ", ".join(f"{n} {kind if n > 1 else kind[:-1]}" for kind, n in mirror.sent.items() if n)
        return f"{where}: {f'sent {sent}' if sent else 'complete'}"

    @hookimpl
    def where_to_look(self, run: Run) -> str:
        uri = without_password(self._uri(run))
        if uris.is_server(uri):
            return f"MLflow:  {uri}"
        return f"MLflow:  {uri}\n         look at it with: mlflow ui --backend-store-uri {uri}"

    def _uri(self, run: Run) -> str:
        return self.tracking_uri or uris.default(run.root)

    def _mirror(self, run: Run) -> Mirror:
        client, experiment = store.connect(self._uri(run), self.experiment or run.experiment, run.root)
        return Mirror.open(client, experiment, run)

    def _opened(self, run: Run) -> Mirror:
        """The mirror of a run that is under way."""
        mirror = self._mirror(run)
        mirror.reopen()
        if self.system_metrics:
            mirror.system = system.SystemMetrics(mirror.run_id, self._uri(run))
        return mirror


def _tell(sender: Sender) -> None:
    """Pass on what the thread found, from the run's own thread."""
    while sender.news:
        news = sender.news.popleft()
        if news.bad:
            warnings.warn(news.text, RuntimeWarning, stacklevel=3)
        else:
            print(news.text, file=sys.stderr, flush=True)


def _sync(run: Run) -> str:
    """The command that completes a run; the recipe does not know what was given on the command line."""
    override = uris.override()
    option = f" --tracking-uri {shlex.quote(without_password(override))}" if override else ""
    return f"toonlab sync {shlex.quote(str(run.directory))}{option}"
