"""The thread that keeps MLflow up to date, so that a run never waits for it."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from toonlab import Outcome, ToonlabError

from .mirror import Mirror

_SECONDS = 5.0  # between two looks at the directory
_LONGEST_PAUSE = 60.0  # between two attempts while MLflow is away
_SECONDS_IF_AWAY = 2.0  # at the end of a run: a refusal comes at once, a server that does not answer is not waited for


class News(NamedTuple):
    """Something that the user should hear; `bad` is a warning."""

    text: str
    bad: bool


class Sender:
    """Brings a mirror up to date every few seconds. The run directory is its queue: nothing is kept in memory.

    A first failure may be no more than a connection that the server has closed, so the next attempt follows at once;
    after a second one MLflow is away, and attempts follow later and later. The thread says nothing by itself (the
    filters of warnings belong to the main thread): `news` is for the run's own thread to tell.

    Args:
        opened: opens the mirror; called anew after a failure.
        why: an error in a few words.
        where: what the news begin with.
    """

    def __init__(self, opened: Callable[[], Mirror], why: Callable[[Exception], str], where: str) -> None:
        self.where = where
        self.news: deque[News] = deque()
        self.trouble: str | None = None  # the last failure in words, while it lasts
        self.complete = False
        self._opened, self._why = opened, why
        self._mirror: Mirror | None = None
        self._outcome: Outcome | None = None
        self._failures, self._away_since = 0, 0.0
        self._wake = threading.Event()
        self._thread = threading.Thread(target=self._work, name="toonlab-mlflow", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Look at the directory now."""
        self._wake.set()

    def finish(self, outcome: Outcome, seconds: float) -> bool:
        """Send what is left and the outcome; whether all was sent within so many seconds.

        An MLflow that is away already gets one more attempt, and hardly a wait.
        """
        self._outcome = outcome
        self._wake.set()
        self._thread.join(min(seconds, _SECONDS_IF_AWAY) if self.trouble else seconds)
        return self.complete

    def _work(self) -> None:
        while True:
            outcome = self._outcome
            try:
                self._send(outcome)
            except ToonlabError as error:  # which no further attempt would mend
                self.trouble = str(error)
                self.news.append(News(self.trouble, bad=True))
                return
            except Exception as error:
                self._fail(error)
            else:
                self._succeed()
                self.complete = outcome is not None
            if self.complete or (outcome and self._failures > 1):
                return
            self._wake.wait(self._pause)
            self._wake.clear()

    def _send(self, outcome: Outcome | None) -> None:
        self._mirror = self._mirror or self._opened()
        self._mirror.update()
        if outcome:
            self._mirror.finish(outcome)

    def _succeed(self) -> None:
        if self._failures > 1:
            seconds = time.monotonic() - self._away_since
            self.news.append(News(f"{self.where} is back after {seconds:.0f} s, and has what it missed", bad=False))
        self._failures, self.trouble = 0, None

    def _fail(self, error: Exception) -> None:
        if self._mirror:
            self._mirror.close()
            self._mirror = None
        self.trouble = self._why(error)
        self._failures += 1
        if self._failures == 1:
            self._away_since = time.monotonic()
        if self._failures == 2:
            text = f"{self.where}: {self.trouble}; the run goes on, and MLflow gets what it misses when it is back"
            self.news.append(News(text, bad=True))

    @property
    def _pause(self) -> float:
        """Seconds until the next look or attempt."""
        if self._failures == 0:
            return _SECONDS
        doublings = min(self._failures - 2, 10)  # no more: a weekend's failures would overflow a float
        return 0.0 if self._failures == 1 else min(2.0**doublings, _LONGEST_PAUSE)
