"""The driver of a study: gives its cells to an executor, and collects their results as they end."""

from __future__ import annotations

import math
import signal
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, wait
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from filelock import FileLock, Timeout

from toonlab.errors import BusyError, ToonlabError
from toonlab.registry.executors import Executor, Slot
from toonlab.runs.directory import write_atomically
from toonlab.studies.results.results import CellResult
from toonlab.utils.signals import Interrupted, Signals

from .cell import Cell
from .cell_task import TaskResult, run_cell, unpack
from .display import Display
from .process import ProcessOptions, RunProgress
from .progress import StudyProgress

_PAUSE = 0.5  # seconds between two looks at signals and slots


class CellList:
    """Cells to run, in their order; the driver calls it from one thread. A search adds to them as others end."""

    def __init__(self, cells: Sequence[Cell], progress: StudyProgress) -> None:
        self._left, self.progress = list(cells), progress

    @property
    def waiting(self) -> bool:
        """Whether there are cells to take, or may be when others have ended."""
        return bool(self._left)

    def take(self, free: int) -> Sequence[Cell]:
        """The next cells, at most as many as there are free slots; none if there is nothing to do now."""
        taken, self._left = self._left[:free], self._left[free:]
        return taken

    def report(self, cell: Cell, progress: RunProgress) -> str | None:
        """A running cell has got further; a reason to stop it, or None."""
        return None

    def end(self, cell: Cell, result: CellResult) -> None:
        """A cell has ended."""
        self.progress.end(result)


def locked(directory: Path) -> AbstractContextManager[Any]:
    """Keep other processes from running the study of a directory within the block; blocks may be nested.

    Raises:
        BusyError: if another process runs it.
    """
    try:
        return FileLock(directory / ".driver.lock", is_singleton=True).acquire(timeout=0)
    except Timeout as error:
        raise BusyError(f"{directory}: another process runs this study; wait for it, or stop it") from error


def vanished(directory: Path) -> str:
    """What is said of a study whose directory has vanished."""
    return f"{directory}: vanished while the study ran; was it deleted or moved? The same command begins again"


@dataclass
class _Task:
    cell: Cell
    future: Future[TaskResult]
    alone: bool  # no other may run at the same time
    shared: bool = False  # others have run at the same time
    stopped: bool = False


