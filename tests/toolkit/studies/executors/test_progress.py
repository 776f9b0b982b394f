"""A study's progress: the states of its cells, messages, and what is written meanwhile."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from toonlab.studies.executors.process import RunProgress
from toonlab.studies.executors.progress import RunningCell, StatusMessage, StudyProgress
from toonlab.studies.results.results import CellResult, StudyResults, Variant


@pytest.fixture
def results(tmp_path: Path) -> StudyResults:
    cells = [CellResult(Variant(recipe), seed, f"{recipe}-s{seed}") for seed in (0, 1) for recipe in ("ctss", "plain")]
    return StudyResults("study", tmp_path / "study", cells, metrics=["lines"], higher={"lines": True})


def finished(cell: CellResult, value: float = 0.5) -> CellResult:
    outcome = {"metrics": {"lines": value}, "photo": {}, "costs": {}, "measured": {}, "seconds": 61.2, "step": 4}
    return replace(cell, status="finished", outcome=outcome)


def test_a_cell_from_its_beginning_to_its_end(results: StudyResults) -> None:
    progress, cell = StudyProgress(results), results.cells[1]
    progress.begin(cell)
    assert [c.status for c in progress.results.cells] == ["waiting", "running", "waiting", "waiting"]
    progress.update(cell.run, RunProgress(1, 10))
    progress.update(results.cells[0].run, RunProgress(1, 10))  # nobody began it
    (running,) = progress.running
    assert (running.cell, running.last) == (cell, RunProgress(1, 10))
    progress.end(finished(cell, 0.61234))
    assert not progress.running
    assert progress.results.cells[1].status == "finished"
    assert progress.take_messages() == [StatusMessage("[1/4] plain, seed 0: finished in 1:01, lines 0.6123")]
    assert progress.take_messages() == []
    assert StudyResults.read(results.directory).cells == progress.results.cells


def test_news_say_how_cells_ended(results: StudyResults) -> None:
    progress = StudyProgress(results)
    ctss, plain, again, _ = results.cells
    progress.end(replace(ctss, status="failed", reason="diverged at step 3"))
    progress.end(replace(plain, status="stopped", reason="signal SIGTERM"))
    progress.end(replace(finished(again), reused=True))
    assert progress.take_messages() == [
        StatusMessage("[1/4] ctss, seed 0: failed: diverged at step 3", failed=True),
        StatusMessage("[2/4] plain, seed 0: stopped: signal SIGTERM"),
        StatusMessage("[3/4] ctss, seed 1: finished before, not run again"),
    ]


def test_a_board_that_keeps_nothing_writes_nothing(results: StudyResults) -> None:
    progress = StudyProgress(results, write=False)
    progress.end(finished(results.cells[0]))
    assert not results.directory.exists()


def test_rate_and_time_left_follow_from_the_first_and_the_last_report() -> None:
    running = RunningCell(CellResult(Variant("ctss"), 0, "run"))
    assert (running.rate, running.seconds_left) == (None, None)
    once = running.updated(RunProgress(10, 100))
    assert (once.rate, once.seconds_left) == (None, None)  # one report says nothing of the pace
    twice = replace(once, last=RunProgress(30, 100), last_at=once.first_at + 4.0)
    assert twice.rate == pytest.approx(5.0)
    assert twice.seconds_left == pytest.approx(14.0)


def test_a_cell_that_is_taken_back_waits_again(results: StudyResults) -> None:
    progress = StudyProgress(results, write=False)
    progress.begin(results.cells[2])
    progress.remove(results.cells[2].run)
    assert progress.results == results
    assert not progress.running
