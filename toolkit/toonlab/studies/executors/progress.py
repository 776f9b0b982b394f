"""What the cells of a study are doing, told by the slots that run them, shown and written while it happens."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from toonlab.studies.results.results import CellResult, Results
from toonlab.utils.text import duration

from .process import Progress


@dataclass(frozen=True)
class Running:
    """A cell under way: its last report, and the first one with the time at which it came."""

    cell: CellResult
    began: float
    first: Progress | None = None
    first_at: float = 0.0
    last: Progress | None = None
    last_at: float = 0.0

    def heard(self, progress: Progress) -> Running:
        now = time.monotonic()
        first, first_at = (self.first, self.first_at) if self.first else (progress, now)
        return replace(self, first=first, first_at=first_at, last=progress, last_at=now)

    @property
    def rate(self) -> float | None:
        """Steps per second since its first report; None until there is a difference."""
        if self.first is None or self.last is None or self.last.step <= self.first.step:
            return None
        return (self.last.step - self.first.step) / (self.last_at - self.first_at)

    @property
    def seconds_left(self) -> float | None:
        return (self.last.steps - self.last.step) / self.rate if self.last and self.rate else None


class StatusMessage(NamedTuple):
    """A line about what has ended; `bad` if it failed."""

    text: str
    bad: bool = False


class StudyProgress:
    """The state of every cell. To be used by several threads.

    Args:
        keep: write `results.json` and the table anew whenever a cell has ended.
    """

    def __init__(self, results: Results, keep: bool = True) -> None:
        self._results, self._keep = results, keep
        self._running: dict[str, Running] = {}
        self._lock = threading.RLock()
        self._news: list[StatusMessage] = []
        self.summary = ""  # in a line, where it is not that of the cells

    @property
    def results(self) -> Results:
        return self._results

    @property
    def running(self) -> Sequence[Running]:
        with self._lock:
            return list(self._running.values())

    def begin(self, cell: CellResult) -> None:
        with self._lock:
            self._running[cell.run] = Running(cell, time.monotonic())
            self._put(replace(cell, status="running"))

    def progress(self, cell: CellResult, progress: Progress) -> None:
        with self._lock:
            if cell.run in self._running:
                self._running[cell.run] = self._running[cell.run].heard(progress)

    def end(self, cell: CellResult) -> None:
        with self._lock:
            self._running.pop(cell.run, None)
            self._put(cell)
            self.tell(ending(self._results, cell), cell.status == "failed")
            if self._keep:
                self._results.write()

    def fail(self, cell: CellResult, reason: str) -> None:
        self.end(replace(cell, status="failed", reason=reason))

    def learn(self, cells: Sequence[CellResult]) -> None:
        """What others have done meanwhile."""
        with self._lock:
            known = {cell.run: cell.status for cell in self._results.cells}
            new = [cell for cell in cells if known.get(cell.run) not in (None, "running", cell.status)]
            for cell in new:
                self.end(cell)

    def leave(self, cell: CellResult) -> None:
        """A cell is no longer under way; what it is part of has more to say of it."""
        with self._lock:
            self._running.pop(cell.run, None)

    def tell(self, text: str, bad: bool = False) -> None:
        with self._lock:
            self._news.append(StatusMessage(text, bad))

    def take_news(self) -> list[StatusMessage]:
        """What has ended since somebody looked."""
        with self._lock:
            news, self._news = self._news, []
            return news

    def _put(self, cell: CellResult) -> None:
        cells = [cell if known.run == cell.run else known for known in self._results.cells]
        self._results = self._results.with_cells(cells)


def ending(results: Results, cell: CellResult) -> str:
    """How a cell ended, in a line."""
    ended = [c for c in results.cells if c.status in ("finished", "failed", "stopped")]
    head = f"[{len(ended)}/{len(results.cells)}] {cell.label}: "
    if cell.status != "finished":
        return f"{head}{cell.status}: {cell.reason}"
    if cell.again:
        return f"{head}finished before, not run again"
    values = [f"{name} {cell.values[name]:.4g}" for name in results.metrics[:1] if name in cell.values]
    return head + ", ".join([f"finished in {duration(cell.values['seconds'])}", *values])