class Driver:
    """Keeps the slots of an executor busy with a list's cells.

    A cell that runs out of memory while others run is tried once more when it is the only one.

    Args:
        executor: connected.
        progress: of the study, for the display.
        options: of the cells' processes.
        on_slots: called with the slots before the first cell begins, and whenever there are more.
        at_once: cells at a time, if fewer than there are slots.
    """

    def __init__(
        self,
        executor: Executor,
        progress: StudyProgress,
        options: ProcessOptions,
        on_slots: Callable[[Sequence[Slot]], None] = lambda _: None,
        at_once: float = math.inf,
    ) -> None:
        self.executor, self.progress, self.options = executor, progress, options
        self.on_slots, self.at_once = on_slots, at_once
        self._signals = Signals()
        self._running: dict[str, _Task] = {}
        self._alone: list[Cell] = []
        self._messages: SimpleQueue[tuple[str, RunProgress]] = SimpleQueue()
        self._count = self._most = 0  # cells begun; slots at once

    @property
    def stopping(self) -> str | None:
        """Why everything is to stop."""
        number = self._signals.asked
        return None if number is None else f"signal {signal.Signals(number).name}"

    @property
    def lost(self) -> str | None:
        """That the study's directory has vanished, since all began."""
        return None if self.options.token_file.is_file() else vanished(self.options.directory)

    def run(self, source: CellList, display: Display) -> None:
        """Run all cells.

        Raises:
            BusyError: if another process runs the study.
            Interrupted: after SIGINT or SIGTERM, when the running cells have saved and stopped.
        """
        with locked(self.options.directory), self._signals, display:
            write_atomically(self.options.token_file, self.options.token)
            try:
                while self._running or (not self.stopping and (source.waiting or self._alone)):
                    self._check_directory()
                    self._submit(source)
                    wait([task.future for task in self._running.values()], _PAUSE, FIRST_COMPLETED)
                    if not self._running:
                        time.sleep(_PAUSE)
                    self._collect(source)
                    display.draw(self.progress)
            except BaseException as error:
                self._stop_all(self.stopping or type(error).__name__)
                if isinstance(error, ToonlabError):  # of a storage that was waited for, until the signal
                    self._raise_if_stopped(str(error))
                self._check_directory()
                raise
            display.draw(self.progress)
        self._raise_if_stopped("the same command continues from there")

    def _raise_if_stopped(self, text: str) -> None:
        if self._signals.asked is not None:
            name = signal.Signals(self._signals.asked).name
            raise Interrupted(self._signals.asked, f"stopped by {name}; {text}")

    def _check_directory(self) -> None:
        if self.lost:
            raise ToonlabError(self.lost)

    # -- one turn

    def _submit(self, source: CellList) -> None:
        """Fill the free slots, or stop everything after a signal."""
        slots = self.executor.slots
        if len(slots) > self._most:
            self._most = len(slots)
            self.on_slots(slots)
        free = int(min(len(slots), self.at_once)) - len(self._running)
        if self.stopping:
            self._stop_all(self.stopping)
        elif free > 0 and not any(task.alone for task in self._running.values()):
            shared = len(slots) > len(set(slots))  # of equal slots, each has a part of a device
            for cell in source.take(free):
                self._start(cell, replace(self.options, check_memory=shared))
            if not self._running and self._alone:
                self._start(self._alone.pop(0), self.options, alone=True)

    def _start(self, cell: Cell, options: ProcessOptions, *, alone: bool = False) -> None:
        self.progress.begin(cell.waiting)

        def on_message(message: RunProgress) -> None:
            self._messages.put((cell.run, message))

        self._count += 1
        future = self.executor.submit(
            run_cell, cell, options, key=self._key(cell), priority=-self._count, on_message=on_message
        )
        self._running[cell.run] = _Task(cell, future, alone)
        if len(self._running) > 1:
            for task in self._running.values():
                task.shared = True

    def _collect(self, source: CellList) -> None:
        """Relay what running cells have reported, and the results of those that have ended."""
        ended = [task for task in self._running.values() if task.future.done()]  # first: their reports are all here
        self._relay(source)
        for task in ended:
            del self._running[task.cell.run]
            result = self._result_of(task)
            if result.out_of_memory and task.shared:
                self.progress.notify(f"{task.cell.label}: out of memory; it is tried once more, alone")
                self.progress.remove(task.cell.run)
                self._alone.append(task.cell)
            else:
                source.end(task.cell, result.cell)

    def _relay(self, source: CellList) -> None:
        while not self._messages.empty():
            run, report = self._messages.get()
            task = self._running.get(run)
            if task is None or task.stopped:
                continue
            self.progress.update(run, report)
            if reason := source.report(task.cell, report):
                self._stop(task, reason)

    def _result_of(self, task: _Task) -> TaskResult:
        try:
            result = task.future.result()
        except CancelledError:
            return TaskResult(replace(task.cell.waiting, status="stopped", reason=self.stopping or "cancelled"))
        except ToonlabError as error:
            return TaskResult(replace(task.cell.waiting, status="failed", reason=str(error)))
        if result.files:
            unpack(result.files, self.options.directory / task.cell.run)
        return result

    # -- stopping

    def _stop_all(self, reason: str) -> None:
        for task in self._running.values():
            self._stop(task, reason)

    def _stop(self, task: _Task, reason: str) -> None:
        if not task.stopped:
            task.stopped = True
            self.executor.stop(self._key(task.cell), reason)

    def _key(self, cell: Cell) -> str:
        return f"{self.options.directory.name}/{cell.run}"
