"""The base of all displays: receives every step and reports at intervals."""

import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Mapping

from toonlab import Outcome, Run, hookimpl

from . import text


class Pace:
    """Steps per second over the last minute, since stages and evaluations differ in speed.

    Args:
        window: the period that counts, in seconds before now.
    """

    def __init__(self, window: float = 60.0) -> None:
        self.window = window
        self.ticks: deque[tuple[float, int]] = deque()  # seconds, step

    def tick(self, step: int, now: float) -> None:
        """Record that `step` was done at `now` seconds; the oldest record kept is just outside the window."""
        self.ticks.append((now, step))
        while len(self.ticks) > 2 and now - self.ticks[1][0] >= self.window:
            self.ticks.popleft()

    @property
    def rate(self) -> float | None:
        """Steps per second; None until two different steps were recorded at different times."""
        if not self.ticks:
            return None
        (since, first), (now, last) = self.ticks[0], self.ticks[-1]
        return (last - first) / (now - since) if now > since and last > first else None


class Reporter(ABC):
    """Reports on a run at intervals; subclasses show the lines, and design the report.

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
    def say(self, line: str) -> None:
        """Show a line: an evaluation, the end."""

    @abstractmethod
    def report(self, run: Run, step: int) -> None:
        """The interval has passed."""

    def speed(self, run: Run, step: int) -> str:
        """The rate and the time left, as text."""
        return text.speed(self.pace.rate, run.steps - step)

    def leading(self) -> str:
        """The leading metric and the losses, as text."""
        return text.numbers(dict(list(self.metrics.items())[:1]) | text.losses(self.scalars))

    @hookimpl
    def on_run_start(self, run: Run) -> None:
        self.pace, self.reported = Pace(), self.clock()
        self.begin(run)

    @hookimpl
    def on_step_end(self, run: Run, step: int, scalars: Mapping[str, float] | None) -> None:
        self.scalars = scalars or self.scalars
        now = self.clock()
        if not self.pace.ticks:  # the first step of this process, which is not step 1 after a resume
            self.pace.tick(step, now)
        if now - self.reported >= self.every_seconds:
            self.reported = now
            self.pace.tick(step, now)
            self.report(run, step)

    @hookimpl
    def on_evaluation_end(self, run: Run, step: int, metrics: Mapping[str, float]) -> None:
        self.metrics = metrics
        self.say(text.line(run, step, text.numbers(metrics)))

    @hookimpl
    def on_run_end(self, run: Run, outcome: Outcome) -> None:
        self.say(text.ending(run, outcome))
