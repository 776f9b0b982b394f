"""The state of a study's cells while they run, written and displayed."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from toonlab.studies.results.results import CellResult, StudyResults
from toonlab.utils.text import duration, shown

from .process import RunProgress


@dataclass(frozen=True)
class RunningCell:
    """A running cell: its last report, and the first one with the time at which it came."""

    cell: CellResult
    first: RunProgress | None = None
    first_at: float = 0.0
    last: RunProgress | None = None
    last_at: float = 0.0

    def updated(self, report: RunProgress) -> RunningCell:
        now = time.monotonic()
        first, first_at = (self.first, self.first_at) if self.first else (report, now)
        return replace(self, first=first, first_at=first_at, last=report, last_at=now)

    @property
    def rate(self) -> float | None:
        """Steps per second since the first report; None until there is a difference."""
        if self.first is None or self.last is None or self.last.step <= self.first.step:
            return None
        return (self.last.step - self.first.step) / (self.last_at - self.first_at)

    @property
    def seconds_left(self) -> float | None:
        return (self.last.steps - self.last.step) / self.rate if self.last and self.rate else None


class StatusMessage(NamedTuple):
    """A line about a cell that has ended."""

    text: str
    failed: bool = False


class StudyProgress:
    """The state of every cell.

    Args:
        write: write `results.json` and the table when cells have ended.
    """

    def __init__(self, results: StudyResults, *, write: bool = True) -> None:
        self._results, self._write = results, write
        self._cells = {cell.run: cell for cell in results.cells}
        self._running: dict[str, RunningCell] = {}
        self._messages: list[StatusMessage] = []
        self._ended = sum(cell.status in ("finished", "failed", "stopped") for cell in results.cells)
        self._next_write = 0.0
        self.summary = ""  # a line that replaces the count of the cells

    @property
    def results(self) -> StudyResults:
        return self._results.with_cells(list(self._cells.values()))

    @property
    def running(self) -> Sequence[RunningCell]:
        return list(self._running.values())

    def begin(self, cell: CellResult) -> None:
        self._running[cell.run] = RunningCell(cell)
        self._put(replace(cell, status="running"))

    def update(self, run: str, report: RunProgress) -> None:
        if run in self._running:
            self._running[run] = self._running[run].updated(report)

    def end(self, *cells: CellResult) -> None:
        """Cells have ended."""
        for cell in cells:
            self.remove(cell.run)
            self._put(cell)
            self._ended += 1
            self.notify(f"[{self._ended}/{len(self._cells)}] {self._ending(cell)}", failed=cell.status == "failed")
        if self._write and cells and time.monotonic() > self._next_write:
            self.write()

    def write(self) -> None:
        """Write the results; the next time after twenty times as long as that takes, however many cells there are."""
        began = time.monotonic()
        self.results.write()
        now = time.monotonic()
        self._next_write = now + 20 * (now - began)

    def add_caveats(self, caveats: Mapping[str, str]) -> None:
        """Reasons not to trust a metric or a cost."""
        self._results = replace(self._results, caveats={**self._results.caveats, **caveats})

    def remove(self, run: str) -> None:
        """A cell runs no longer, and has not ended."""
        if running := self._running.pop(run, None):
            self._put(running.cell)

    def notify(self, text: str, *, failed: bool = False) -> None:
        self._messages.append(StatusMessage(text, failed))

    def take_messages(self) -> list[StatusMessage]:
        """The messages since the last call."""
        messages, self._messages = self._messages, []
        return messages

    def _put(self, cell: CellResult) -> None:
        if cell.run in self._cells:
            self._cells[cell.run] = cell

    def _ending(self, cell: CellResult) -> str:
        """How a cell ended, in a line."""
        label = shown(cell.label)
        if cell.status != "finished":
            return f"{label}: {cell.status}: {cell.reason}"
        if cell.reused:
            return f"{label}: finished before, not run again"
        values = [f"{name} {cell.values[name]:.4g}" for name in self._results.metrics[:1] if name in cell.values]
        return ", ".join([f"{label}: finished in {duration(cell.values['seconds'])}", *values])
