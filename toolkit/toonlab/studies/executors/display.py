"""A study on the screen while it runs: every cell on a terminal or in a notebook, a line for each end elsewhere."""

from __future__ import annotations

import io
from statistics import fmean

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from toonlab.studies.results.results import StudyResults
from toonlab.utils.text import duration

from .progress import RunningCell, StudyProgress

_MARKS = {
    "waiting": ("·", "dim"),
    "running": ("▸", "cyan"),
    "finished": ("✓", "green"),
    "failed": ("✗", "red"),
    "stopped": ("■", "yellow"),
}


class Display:
    """Shows a study's progress, about twice a second; this class shows nothing, for programs."""

    def __enter__(self) -> Display:
        return self

    def __exit__(self, *_: object) -> None: ...

    def draw(self, progress: StudyProgress) -> None:
        progress.take_messages()


def display() -> Display:
    """The display for a notebook, for a terminal, or for a log, by where the standard error stream goes."""
    console = Console(stderr=True)
    if console.is_jupyter:
        return NotebookDisplay()
    return TerminalDisplay(console) if console.is_interactive else LineDisplay(console)


class LineDisplay(Display):
    """Prints a line for each cell that has ended, for logs and pipes."""

    def __init__(self, console: Console) -> None:
        self.console = console

    def draw(self, progress: StudyProgress) -> None:
        for text, _ in progress.take_messages():
            self.console.print(text, markup=False, highlight=False, soft_wrap=True)


class NotebookDisplay(Display):
    """Shows the same picture as on a terminal below the notebook's cell, as text; the last one stays."""

    def __init__(self) -> None:
        self._shown = ""

    def draw(self, progress: StudyProgress) -> None:
        import IPython.display

        for text, failed in progress.take_messages():
            if failed or progress.summary:
                print(text)
        console = Console(file=io.StringIO(), width=110, force_jupyter=False, color_system=None)
        console.print(picture(progress))
        text = "\n".join(line.rstrip() for line in console.file.getvalue().splitlines())  # type: ignore[attr-defined]
        if not self._shown:
            data, show = {"text/plain": text}, IPython.display.display
            self._handle = show(data, raw=True, display_id=True)  # type: ignore[no-untyped-call]
        elif text != self._shown:
            self._handle.update({"text/plain": text}, raw=True)
        self._shown = text


class TerminalDisplay(Display):
    """Shows a row for each variant with a mark for each seed, a bar for each running cell, and the best so far."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._live = Live(console=console, auto_refresh=False, transient=True, vertical_overflow="ellipsis")

    def __enter__(self) -> TerminalDisplay:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def draw(self, progress: StudyProgress) -> None:
        for text, failed in progress.take_messages():
            if failed or progress.summary:
                self.console.print(text, markup=False, highlight=False, style="red" if failed else None)
        self._live.update(picture(progress), refresh=True)


def picture(progress: StudyProgress) -> Group:
    """All cells, as they are now."""
    results = progress.results
    summary = Text(progress.summary, "bold") if progress.summary else _leader(results)
    return Group(_overview(results), *map(_bar, progress.running), summary)


def _overview(results: StudyResults) -> Table:
    table = Table.grid(padding=(0, 2))
    primary = results.metrics[0] if results.metrics else "seconds"
    values = results.values(primary)
    for variant in results.variants:
        marks = Text.assemble(*(_MARKS[cell.status] for cell in results.of(variant.label)))
        finished = values[variant.label].values()
        table.add_row(Text(variant.label), marks, f"{primary} {fmean(finished):.4g}" if finished else "")
    return table


def _bar(running: RunningCell) -> Table:
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


def _leader(results: StudyResults) -> Text:
    """How many are done, and the best so far."""
    done = sum(cell.status in ("finished", "failed") for cell in results.cells)
    text = f"{done}/{len(results.cells)} cells"
    if best := leader(results):
        text += f" · best so far: {best[0]}, {results.metrics[0]} {best[1]:.4g}"
    return Text(text, "bold")


def leader(results: StudyResults) -> tuple[str, float] | None:
    """The variant with the best mean of the primary metric so far, and that mean."""
    if not results.metrics:
        return None
    primary = results.metrics[0]
    means = {label: fmean(values.values()) for label, values in results.values(primary).items() if values}
    sign = 1 if results.higher.get(primary, True) else -1
    return max(means.items(), key=lambda item: sign * item[1], default=None)
