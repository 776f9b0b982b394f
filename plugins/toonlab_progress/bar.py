"""Progress as a live bar, for terminals."""

from __future__ import annotations

import time
from collections.abc import Callable

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Column

from toonlab import Outcome, Run

from . import text
from .reporter import Reporter

_SECONDS = 0.5  # between two drawings, each of which takes milliseconds


class TerminalBar(Reporter):
    """A bar with rate, ETA, losses and the leading metric; evaluations and the end print a line above it.

    It is drawn between steps and by no thread, so a long step costs nothing.
    """

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(_SECONDS, clock)
        self.console = console

    def begin(self, run: Run) -> None:
        details = TextColumn(
            "{task.fields[details]}", markup=False, table_column=Column(ratio=2, no_wrap=True, overflow="ellipsis")
        )
        name = TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True))
        bar = BarColumn(bar_width=None, table_column=Column(ratio=1))
        columns = (name, bar, MofNCompleteColumn(), details)
        self.bar = Progress(*columns, console=self.console, auto_refresh=False, transient=True, expand=True)
        self.task = self.bar.add_task(run.name, total=run.steps, details="")
        self.bar.start()

    def report(self, run: Run, step: int) -> None:
        leading = dict(list(self.metrics.items())[:1])
        parts = (text.speed(self.pace.rate, run.steps - step), text.numbers(leading | text.losses(self.scalars)))
        self.bar.update(self.task, completed=step, details="  ".join(filter(None, parts)), refresh=True)

    def evaluated(self, run: Run, step: int) -> None:
        self._say(text.line(run, step, text.numbers(self.metrics)))
        self.report(run, step)

    def end(self, run: Run, outcome: Outcome) -> None:
        self.bar.stop()
        self._say(text.ending(run, outcome))

    def _say(self, line: str) -> None:
        self.console.print(line, markup=False, highlight=False, soft_wrap=True)
