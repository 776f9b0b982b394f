"""Slots in which the cells of a study run, as many at once as there are devices for."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import torch

from toonlab.errors import BusyError, ToonlabError
from toonlab.recipes.spec import Recipe
from toonlab.runs.directory import read_outcome
from toonlab.studies.results.results import Cell
from toonlab.utils.distributed import pick_device
from toonlab.utils.signals import Interrupted, Signals

from .display import View
from .process import Failed, Job, Progress, RunProcess
from .progress import Board

_PAUSE = 0.5  # seconds between two looks
_LOOK = 2.0  # seconds between two looks for work that others may leave
Watch = Callable[[Progress | None], str | None]
Unit = Callable[["Slot"], None]


class Work(Protocol):
    """Where units of work come from; asked by several threads."""

    def take(self) -> Unit | None:
        """The next unit, or None when there is none just now."""

    def wait(self) -> bool:
        """Whether to look again in a while: others may leave something."""


@dataclass(frozen=True)
class Task:
    """A cell, with the recipe that its process trains, and the run's identity."""

    cell: Cell
    recipe: Recipe
    what: Mapping[str, Any]


@dataclass(frozen=True)
class Asked:
    """Why a run was asked to stop; `failed`: which is its own fault."""

    reason: str
    failed: bool = False


@dataclass(frozen=True)
class Slot:
    """Where one cell runs at a time."""

    crew: Crew
    device: str

    def run(self, task: Task, watch: Watch = lambda _: None) -> Cell:
        """Run a cell to its end; it is on the board while it runs, but whoever calls puts its end there.

        Args:
            watch: called about twice a second, and with every report of the run; a reason to stop it, or None.

        Raises:
            BusyError: if another process trains in the run's directory.
        """
        crew = self.crew
        if before := finished(task.cell, crew.directory):
            return before
        crew.board.begin(task.cell)
        log = crew.directory / "logs" / f"{task.cell.run}.log"
        study, root = crew.directory.name, crew.directory.parent
        process = RunProcess(
            Job(
                task.recipe,
                task.what,
                root,
                study,
                self.device,
                log,
                crew.threads,
                crew.command,
                crew.group,
                crew.tracking_uri,
            )
        )
        asked = self._follow(process, task, watch)
        failed = process.end()
        if failed and failed.busy:
            raise BusyError(failed.reason)
        return self._ended(task.cell, failed, process, asked)

    def run_when_free(self, task: Task, watch: Watch) -> Cell | None:
        """The same, after whoever trains in the run's directory: a worker that is believed dead, say.

        Returns:
            The cell; None if everything was stopped meanwhile.
        """
        while not self.crew.stopping:
            with suppress(BusyError):
                return self.run(task, watch)
            watch(None)
            time.sleep(_LOOK)
        return None

    def _follow(self, process: RunProcess, task: Task, watch: Watch) -> Asked | None:
        """Until the process has ended; why it was asked to stop, if it was."""
        asked, began, limit = None, time.monotonic(), self.crew.time_limit
        while process.running:
            reports: list[Progress | None] = [*process.news(_PAUSE), None]
            for progress in reports:
                if progress:
                    self.crew.board.progress(task.cell, progress)
                if not asked and (reason := watch(progress) or self.crew.stopping):
                    asked = Asked(reason)
            if limit and not asked and time.monotonic() - began > limit:
                asked = Asked(f"out of time: it took longer than the time_limit of {limit:g} s", failed=True)
            if asked:
                process.stop(asked.reason)
        return asked

    def _ended(self, cell: Cell, failed: Failed | None, process: RunProcess, asked: Asked | None) -> Cell:
        directory = self.crew.directory / cell.run
        outcome = read_outcome(directory) if directory.is_dir() else None
        if outcome and outcome.status == "finished":
            return replace(cell, status="finished", outcome=outcome.to_json())
        if self.crew.stopping:
            return replace(cell, status="stopped", reason=self.crew.stopping)
        if asked and not asked.failed:
            return replace(cell, status="stopped", reason=asked.reason, outcome=outcome.to_json() if outcome else None)
        told = asked or failed or outcome
        reason = (told and told.reason) or "its process ended without an outcome"
        return replace(cell, status="failed", reason=reason, log=process.last_lines())


