"""A study's cells in a storage, for workers on any number of machines."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from optuna.trial import FrozenTrial, TrialState

from toonlab.errors import ToonlabError
from toonlab.utils.text import without_password

from .executors.cell import Cell
from .executors.pool import Executor, Task
from .executors.process import RunProgress
from .executors.progress import StudyProgress
from .results.results import CellResult
from .storage import Storage, is_stale

RUN, LABEL, RESULT = "run", "label", "cell"  # attributes of a trial


class StorageQueue:
    """Hands out the cells that wait in a storage, and waits for those of other workers.

    The storage only hands out work: a run's directory, with its lock and its outcome, decides. Results of other workers
    come through the storage, so that directories need not be shared.

    Args:
        retry_failed: whether cells that have failed are run again; a worker that joins a study doesn't.

    Raises:
        ToonlabError: if a worker that joins would run other cells than the study's.
    """

    def __init__(self, storage: Storage, cells: Sequence[Cell], progress: StudyProgress, *, retry_failed: bool) -> None:
        self.storage, self.progress = storage, progress
        self.cells = {cell.run: cell for cell in cells}
        with storage.exclusive():
            trials = storage.trials()
            if not retry_failed:
                self._check_alike(trials)
            known = {trial.user_attrs.get(RUN) for trial in trials if _counts(trial, retry_failed=retry_failed)}
            for run, cell in self.cells.items():
                if run not in known:
                    storage.add({RUN: run, LABEL: cell.label})

    def _check_alike(self, trials: Sequence[FrozenTrial]) -> None:
        """A worker with other code, data or overrides would add cells that the study doesn't have."""
        known = {trial.user_attrs.get(RUN): trial.user_attrs.get(LABEL) for trial in trials}
        others = {label: run for run, label in known.items() if run not in self.cells}
        for run, cell in self.cells.items():
            if run not in known and (other := others.get(cell.label)):
                text = f"others work on {other}, which is {run} here: this worker's code, data or overrides differ"
                raise ToonlabError(f"--storage {without_password(self.storage.url)}: {text}; give it the same")

    def take(self) -> Task | None:
        """A cell that no worker has claimed; None when there is none now."""
        for trial in self.storage.trials(TrialState.WAITING):
            cell = self.cells.get(trial.user_attrs.get(RUN, ""))
            if cell and self.storage.claim(trial):
                return partial(self._run, trial, cell)
        return None

    def wait(self) -> bool:
        """Take over the results of other workers; whether there is any cell left to wait for."""
        self.storage.requeue_stale()
        trials = self.storage.trials()
        self.progress.merge([cell for trial in trials if (cell := result_of(trial)) and cell.run in self.cells])
        left = [t for t in trials if t.state in (TrialState.WAITING, TrialState.RUNNING)]
        return any(trial.user_attrs.get(RUN) in self.cells for trial in left)

    def _run(self, trial: FrozenTrial, cell: Cell, executor: Executor, device: str) -> None:
        result = executor.run_cell_when_free(cell, device, Heartbeat(self.storage, trial))
        if result is None or result.status == "stopped":  # by a signal: another worker continues it
            self.storage.release(trial)
        else:
            state = TrialState.COMPLETE if result.status == "finished" else TrialState.FAIL
            attributes = {RESULT: json.dumps(result.to_json(), default=str)}
            self.storage.finish(trial, state, self._value(result), attributes)
        if result:
            self.progress.end(result)

    def _value(self, result: CellResult) -> float | None:
        metrics = self.progress.results.metrics
        return result.values.get(metrics[0], 0.0) if metrics and result.status == "finished" else None


class Heartbeat:
    """Sends a trial's heartbeat while its cell runs; a `Watch` of the executor."""

    def __init__(self, storage: Storage, trial: FrozenTrial) -> None:
        self.storage, self.trial, self.last = storage, trial, time.monotonic()

    def __call__(self, _: RunProgress | None) -> str | None:
        if time.monotonic() - self.last > self.storage.stale_after / 6:
            self.storage.heartbeat(self.trial)
            self.last = time.monotonic()
        return None


def result_of(trial: FrozenTrial) -> CellResult | None:
    """The result that a worker has stored with a trial."""
    text = trial.user_attrs.get(RESULT)
    return replace(CellResult.from_json(json.loads(text)), reused=False) if text else None


def _counts(trial: FrozenTrial, *, retry_failed: bool) -> bool:
    return trial.state != TrialState.FAIL or not (retry_failed or is_stale(trial))
