"""A study's cells in a storage, for workers on any number of machines."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import partial

from optuna.trial import FrozenTrial, TrialState

from toonlab.errors import ToonlabError
from toonlab.utils.text import without_password

from .executors.pool import Slot, Cell, Unit
from .executors.process import Progress
from .executors.progress import StudyProgress
from .results.results import CellResult
from .storage import Storage, lost

RUN, LABEL, CELL = "run", "label", "cell"  # attributes of a trial


class Cells:
    """Hands out cells that wait in a storage, and waits for those that others work on.

    The storage only hands out work: a run's directory, with its lock and its outcome, decides. Cells of results that
    others have made come by the storage, so that directories need not be shared.

    Args:
        again: whether cells that have failed are to be tried again; whoever joins later does not ask for that.

    Raises:
        ToonlabError: if somebody who joins would do other work than is asked for there.
    """

    def __init__(self, storage: Storage, tasks: Sequence[Cell], board: StudyProgress, again: bool) -> None:
        self.storage, self.board = storage, board
        self.tasks = {task.cell.run: task for task in tasks}
        with storage.exclusive():
            trials = storage.trials()
            if not again:
                self._check_alike(trials)
            known = {trial.user_attrs.get(RUN) for trial in trials if _counts(trial, again)}
            for run, task in self.tasks.items():
                if run not in known:
                    storage.add({RUN: run, LABEL: task.cell.label})

    def _check_alike(self, trials: Sequence[FrozenTrial]) -> None:
        """A worker with other code, data or overrides would make cells of its own beside those that are asked for."""
        asked = {trial.user_attrs.get(RUN): trial.user_attrs.get(LABEL) for trial in trials}
        others = {label: run for run, label in asked.items() if run not in self.tasks}
        for run, task in self.tasks.items():
            if run not in asked and (other := others.get(task.cell.label)):
                text = f"others work on {other}, which is {run} here: this worker's code, data or overrides differ"
                raise ToonlabError(f"--storage {without_password(self.storage.url)}: {text}; give it the same")

    def take(self) -> Unit | None:
        """A cell that nobody works on; None when there is none just now."""
        for trial in self.storage.trials(TrialState.WAITING):
            task = self.tasks.get(trial.user_attrs.get(RUN, ""))
            if task and self.storage.claim(trial):
                return partial(self._work, trial=trial, task=task)
        return None

    def wait(self) -> bool:
        """Look at what others do; whether anything is left to wait for."""
        self.storage.requeue_stale()
        trials = self.storage.trials()
        self.board.learn([cell for trial in trials if (cell := ended(trial)) and cell.run in self.tasks])
        left = [t for t in trials if t.state in (TrialState.WAITING, TrialState.RUNNING)]
        return any(trial.user_attrs.get(RUN) in self.tasks for trial in left)

    def _work(self, slot: Slot, trial: FrozenTrial, task: Cell) -> None:
        cell = slot.run_when_free(task, Heartbeat(self.storage, trial))
        if cell is None or cell.status == "stopped":  # by a signal: for others to go on with
            self.storage.release(trial)
        else:
            state = TrialState.COMPLETE if cell.status == "finished" else TrialState.FAIL
            self.storage.finish(trial, state, self._value(cell), {CELL: json.dumps(asdict(cell), default=str)})
        if cell:
            self.board.end(cell)

    def _value(self, cell: CellResult) -> float | None:
        metrics = self.board.results.metrics
        return cell.values.get(metrics[0], 0.0) if metrics and cell.status == "finished" else None


class Heartbeat:
    """Lets a trial's heart beat while its cell runs: a `Watch` of the crew."""

    def __init__(self, storage: Storage, trial: FrozenTrial) -> None:
        self.storage, self.trial, self.last = storage, trial, time.monotonic()

    def __call__(self, _: Progress | None) -> str | None:
        if time.monotonic() - self.last > self.storage.stale_after / 6:
            self.storage.heartbeat(self.trial)
            self.last = time.monotonic()
        return None


def ended(trial: FrozenTrial) -> CellResult | None:
    """The cell that somebody has worked on to its end."""
    text = trial.user_attrs.get(CELL)
    return replace(CellResult.from_json(json.loads(text)), again=False) if text else None


def _counts(trial: FrozenTrial, again: bool) -> bool:
    return trial.state != TrialState.FAIL or not (again or lost(trial))
