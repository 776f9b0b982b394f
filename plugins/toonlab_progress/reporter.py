"""The base of all displays: receives every step and reports at intervals."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping

from toonlab import Outcome, Run, hookimpl

from .pace import Pace


class Reporter(ABC):
    """Reports on a run at intervals; subclasses implement the display.

    Args:
        every_seconds: seconds between two reports, at least; a step between them costs one reading of the clock.
        clock: seconds from any origin.
    """

    def __init__(self, every_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.every_seconds, self.clock = every_seconds, clock
        self.scalars: Mapping[str, float] = {}
        self.metrics: Mapping[str, float] = {}

    @abstractmethod
    def begin(self, run: Run) -> None:
        """A run starts or resumes."""

    @abstractmethod
    def report(self, run: Run, step: int) -> None:
        """The interval has passed."""

    @abstractmethod
    def evaluated(self, run: Run, step: int) -> None:
        """An evaluation has ended; `self.metrics` has its values."""

    @abstractmethod
    def end(self, run: Run, outcome: Outcome) -> None:
        """The run has ended."""

    @hookimpl
    def on_run_start(self, run: Run) -> None:
        self.pace = Pace()
        self.reported = self.clock()
        self.begin(run)

    @hookimpl
    def on_step_end(self, run: Run, step: int, scalars: Mapping[str, float] | None) -> None:
        self.scalars = scalars or self.scalars
        now = self.clock()
        if not self.pace.known:  # the first step of this process, which is not step 1 after a resume
            self.pace.tick(step, now)
        if now - self.reported >= self.every_seconds:
            self.reported = now
            self.pace.tick(step, now)
            self.report(run, step)

    @hookimpl
    def on_evaluation_end(self, run: Run, step: int, metrics: Mapping[str, float]) -> None:
        self.metrics = metrics
        self.evaluated(run, step)

    @hookimpl
    def on_run_end(self, run: Run, outcome: Outcome) -> None:
        self.end(run, outcome)
