"""Progress with the remaining time: a bar on a terminal, otherwise a line now and then, on standard error."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from .text import duration

_EVERY = 10.0  # seconds between two lines
Advance = Callable[[float], None]


@contextmanager
def progress(about: str, total: float | None, clock: Callable[[], float] = time.monotonic) -> Iterator[Advance]:
    """`with progress("film.mkv: shots", seconds) as to: to(12.5)`: so much of the total is done.

    The rate is that since the first call, whose amount an earlier run may have done.
    """
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _lines(console, about, total, clock)
        return
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn())
    with Progress(*columns, TimeElapsedColumn(), TimeRemainingColumn(), console=console, transient=True) as bar:
        task = bar.add_task(about, total=total)
        yield lambda done: bar.update(task, completed=done)


def _lines(console: Console, about: str, total: float | None, clock: Callable[[], float]) -> Advance:
    started = told = clock()
    first: float | None = None

    def advance(done: float) -> None:
        nonlocal first, told
        first, now = done if first is None else first, clock()
        if now - told < _EVERY:
            return
        told = now
        known = f": {min(1.0, done / total):.0%}" if total else ""
        left = (now - started) / (done - first) * max(0.0, total - done) if total and done > first else None
        rest = f", {duration(left)} left" if left is not None else ""
        console.print(f"{about}{known}{rest}", soft_wrap=True, highlight=False, markup=False)

    return advance