def finished(cell: Cell, directory: Path) -> Cell | None:
    """The cell with what its run has left, if it had finished before."""
    outcome = read_outcome(directory / cell.run)
    if outcome is None or outcome.status != "finished":
        return None
    return replace(cell, status="finished", outcome=outcome.to_json(), again=True)


class Crew:
    """Takes units of work and gives each to a free slot, until there are none left.

    Args:
        directory: of the study; a run's directory lies within.
        devices: one for each slot.
        time_limit: seconds that a cell may take.
        group: what the runs are part of, for trackers; the study's name if not given.
        tracking_uri: where trackers keep the runs, in place of the recipes' own.
    """

    def __init__(
        self,
        board: Board,
        directory: Path,
        devices: Sequence[str],
        time_limit: float | None,
        group: str | None = None,
        tracking_uri: str | None = None,
    ) -> None:
        self.board, self.directory, self.devices = board, directory, devices
        self.time_limit, self.command, self.group = time_limit, board.results.command, group or directory.name
        self.tracking_uri = tracking_uri
        self.signals = Signals()
        self._stopping: str | None = None
        self.threads = threads_of(devices)

    @property
    def stopping(self) -> str | None:
        """Why everything is to stop, from the moment that a signal comes: a terminal sends it to runs, too."""
        if self.signals.asked is not None:
            return f"signal {signal.Signals(self.signals.asked).name}"
        return self._stopping

    def work(self, work: Work, view: View) -> None:
        """Do all the work.

        Raises:
            Interrupted: after SIGINT or SIGTERM, when the cells under way have saved and stopped.
        """
        with self.signals, view, ThreadPoolExecutor(len(self.devices)) as pool:
            slots = [pool.submit(self._fill, Slot(self, device), work) for device in self.devices]
            try:
                self._attend(slots, view)
            except BaseException as error:
                self._stopping = type(error).__name__
                raise
        for slot in slots:
            slot.result()
        if (asked := self.signals.asked) is not None:
            name = signal.Signals(asked).name
            raise Interrupted(asked, f"stopped by {name}; the same command goes on from there")

    def _attend(self, slots: Sequence[Future[None]], view: View) -> None:
        while True:
            _, pending = wait(slots, _PAUSE)
            if any(slot.done() and slot.exception() for slot in slots):
                self._stopping = "another cell's slot has failed"
            view.draw(self.board)
            if not pending:
                return

    def _fill(self, slot: Slot, work: Work) -> None:
        while not self.stopping:
            if (unit := work.take()) is not None:
                unit(slot)
            elif work.wait():
                time.sleep(_LOOK)
            else:
                return


def threads_of(devices: Sequence[str]) -> int | None:
    """The threads of each of several slots on a CPU, which they share; None where torch may decide."""
    on_cpu = devices[0] == "cpu" and len(devices) > 1
    return max(1, torch.get_num_threads() // len(devices)) if on_cpu else None


def slots(device: str, jobs: int | None) -> list[str]:
    """The device of each slot: GPUs in turn, so that more jobs than GPUs share them; one job for each if not given.

    Raises:
        ToonlabError: if there is no such device here.
    """
    picked = pick_device(device)
    if picked.type == "cuda" and picked.index is None:
        devices = [f"cuda:{number}" for number in range(torch.cuda.device_count())]
    else:
        devices = [str(picked)]
    if jobs is not None and picked.type == "cpu" and jobs > (os.cpu_count() or 1):
        raise ToonlabError(f"--jobs {jobs}: this machine has {os.cpu_count()} cores; each job needs one at least")
    return [devices[number % len(devices)] for number in range(jobs or len(devices))]
