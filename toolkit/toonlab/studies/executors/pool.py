"""Executes the tasks of a queue, on each device one at a time."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

from toonlab.errors import BusyError
from toonlab.runs.directory import read_outcome
from toonlab.studies.results.results import CellResult
from toonlab.utils.signals import Interrupted, Signals

from .cell import Cell
from .display import Display
from .options import threads_of
from .process import CellProcess, Failed, ProcessOptions, RunProgress
from .progress import StudyProgress

_PAUSE = 0.5  # seconds between two looks at a process
_RETRY = 2.0  # seconds between two looks for work that others may leave
Watch = Callable[[RunProgress | None], str | None]
Task = Callable[["Executor", str], None]  # work for an executor's device


class TaskQueue(Protocol):
    """A source of work; used by several threads."""

    def take(self) -> Task | None:
        """The next task, or None when there is none now."""

    def wait(self) -> bool:
        """Whether to ask again in a while: other workers may leave something."""


class LocalQueue:
    """Cells in their order, for this process alone."""

    def __init__(self, cells: Sequence[Cell]) -> None:
        self._left = iter(cells)
        self._lock = threading.Lock()

    def take(self) -> Task | None:
        with self._lock:
            cell = next(self._left, None)
        return partial(_run, cell) if cell else None

    def wait(self) -> bool:
        return False


def _run(cell: Cell, executor: Executor, device: str) -> None:
    try:
        executor.progress.end(executor.run_cell(cell, device))
    except BusyError as error:
        executor.progress.fail(cell.result(executor.directory), str(error))


@dataclass(frozen=True)
class StopRequest:
    """Why a run was asked to stop; `failed`: its cell counts as failed."""

    reason: str
    failed: bool = False


class Executor:
    """Takes tasks from a queue and gives each to a free device, until there are none left.

    Args:
        progress: of the study; the cells' run directories lie in that of its results.
        devices: one for each cell at a time.
        time_limit: seconds that a cell may take.
        threads: torch's in each process, on a CPU; by default those that the devices have in common are shared.
        group: the study that the runs are part of, for trackers; the directory's name if not given.
        tracking_uri: where trackers keep the runs, instead of the recipes' own.
    """

    def __init__(
        self,
        progress: StudyProgress,
        devices: Sequence[str],
        *,
        time_limit: float | None = None,
        threads: int | None = None,
        group: str | None = None,
        tracking_uri: str | None = None,
    ) -> None:
        self.progress, self.devices, self.time_limit = progress, list(devices), time_limit
        self.directory = progress.results.directory
        threads, group = threads or threads_of(devices), group or self.directory.name
        self._options = ProcessOptions(self.directory, threads, progress.results.command, group, tracking_uri)
        self._signals = Signals()
        self._error: str | None = None

    @property
    def stopping(self) -> str | None:
        """Why everything is to stop; known as soon as a signal comes, since a terminal sends it to the runs as well."""
        if self._signals.asked is not None:
            return f"signal {signal.Signals(self._signals.asked).name}"
        return self._error

    # -- one cell

    def run_cell(self, cell: Cell, device: str, watch: Watch = lambda _: None) -> CellResult:
        """Run a cell to its end. The caller puts its result into the study's progress.

        Args:
            watch: called about twice a second, and with every report of the run; returns a reason to stop it, or None.

        Raises:
            BusyError: if another process trains in the run's directory.
        """
        before = cell.result(self.directory)
        if before.status == "finished":
            return before
        self.progress.begin(before)
        process = CellProcess(cell, device, self._options)
        stop = self._follow(process, cell, watch)
        failed = process.end()
        if failed and failed.busy:
            raise BusyError(failed.reason)
        return self._result(before, failed, process, stop)

    def run_cell_when_free(self, cell: Cell, device: str, watch: Watch) -> CellResult | None:
        """The same, once no other process trains in the run's directory; None if everything was stopped meanwhile."""
        while not self.stopping:
            with suppress(BusyError):
                return self.run_cell(cell, device, watch)
            watch(None)
            time.sleep(_RETRY)
        return None

    def _follow(self, process: CellProcess, cell: Cell, watch: Watch) -> StopRequest | None:
        """Relay a process's reports until it has ended; the request to stop, if there was one."""
        stop, began = None, time.monotonic()
        while process.running:
            reports: list[RunProgress | None] = [*process.reports(_PAUSE), None]
            for report in reports:
                if report:
                    self.progress.update(cell.run, report)
                if not stop and (reason := watch(report) or self.stopping):
                    stop = StopRequest(reason)
            if self.time_limit and not stop and time.monotonic() - began > self.time_limit:
                text = f"out of time: it took longer than the time_limit of {self.time_limit:g} s"
                stop = StopRequest(text, failed=True)
            if stop:
                process.stop(stop.reason)
        return stop

    def _result(
        self, cell: CellResult, failed: Failed | None, process: CellProcess, stop: StopRequest | None
    ) -> CellResult:
        directory = self.directory / cell.run
        outcome = read_outcome(directory) if directory.is_dir() else None
        if outcome and outcome.status == "finished":
            return replace(cell, status="finished", outcome=outcome.to_json())
        if self.stopping:
            return replace(cell, status="stopped", reason=self.stopping)
        if stop and not stop.failed:
            return replace(cell, status="stopped", reason=stop.reason, outcome=outcome.to_json() if outcome else None)
        cause = stop or failed or outcome
        reason = (cause and cause.reason) or "its process ended without an outcome"
        return replace(cell, status="failed", reason=reason, log=process.last_lines())

    # -- all of them

    def run(self, queue: TaskQueue, display: Display) -> None:
        """Do all the work of a queue.

        Raises:
            Interrupted: after SIGINT or SIGTERM, when the running cells have saved and stopped.
        """
        with self._signals, display, ThreadPoolExecutor(len(self.devices)) as pool:
            threads = [pool.submit(self._take_tasks, queue, device) for device in self.devices]
            try:
                self._attend(threads, display)
            except BaseException as error:
                self._error = type(error).__name__
                raise
        for thread in threads:
            thread.result()
        if (number := self._signals.asked) is not None:
            name = signal.Signals(number).name
            raise Interrupted(number, f"stopped by {name}; the same command continues from there")

    def _attend(self, threads: Sequence[Future[None]], display: Display) -> None:
        while True:
            _, pending = wait(threads, _PAUSE)
            if any(thread.done() and thread.exception() for thread in threads):
                self._error = "the execution of another cell has failed"
            display.draw(self.progress)
            if not pending:
                return

    def _take_tasks(self, queue: TaskQueue, device: str) -> None:
        while not self.stopping:
            if (task := queue.take()) is not None:
                task(self, device)
            elif queue.wait():
                time.sleep(_RETRY)
            else:
                return
