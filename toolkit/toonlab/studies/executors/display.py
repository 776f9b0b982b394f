"""A study on the screen while it runs: every cell on a terminal or in a notebook, a line for each end elsewhere."""

from __future__ import annotations

import io
from statistics import fmean
from typing import Protocol

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from toonlab.studies.results.results import Results
from toonlab.utils.text import duration

from .progress import Board, Running

_MARKS = {"waiting": "·", "running": "▸", "finished": "✓", "failed": "✗", "stopped": "■"}
_STYLES = {"waiting": "dim", "running": "cyan", "finished": "green", "failed": "red", "stopped": "yellow"}


class View(Protocol):
    """Looks at a board whenever it is asked to."""

    def __enter__(self) -> View: ...
    def __exit__(self, *_: object) -> None: ...
    def draw(self, board: Board) -> None: ...


def display() -> View:
    """For the standard error stream, as it is here; for the notebook, where there is one."""
    console = Console(stderr=True)
    if console.is_jupyter:
        return InNotebook()
    return OnTerminal(console) if console.is_interactive else Lines(console)


class Silent:
    """Shows nothing: for notebooks and programs."""

    def __enter__(self) -> Silent:
        return self

    def __exit__(self, *_: object) -> None: ...

    def draw(self, board: Board) -> None:
        board.take_news()


class Lines(Silent):
    """A line for each cell that has ended, for logs and pipes."""

    def __init__(self, console: Console) -> None:
        self.console = console

    def draw(self, board: Board) -> None:
        for text, _ in board.take_news():
            self.console.print(text, markup=False, highlight=False, soft_wrap=True)


class InNotebook(Silent):
    """The same picture as on a terminal as text below the notebook's cell, replaced when it changes; it stays."""

    def __init__(self) -> None:
        self._shown = ""

    def draw(self, board: Board) -> None:
        from IPython.display import display

        lines = [news.text for news in board.take_news() if news.bad or board.summary]
        for line in lines:
            print(line)
        console = Console(file=io.StringIO(), width=110, force_jupyter=False, color_system=None)
        console.print(picture(board))
        text = "\n".join(line.rstrip() for line in console.file.getvalue().splitlines())  # type: ignore[attr-defined]
        if not self._shown:
            self._handle = display({"text/plain": text}, raw=True, display_id=True)  # type: ignore[no-untyped-call]
        elif text != self._shown:
            self._handle.update({"text/plain": text}, raw=True)
        self._shown = text


class OnTerminal:
    """A row for each variant with a mark for each seed, a bar for each cell under way, and what leads so far."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._live = Live(console=console, auto_refresh=False, transient=True, vertical_overflow="ellipsis")

    def __enter__(self) -> OnTerminal:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def draw(self, board: Board) -> None:
        for text, bad in board.take_news():
            if bad or board.summary:
                self.console.print(text, markup=False, highlight=False, style="red" if bad else None)
        self._live.update(picture(board), refresh=True)


def picture(board: Board) -> Group:
    """All cells, as they are now."""
    results = board.results
    summary = Text(board.summary, "bold") if board.summary else _leader(results)
    return Group(_overview(results), *map(_bar, board.running), summary)


def _overview(results: Results) -> Table:
    table = Table.grid(padding=(0, 2))
    primary = results.metrics[0] if results.metrics else "seconds"
    values = results.values(primary)
    for variant in results.variants:
        marks = Text.assemble(*((_MARKS[cell.status], _STYLES[cell.status]) for cell in results.of(variant.label)))
        finished = values[variant.label].values()
        table.add_row(Text(variant.label), marks, f"{primary} {fmean(finished):.4g}" if finished else "")
    return table


def _bar(running: Running) -> Table:
    line = Table.grid(padding=(0, 2))
    last = running.last
    if last is None:
        line.add_row(Text(running.cell.label, "cyan"), Text("starting", "dim"))
        return line
    rate = f"{running.rate:.3g} steps/s" if running.rate else ""
    left = f"eta {duration(running.seconds_left)}" if running.seconds_left is not None else ""
    bar = ProgressBar(last.steps, last.step, width=24)
    line.add_row(Text(running.cell.label, "cyan"), bar, f"{last.step}/{last.steps}", rate, left)
    return line


def _leader(results: Results) -> Text:
    """How many are done, and the best so far."""
    done = sum(cell.status in ("finished", "failed") for cell in results.cells)
    text = f"{done}/{len(results.cells)} cells"
    if best := leader(results):
        text += f" · best so far: {best[0]}, {results.metrics[0]} {best[1]:.4g}"
    return Text(text, "bold")


def leader(results: Results) -> tuple[str, float] | None:
    """The variant with the best mean of the primary metric so far, and that mean."""
    if not results.metrics:
        return None
    primary = results.metrics[0]
    means = {label: fmean(values.values()) for label, values in results.values(primary).items() if values}
    sign = 1 if results.higher.get(primary, True) else -1
    return max(means.items(), key=lambda item: sign * item[1], default=None)
