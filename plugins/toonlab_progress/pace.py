"""The speed of a run."""

from __future__ import annotations

from collections import deque


class Pace:
    """Steps per second over the last minute, since stages and evaluations differ in speed.

    Args:
        window: the period that counts, in seconds before now.
    """

    def __init__(self, window: float = 60.0) -> None:
        self.window = window
        self._ticks: deque[tuple[float, int]] = deque()  # seconds, step

    @property
    def known(self) -> bool:
        """Whether a step was recorded."""
        return bool(self._ticks)

    def tick(self, step: int, now: float) -> None:
        """Record that `step` was done at `now` seconds; the oldest record kept is just outside the window."""
        self._ticks.append((now, step))
        while len(self._ticks) > 2 and now - self._ticks[1][0] >= self.window:
            self._ticks.popleft()

    @property
    def rate(self) -> float | None:
        """Steps per second; None until two different steps were recorded at different times."""
        if len(self._ticks) < 2:
            return None
        (since, first), (now, last) = self._ticks[0], self._ticks[-1]
        return (last - first) / (now - since) if now > since and last > first else None
