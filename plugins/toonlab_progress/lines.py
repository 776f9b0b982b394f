"""Progress as plain lines, for logs and pipes."""

from __future__ import annotations

from toonlab import Outcome, Run

from . import text
from .reporter import Reporter


class Lines(Reporter):
    """A line at the start, one now and then, one for each evaluation, one at the end; on stdout."""

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
