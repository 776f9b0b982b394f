"""Progress as plain lines, for logs and pipes."""

from __future__ import annotations

from toonlab import Outcome, Run

from . import text
from .reporter import Reporter


class PlainLines(Reporter):
    """A line on stdout at the start, at intervals, for each evaluation and at the end."""

    def begin(self, run: Run) -> None:
        _write(f"{run.name}  {run.steps} steps, in {run.directory}")

    def report(self, run: Run, step: int) -> None:
        speed = text.speed(self.pace.rate, run.steps - step)
        _write(text.line(run, step, speed, text.numbers(text.losses(self.scalars))))

    def evaluated(self, run: Run, step: int) -> None:
        _write(text.line(run, step, text.numbers(self.metrics)))

    def end(self, run: Run, outcome: Outcome) -> None:
        _write(text.ending(run, outcome))


def _write(line: str) -> None:
    print(line, flush=True)
