"""The observer: shows a run in MLflow."""

import shlex
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from hashlib import blake2b
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

from pydantic import Field

from toonlab import Outcome, PartError, Run, ToonlabError, hookimpl, without_password

from . import store
from .address import default_address, is_server, resolve_address, runs_page
from .directory import read_experiment
from .run_sync import RunSync
from .study_sync import sync_study
from .values import SystemLoad

_SECONDS = 5.0  # between two sendings of logged steps, each of which takes tens of milliseconds


class MLflow:
    """Shows a run in MLflow: parameters, scalars, sample images, recipe, environment, weights.

    An MLflow run is named as the run is (`ctss-s0-1a2b3c4d`), has tags for recipe, seed and cell, its command as the
    source, and its data with a hash. Scalars are `train/…`, metrics of an evaluation `evaluation/…`, those of the final
    weights on the test split `test/…`, those of the unmodified photos `photo/…`; sample images stand in the image grid,
    the last weights under `weights/`. A study has a run of its own, above those of its cells: with the means over seeds
    as `variants/…`, the table as its note, the report, and a run for each trial of a search.

    Logged steps are sent every few seconds, evaluations at once, all from the run's directory. If MLflow is away, the
    run sends nothing more, and `toonlab sync RUN` completes it. A resumed run continues the same MLflow run, where
    each step has one value.

    Args:
        tracking_uri: where MLflow keeps its runs: a server (`http://…`) or a database (`sqlite:///…`,
            `postgresql://…`); by default `$MLFLOW_TRACKING_URI`, else SQLite in `mlflow.db` in the folder of all runs,
            with artifacts in `mlflow-artifacts`. The option `--tracking-uri` overrides it.
        experiment: MLflow's experiment; by default the run's.
        system_metrics: log the load of processor, memory, disk, network and GPU as `system/…`; needs psutil.
        patience: how long the run waits at most for one answer of MLflow, in seconds; it waits for no second one.

    Raises:
        PartError: if `tracking_uri` is not valid, or psutil is not installed.
    """

    def __init__(
        self,
        tracking_uri: str | None = None,
        experiment: str | None = None,
        system_metrics: bool = False,
        patience: Annotated[float, Field(ge=0)] = 20.0,
    ) -> None:
        self.given, self.tracking_uri, self.experiment = tracking_uri, resolve_address(tracking_uri), experiment
        self.system_metrics, self.patience = system_metrics, patience
        self._sending, self._sent_at = False, 0.0
        self._run_sync: RunSync  # set as soon as the store is open
        self._system: SystemLoad | None = None
        if system_metrics and find_spec("psutil") is None:
            raise PartError(
                "mlflow: system_metrics needs psutil: pip install psutil (and nvidia-ml-py for NVIDIA GPUs)"
            )

    @hookimpl
    def on_run_start(self, run: Run) -> None:
        store.load()
        self._sending = True
        self._send(run, lambda: self._open(run))

    @hookimpl
    def on_step_end(self, run: Run, step: int, scalars: Mapping[str, float] | None) -> None:
        if scalars is not None and time.monotonic() - self._sent_at >= _SECONDS:
            self._send(run, lambda: self._update(step))

    @hookimpl
    def on_evaluation_end(self, run: Run, step: int) -> None:
        self._send(run, lambda: self._update(step))

    @hookimpl
    def on_run_end(self, run: Run, outcome: Outcome) -> None:
        self._send(run, lambda: self._run_sync.finish(outcome))
        self._sending = False

    @hookimpl
    def on_report(self, run: Run, path: Path) -> None:
        study, sent = run.environment.get("study"), run.directory / ".mlflow-report"
        content = path.read_bytes() if path.is_file() else b""
        receipt = blake2b(self._uri(run).encode() + b"\0" + content, digest_size=16).hexdigest()
        if not study or (sent.is_file() and sent.read_bytes() == receipt.encode()):
            return  # the store has this very page; MLflow takes seconds to import
        with self._explained(run, f"the report is in {path}"):
            sync_study(self._store(run), run, path)
        sent.write_text(receipt, encoding="utf-8")

    @hookimpl
    def sync(self, run: Run, outcome: Outcome | None) -> str:
        with self._explained(run, f"nothing is lost, and `{self._sync_command(run)}` can be repeated"):
            run_sync = RunSync(self._store(run), run)
            run_sync.finish(outcome) if outcome else run_sync.update()
        report = run.directory.parent / "report.html"
        if report.is_file() and run.directory == max(path.parent for path in report.parent.glob("*/recipe.yaml")):
            self.on_report(run, report)  # the last of the study's runs that `toonlab sync` takes
        sent = ", ".join(f"{n} {kind if n > 1 else kind[:-1]}" for kind, n in run_sync.sent.items() if n)
        return f"{self._place(run)}: {f'sent {sent}' if sent else 'complete'}"

    @hookimpl
    def where_to_look(self, run: Run) -> str:
        uri = without_password(self._uri(run))
        experiment = read_experiment(run.directory, uri)
        page = runs_page(experiment, flat="study" in run.environment) if experiment else ""
        if is_server(uri):
            return f"MLflow:  {uri.rstrip('/')}{page}"
        command = f"mlflow ui --backend-store-uri {shlex.quote(uri)}"
        return f"MLflow:  {uri}\n         look at it with: {command}\n         at: http://127.0.0.1:5000{page}"

    @contextmanager
    def _explained(self, run: Run, hint: str) -> Iterator[None]:
        """Calls to MLflow outside of a training; a failure is one line.

        Raises:
            ToonlabError: with the reason and the hint.
        """
        store.load()
        try:
            with store.short_requests():
                yield
        except ToonlabError:
            raise
        except Exception as error:
            raise ToonlabError(f"{self._place(run)}: {store.reason(error, self._uri(run))}; {hint}") from error

    def _send(self, run: Run, send: Callable[[], object]) -> None:
        """Send while the run waits; after a failure, warn once and send nothing more."""
        if not self._sending:
            return
        try:
            store.call_within(self.patience, send)
        except Exception as error:
            self._sending, why = False, store.reason(error, self._uri(run))
            away = f"{self._place(run)} is away ({why}); `{self._sync_command(run)}` completes it"
            warnings.warn(str(error) if isinstance(error, ToonlabError) else away, RuntimeWarning, stacklevel=3)
        self._sent_at = time.monotonic()

    def _open(self, run: Run) -> None:
        self._run_sync = RunSync(self._store(run), run, running=True)
        if self.system_metrics:
            self._system = SystemLoad(self._run_sync.run_id, self._uri(run))

    def _update(self, step: int) -> None:
        self._run_sync.update()
        if self._system:
            self._run_sync.send_points(self._system.points(step))

    def _store(self, run: Run) -> store.Store:
        return store.Store(self._uri(run), self.experiment or run.experiment, run.root)

    def _uri(self, run: Run) -> str:
        return self.tracking_uri or default_address(run.root)

    def _place(self, run: Run) -> str:
        return f"MLflow at {without_password(self._uri(run))}"

    def _sync_command(self, run: Run) -> str:
        """The command that completes a run; an address that its recipe does not hold is given by the option."""
        recorded = [(part or {}).get("tracking_uri") for part in (run.recipe.get("observers") or {}).values()]
        elsewhere = self.given is not None and self.given not in recorded
        option = f" --tracking-uri {shlex.quote(without_password(str(self.given)))}" if elsewhere else ""
        return f"toonlab sync {shlex.quote(str(run.directory))}{option}"
