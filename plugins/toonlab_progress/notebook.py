"""Progress in a Jupyter notebook: one line below the cell, which is updated until the run ends."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Protocol

from toonlab import Outcome, Run

from . import text
from .reporter import Reporter

_SECONDS = 1.0  # between two updates, each of which is a message to the browser
_WIDTH = 24


class Handle(Protocol):
    """An output of a cell that can be updated."""

    def update(self, shown: Any, *, raw: bool) -> None: ...


class NotebookLine(Reporter):
    """One line of plain text; a saved notebook holds the last line of each run.

    Args:
        display: shows a first text and returns the handle that updates it; by default IPython's own.
    """

    def __init__(
        self, display: Callable[[dict[str, str]], Handle] | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(_SECONDS, clock)
        self.display = display or _display

    def begin(self, run: Run) -> None:
        self.handle = self.display(_plain(f"{run.name}  {run.steps} steps, in {run.directory}"))

    def report(self, run: Run, step: int) -> None:
        done = round(_WIDTH * step / max(run.steps, 1))
        numbers = text.numbers(dict(list(self.metrics.items())[:1]) | text.losses(self.scalars))
        bar = "━" * done + "─" * (_WIDTH - done)
        self._show(text.line(run, step, bar, text.speed(self.pace.rate, run.steps - step), numbers))

    def evaluated(self, run: Run, step: int) -> None:
        self._show(text.line(run, step, text.numbers(self.metrics)))

    def end(self, run: Run, outcome: Outcome) -> None:
        self._show(text.ending(run, outcome))

    def _show(self, line: str) -> None:
        self.handle.update(_plain(line), raw=True)


def _plain(line: str) -> dict[str, str]:
    return {"text/plain": line}


def _display(shown: dict[str, str]) -> Handle:
    from IPython.display import display

    return display(shown, raw=True, display_id=True)  # type: ignore[no-untyped-call]
