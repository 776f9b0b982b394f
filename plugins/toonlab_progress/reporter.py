"""What a bar and plain lines have in common: they hear every step and report on few of them."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping

from toonlab import Outcome, Run, hookimpl

from .pace import Pace


class Reporter(ABC):
    """Reports on a run at most every so many seconds; subclasses say how.

    Args:
        every_seconds: at least so long between two reports: a step between them costs no more than a look at the clock.
        clock: seconds from any origin.
    """

    def __init__(self, every_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.every_seconds, self.clock = every_seconds, clock
        self.scalars: Mapping[str, float] = {}
        self.metrics: Mapping[str, float] = {}

    @abstractmethod
    def begin(self, run: Run) -> None:
        """A run begins, or goes on."""

    @abstractmethod
    def report(self, run: Run, step: int) -> None:
        """It is time to say how far it is."""

    @abstractmethod
    def evaluated(self, run: Run, step: int) -> None:
        """`self.metrics` are new."""

    @abstractmethod
    def end(self, run: Run, outcome: Outcome) -> None:
        """It has ended."""

    @hookimpl
    def on_run_start(self, run: Run) -> None:
        self.pace = Pace()
        self.reported = self.clock()
        self.begin(run)

    @hookimpl
    def on_step_end(self, run: Run, step: int, scalars: Mapping[str, float] | None) -> None:
        self.scalars = scalars or self.scalars
        now = self.clock()
        if not self.pace.known:  # the first step of this life; which one, only a step can tell
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
