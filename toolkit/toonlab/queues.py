"""A study's cells in a storage, for workers on any number of machines."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from functools import partial

from optuna.trial import FrozenTrial, TrialState

from .board import Board
from .crew import Slot, Task, Unit
from .errors import BusyError
from .process import Progress
from .results import Cell
from .storage import ENDED, Storage

RUN, CELL = "run", "cell"  # attributes of a trial
_PAUSE = 2.0  # seconds between two looks at a directory that is locked


class Cells:
    """Hands out cells that wait in a storage, and waits for those that others work on.

    The storage only hands out work: a run's directory, with its lock and its outcome, decides. Cells of results that
    others have made come by the storage, so that directories need not be shared.

    Args:
        again: whether cells that have failed are to be tried again; whoever joins later does not ask for that.
    """

    def __init__(self, storage: Storage, tasks: Sequence[Task], board: Board, again: bool) -> None:
        self.storage, self.board = storage, board
        self.tasks = {task.cell.run: task for task in tasks}
        with storage.exclusive():
            known = {t.user_attrs.get(RUN) for t in storage.trials() if _counts(t, again)}
            for run, task in self.tasks.items():
                if run not in known:
                    storage.add({RUN: run, "label": task.cell.label})

    def take(self) -> Unit | None:
        """A cell that nobody works on; None when there is none just now."""
        for trial in self.storage.trials(TrialState.WAITING):
            task = self.tasks.get(trial.user_attrs.get(RUN, ""))
            if task and self.storage.claim(trial):
                return partial(self._work, trial=trial, task=task)
        return None

    def wait(self) -> bool:
        """Look at what others do; whether anything is left to wait for."""
        self.storage.mend()
        trials = self.storage.trials()
        self.board.learn([cell for trial in trials if (cell := ended(trial)) and cell.run in self.tasks])
        left = [t for t in trials if t.state in (TrialState.WAITING, TrialState.RUNNING)]
        return any(trial.user_attrs.get(RUN) in self.tasks for trial in left)

    def _work(self, slot: Slot, trial: FrozenTrial, task: Task) -> None:
        beat = Heartbeat(self.storage, trial)
        while True:
            with suppress(BusyError):  # by a worker that is believed dead: its outcome will be there, or its lock free
                cell = slot.run(task, beat)
                break
            if slot.crew.stopping:
                return
            beat(None)
            time.sleep(_PAUSE)
        if cell.status == "stopped":  # by a signal: for others to go on with
            self.storage.release(trial)
        else:
            state = TrialState.COMPLETE if cell.status == "finished" else TrialState.FAIL
            self.storage.finish(trial, state, self._value(cell), {CELL: json.dumps(asdict(cell), default=str)})
        self.board.end(cell)

    def _value(self, cell: Cell) -> float | None:
        metrics = self.board.results.metrics
        return cell.values.get(metrics[0], 0.0) if metrics and cell.status == "finished" else None


class Heartbeat:
    """Lets a trial's heart beat while its cell runs: a `Watch` of the crew."""

    def __init__(self, storage: Storage, trial: FrozenTrial) -> None:
        self.storage, self.trial, self.last = storage, trial, time.monotonic()

    def __call__(self, _: Progress | None) -> str | None:
        if time.monotonic() - self.last > self.storage.stale_after / 6:
            self.storage.beat(self.trial)
            self.last = time.monotonic()
        return None


def ended(trial: FrozenTrial) -> Cell | None:
    """The cell that somebody has worked on to its end."""
    text = trial.user_attrs.get(CELL)
    return replace(Cell.from_json(json.loads(text)), again=False) if text else None


def _counts(trial: FrozenTrial, again: bool) -> bool:
    return trial.state != TrialState.FAIL or (ENDED in trial.user_attrs and not again)
