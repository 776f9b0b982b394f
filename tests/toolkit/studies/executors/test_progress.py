"""The board: what cells are doing, who is told, and what is written meanwhile."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from toonlab.studies.executors.process import Progress
from toonlab.studies.executors.progress import StudyProgress, StatusMessage, Running
from toonlab.studies.results.results import CellResult, Results, Variant


@pytest.fixture
def results(tmp_path: Path) -> Results:
    cells = [CellResult(Variant(recipe), seed, f"{recipe}-s{seed}") for seed in (0, 1) for recipe in ("ctss", "plain")]
    return Results("study", tmp_path / "study", cells, metrics=["outline_f1"], higher={"outline_f1": True})


def finished(cell: CellResult, value: float = 0.5) -> CellResult:
    outcome = {"metrics": {"outline_f1": value}, "photo": {}, "costs": {}, "measured": {}, "seconds": 61.2, "step": 4}
    return replace(cell, status="finished", outcome=outcome)


def test_a_cell_from_its_beginning_to_its_end(results: Results) -> None:
    board, cell = StudyProgress(results), results.cells[1]
    board.begin(cell)
    assert [c.status for c in board.results.cells] == ["waiting", "running", "waiting", "waiting"]
    board.progress(cell, Progress(1, 10))
    board.progress(results.cells[0], Progress(1, 10))  # nobody began it
    (running,) = board.running
    assert (running.cell, running.last) == (cell, Progress(1, 10))
    board.end(finished(cell, 0.61234))
    assert not board.running
    assert board.results.cells[1].status == "finished"
    assert board.take_news() == [StatusMessage("[1/4] plain, seed 0: finished in 1:01, outline_f1 0.6123")]
    assert board.take_news() == []
    assert Results.read(results.directory).cells == board.results.cells


def test_news_say_how_cells_ended(results: Results) -> None:
    board = StudyProgress(results)
    ctss, plain, again, _ = results.cells
    board.fail(ctss, "diverged at step 3")
    board.end(replace(plain, status="stopped", reason="signal SIGTERM"))
    board.end(replace(finished(again), reused=True))
    assert board.take_news() == [
        StatusMessage("[1/4] ctss, seed 0: failed: diverged at step 3", bad=True),
        StatusMessage("[2/4] plain, seed 0: stopped: signal SIGTERM"),
        StatusMessage("[3/4] ctss, seed 1: finished before, not run again"),
    ]


def test_others_results_are_learnt_once_and_never_over_ones_own(results: Results) -> None:
    board = StudyProgress(results)
    ctss, plain, *_ = results.cells
    board.begin(ctss)
    theirs = [finished(ctss), finished(plain), replace(ctss, run="not-of-this-study")]
    board.learn(theirs)
    board.learn(theirs)
    assert [c.status for c in board.results.cells] == ["running", "finished", "waiting", "waiting"]
    assert [news.text[:5] for news in board.take_news()] == ["[1/4]"]


def test_a_board_that_keeps_nothing_writes_nothing(results: Results) -> None:
    board = StudyProgress(results, keep=False)
    board.end(finished(results.cells[0]))
    assert not results.directory.exists()


def test_several_slots_use_one_board(tmp_path: Path) -> None:
    cells = [CellResult(Variant("ctss"), seed, f"ctss-s{seed}") for seed in range(40)]
    board = StudyProgress(Results("study", tmp_path / "study", cells, metrics=["outline_f1"]), keep=False)

    def work(mine: list[CellResult]) -> None:
        for cell in mine:
            board.begin(cell)
            board.progress(cell, Progress(1, 2))
            board.end(finished(cell))

    threads = [threading.Thread(target=work, args=(cells[place::4],)) for place in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {cell.status for cell in board.results.cells} == {"finished"}
    assert not board.running
    assert sorted(int(news.text[1:].partition("/")[0]) for news in board.take_news()) == list(range(1, 41))


def test_rate_and_time_left_follow_from_the_first_and_the_last_report() -> None:
    running = Running(CellResult(Variant("ctss"), 0, "run"), began=0.0)
    assert (running.rate, running.seconds_left) == (None, None)
    once = running.heard(Progress(10, 100))
    assert (once.rate, once.seconds_left) == (None, None)  # one report says nothing of the pace
    twice = replace(once, last=Progress(30, 100), last_at=once.first_at + 4.0)
    assert twice.rate == pytest.approx(5.0)
    assert twice.seconds_left == pytest.approx(14.0)
