"""The displays: plain lines, a live bar, one line in a notebook."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Column

from toonlab import Outcome, Run, hookimpl

from . import text
from .reporter import Reporter

_BAR_SECONDS = 0.5  # between two drawings, each of which takes milliseconds
_NOTEBOOK_SECONDS = 1.0  # between two updates, each of which is a message to the browser
_WIDTH = 24  # characters: the bar in a notebook's line


class PlainLines(Reporter):
    """A line on stdout at the start, at intervals, for each evaluation and at the end; for logs and pipes."""

    def begin(self, run: Run) -> None:
        self.say(text.start(run))

    def say(self, line: str) -> None:
        print(line, flush=True)

    def report(self, run: Run, step: int) -> None:
        self.say(text.line(run, step, self.speed(run, step), text.numbers(text.losses(self.scalars))))


class TerminalBar(Reporter):
    """A bar with rate, ETA, losses and the leading metric; evaluations and the end print a line above it.

    It is drawn between steps and by no thread, so a long step costs nothing.
    """

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(_BAR_SECONDS, clock)
        self.console = console

    def begin(self, run: Run) -> None:
        details = TextColumn(
            "{task.fields[details]}", markup=False, table_column=Column(ratio=2, no_wrap=True, overflow="ellipsis")
        )
        name = TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True))
        columns = (name, BarColumn(None, table_column=Column(ratio=1)), MofNCompleteColumn(), details)
        self.bar = Progress(*columns, console=self.console, auto_refresh=False, transient=True, expand=True)
        self.task = self.bar.add_task(run.name, total=run.steps, details="")
        self.bar.start()

    def say(self, line: str) -> None:
        self.console.print(line, markup=False, highlight=False, soft_wrap=True)

    def report(self, run: Run, step: int) -> None:
        details = "  ".join(filter(None, (self.speed(run, step), self.leading())))
        self.bar.update(self.task, completed=step, details=details, refresh=True)

    @hookimpl
    def on_evaluation_end(self, run: Run, step: int, metrics: Mapping[str, float]) -> None:
        super().on_evaluation_end(run, step, metrics)
        self.report(run, step)

    @hookimpl
    def on_run_end(self, run: Run, outcome: Outcome) -> None:
        self.bar.stop()
        super().on_run_end(run, outcome)


class NotebookLine(Reporter):
    """One line of plain text below the cell, updated until the run ends; a saved notebook holds the last line."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(_NOTEBOOK_SECONDS, clock)

    def begin(self, run: Run) -> None:
        from IPython.display import display

        first = {"text/plain": text.start(run)}
        self.handle: Any = display(first, raw=True, display_id=True)  # type: ignore[no-untyped-call]

    def say(self, line: str) -> None:
        self.handle.update({"text/plain": line}, raw=True)

    def report(self, run: Run, step: int) -> None:
        done = round(_WIDTH * step / max(run.steps, 1))
        bar = "━" * done + "─" * (_WIDTH - done)
        self.say(text.line(run, step, bar, self.speed(run, step), self.leading()))
