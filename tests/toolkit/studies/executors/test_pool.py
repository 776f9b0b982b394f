"""The executor and its queue: a cell's result, and all cells when one thread fails."""

from __future__ import annotations

import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from toonlab import discover
from toonlab.errors import BusyError
from toonlab.recipes.load import load
from toonlab.studies.executors.cell import Cell, CellSpec, cells_of
from toonlab.studies.executors.display import Display
from toonlab.studies.executors.pool import Executor, LocalQueue, Task
from toonlab.studies.executors.process import RunProgress
from toonlab.studies.executors.progress import StudyProgress
from toonlab.studies.results.results import CellResult, StudyResults, Variant
from toonlab.utils.signals import Interrupted


def cell_of(recipe: Path, *overrides: str) -> Cell:
    catalogue = discover()
    own = ["train.evaluate_every=1", "evaluate.samples=1", "observers=null"]
    return cells_of([CellSpec(Variant("small"), load(recipe, catalogue, [*own, *overrides]))], catalogue)[0]


@pytest.fixture
def cell(small: Path) -> Cell:
    return cell_of(small)


@pytest.fixture
def executor(cell: Cell, tmp_path: Path) -> Executor:
    return Executor(StudyProgress(StudyResults("study", tmp_path / "study", [cell.waiting])), ["cpu"])


def test_a_cell_runs_once_and_its_result_is_reused(cell: Cell, executor: Executor) -> None:
    seen: list[RunProgress] = []

    def watch(report: RunProgress | None) -> None:
        seen.extend([report] if report else [])

    first = executor.run_cell(cell, "cpu", watch)
    assert (first.status, first.reused) == ("finished", False)
    assert [report.step for report in seen if report.metrics] == [1, 2, 3, 4]
    (running,) = executor.progress.running  # the caller ends it
    assert running.last == seen[-1]
    second = executor.run_cell(cell, "cpu")
    assert (second.reused, second.outcome) == (True, first.outcome)


def test_a_watch_stops_a_run_with_its_reason(small: Path, executor: Executor) -> None:
    cell = cell_of(small, "train.steps=100000")
    result = executor.run_cell(cell, "cpu", lambda report: "pruned" if report and report.metrics else None)
    assert (result.status, result.reason) == ("stopped", "pruned")
    assert result.outcome is not None
    assert 1 <= result.outcome["step"] < 100000


def test_finished_cells_start_no_process(cell: Cell, executor: Executor, monkeypatch: pytest.MonkeyPatch) -> None:
    executor.progress.end(executor.run_cell(cell, "cpu"))
    monkeypatch.setattr("toonlab.studies.executors.process.server", None)
    executor.run(LocalQueue([cell]), Display())
    (result,) = executor.progress.results.cells
    assert result.reused


class Broken:
    """A queue whose first task fails, while the other thread waits for work."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error, self.stopped = error, threading.Event()
        self.tasks = iter([self.fail])

    def fail(self, executor: Executor, device: str) -> None:
        if self.error:
            raise self.error
        os.kill(os.getpid(), signal.SIGTERM)

    def take(self) -> Task | None:
        return next(self.tasks, None)

    def wait(self) -> bool:
        return True


def executor_of_two(tmp_path: Path) -> Executor:
    return Executor(StudyProgress(StudyResults("study", tmp_path, []), write=False), ["cpu", "cpu"])


def test_an_error_in_one_thread_ends_the_others_and_is_raised(tmp_path: Path) -> None:
    executor = executor_of_two(tmp_path)
    with pytest.raises(ZeroDivisionError):
        executor.run(Broken(ZeroDivisionError()), Display())
    assert executor.stopping == "the execution of another cell has failed"


def test_a_signal_ends_all_threads(tmp_path: Path) -> None:
    executor = executor_of_two(tmp_path)
    with pytest.raises(Interrupted, match="stopped by SIGTERM; the same command continues from there"):
        executor.run(Broken(), Display())
    assert executor.stopping == "signal SIGTERM"


@pytest.fixture
def cells(small: Path) -> list[Cell]:
    catalogue = discover()
    specs = [CellSpec(Variant("small"), load(small, catalogue, [f"train.seed={seed}"])) for seed in range(4)]
    return cells_of(specs, catalogue)


class Busy(Executor):
    """Finds every run directory taken."""

    def run_cell(self, cell: Cell, *_: Any) -> CellResult:
        raise BusyError(f"{cell.run}: another process trains there")


def test_each_cell_is_handed_out_once(cells: list[Cell]) -> None:
    queue = LocalQueue(cells)
    with ThreadPoolExecutor(4) as threads:
        tasks = list(threads.map(lambda _: queue.take(), range(6)))
    assert sorted(task.args[0].run for task in tasks if task) == sorted(cell.run for cell in cells)
    assert tasks.count(None) == 2
    assert not queue.wait()  # no other worker leaves anything


def test_a_cell_whose_directory_is_taken_has_failed(cells: list[Cell], tmp_path: Path) -> None:
    progress = StudyProgress(StudyResults("s", tmp_path, [cell.waiting for cell in cells]), write=False)
    task = LocalQueue(cells).take()
    assert task is not None
    task(Busy(progress, ["cpu"]), "cpu")
    first, second, *_ = progress.results.cells
    assert (first.status, first.reason) == ("failed", f"{cells[0].run}: another process trains there")
    assert second.status == "waiting"
