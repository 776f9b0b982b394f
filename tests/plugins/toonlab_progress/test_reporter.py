"""When a display is asked to report, and the rate that it shows."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toonlab import Run
from toonlab_progress.reporter import Pace, Reporter


class Recorder(Reporter):
    """Records its calls."""

    def __init__(self, every_seconds: float, clock: Any) -> None:
        super().__init__(every_seconds, clock)
        self.calls: list[tuple[str, int | str]] = []

    def begin(self, run: Run) -> None:
        self.calls.append(("begin", run.steps))

    def report(self, run: Run, step: int) -> None:
        self.calls.append(("report", step))

    def say(self, line: str) -> None:
        self.calls.append(("say", line))


def test_it_reports_at_intervals_and_evaluations_and_the_end_at_once(
    drive: Any, clock: Any, evaluated: Any, finished: Any
) -> None:
    recorder = Recorder(10.0, clock)
    drive(recorder, range(1, 26), 1.0, on_evaluation_end=evaluated, on_run_end=finished)
    assert recorder.calls == [
        ("begin", 400),
        ("report", 10),
        ("report", 20),
        ("say", "ctss-s0-1a2b3c4d  step 400/400  lines 0.652  psnr 16.9"),
        ("say", "ctss-s0-1a2b3c4d  step 400/400  finished in 2:10  lines 0.652  psnr 16.9"),
    ]


def test_steps_slower_than_the_interval_are_all_reported(drive: Any, clock: Any) -> None:
    recorder = Recorder(10.0, clock)
    drive(recorder, range(1, 4), 60.0)
    assert recorder.calls[1:] == [("report", 1), ("report", 2), ("report", 3)]


def test_the_last_scalars_stay_until_the_next_are_logged(drive: Any, clock: Any) -> None:
    recorder = Recorder(10.0, clock)
    drive(recorder, range(49, 60), 1.0)
    assert recorder.scalars["generator/total"] == 12.345


def test_the_rate_of_a_resumed_run_is_that_of_this_process(drive: Any, clock: Any) -> None:
    recorder = Recorder(10.0, clock)
    drive(recorder, range(301, 311), 2.0)
    assert recorder.pace.rate == 0.5


def test_the_rate_is_unknown_until_there_is_a_difference() -> None:
    pace = Pace()
    assert (len(pace.ticks), pace.rate) == (0, None)
    pace.tick(7, 100.0)
    assert (len(pace.ticks), pace.rate) == (1, None)
    pace.tick(7, 100.0)
    assert pace.rate is None
    pace.tick(8, 100.5)
    assert pace.rate == pytest.approx(2)


def test_only_the_last_minute_counts() -> None:
    pace = Pace(window=60)
    for second in range(1000):  # fast at first, then one step a second
        pace.tick(10 * second if second < 500 else 5000 + second - 500, second)
    assert pace.rate == pytest.approx(1)


@given(
    rate=st.floats(0.01, 1000),
    first=st.integers(0, 10**6),
    times=st.lists(st.floats(0.1, 100), min_size=1, max_size=50),
)
def test_a_steady_pace_is_measured_whenever_one_looks(rate: float, first: int, times: list[float]) -> None:
    pace, step, now = Pace(), first, 5.0
    pace.tick(step, now)
    for seconds in times:
        steps = max(1, round(rate * seconds))
        step, now = step + steps, now + steps / rate
        pace.tick(step, now)
    assert pace.rate == pytest.approx(rate, rel=1e-6)
