"""Queues of a study's work, from which the threads of an executor take."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Protocol

from toonlab.errors import BusyError

from .cell import Cell

if TYPE_CHECKING:
    from .pool import Executor

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
