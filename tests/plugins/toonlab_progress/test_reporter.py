"""When a display is asked to report."""

from __future__ import annotations

from typing import Any

from toonlab import Outcome, Run
from toonlab_progress.reporter import Reporter


class Recorder(Reporter):
    """Records its calls."""

    def __init__(self, every_seconds: float, clock: Any) -> None:
        super().__init__(every_seconds, clock)
        self.calls: list[tuple[str, int]] = []

    def begin(self, run: Run) -> None:
        self.calls.append(("begin", run.steps))

    def report(self, run: Run, step: int) -> None:
        self.calls.append(("report", step))

    def evaluated(self, run: Run, step: int) -> None:
        self.calls.append(("evaluated", step))

    def end(self, run: Run, outcome: Outcome) -> None:
        self.calls.append(("end", outcome.step))


def test_it_reports_at_intervals_and_evaluations_and_the_end_at_once(
    drive: Any, clock: Any, evaluated: Any, finished: Any
) -> None:
    recorder = Recorder(10.0, clock)
    drive(recorder, range(1, 26), 1.0, on_evaluation_end=evaluated, on_run_end=finished)
    assert recorder.calls == [("begin", 400), ("report", 10), ("report", 20), ("evaluated", 400), ("end", 400)]


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
