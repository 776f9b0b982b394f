"""The driver: keeps slots busy, stops cells, and ends with a signal or an error."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock, Timeout

from toonlab import Slot, UnfitSlotError, discover
from toonlab.errors import BusyError
from toonlab.recipes.load import load
from toonlab.registry.executors import Executor
from toonlab.studies.executors.cell import Cell, CellSpec, cells_of
from toonlab.studies.executors.cell_task import TaskResult
from toonlab.studies.executors.display import Display
from toonlab.studies.executors.driver import CellList, Driver, locked
from toonlab.studies.executors.process import ProcessOptions, RunProgress
from toonlab.studies.executors.progress import StudyProgress
from toonlab.studies.results.results import CellResult, StudyResults, Variant
from toonlab.utils.signals import Interrupted


@pytest.fixture
def cells(small: Path) -> list[Cell]:
    catalogue = discover()
    own = ["train.evaluate_every=1", "evaluate.samples=1", "observers=null"]
    recipes = [load(small, catalogue, [*own, f"train.seed={seed}"]) for seed in range(4)]
    return cells_of([CellSpec(Variant("small"), recipe) for recipe in recipes], catalogue)


def progress_of(cells: Sequence[Cell], directory: Path) -> StudyProgress:
    directory.mkdir(exist_ok=True)
    return StudyProgress(StudyResults("study", directory, [cell.waiting for cell in cells]), write=False)


@pytest.fixture
def local() -> Iterator[Executor]:
    with discover().make("executors", "local", jobs=2, device="cpu") as executor:
        yield executor


class Slots:
    """Runs a function in place of a cell's task, in two slots of this process."""

    def __init__(self, work: Callable[[Cell], TaskResult], count: int = 2) -> None:
        self.work, self.slots = work, [Slot("here")] * count
        self.begun: list[str] = []
        self.stopped: dict[str, str] = {}
        self._pool = ThreadPoolExecutor(count)

    def submit(self, function: Any, cell: Cell, *_: Any, key: str, **__: Any) -> Future[TaskResult]:
        self.begun.append(key)
        return self._pool.submit(self.work, cell)

    def stop(self, key: str, reason: str) -> None:
        self.stopped[key] = reason


def finished(cell: Cell) -> TaskResult:
    return TaskResult(replace(cell.waiting, status="finished", outcome={"metrics": {}, "costs": {}, "seconds": 1.0}))


def test_real_cells_run_and_their_results_are_those_of_the_study(
    cells: list[Cell], local: Executor, tmp_path: Path
) -> None:
    progress = progress_of(cells, tmp_path / "study")
    Driver(local, progress, ProcessOptions(tmp_path / "study")).run(CellList(cells, progress), Display())
    assert [cell.status for cell in progress.results.cells] == ["finished"] * 4
    assert {cell.values["lines"] for cell in progress.results.cells}
    assert not progress.running


def test_cells_begin_in_order_and_never_more_at_once_than_there_are_slots(cells: list[Cell], tmp_path: Path) -> None:
    most = 0

    def work(cell: Cell) -> TaskResult:
        nonlocal most
        most = max(most, len(driver._running))
        return finished(cell)

    progress, executor = progress_of(cells, tmp_path), Slots(work)
    driver = Driver(executor, progress, ProcessOptions(tmp_path))  # type: ignore[arg-type]
    driver.run(CellList(cells, progress), Display())
    assert executor.begun == [f"{tmp_path.name}/{cell.run}" for cell in cells]
    assert most <= 2


class Pruned(CellList):
    """Stops every cell at its first evaluation."""

    ended: list[CellResult]

    def report(self, cell: Cell, progress: RunProgress) -> str | None:
        return "pruned" if progress.metrics else None


def test_a_source_stops_a_running_cell(small: Path, local: Executor, tmp_path: Path) -> None:
    catalogue = discover()
    own = ["train.steps=100000", "train.evaluate_every=1", "evaluate.samples=1", "observers=null"]
    cells = cells_of([CellSpec(Variant("small"), load(small, catalogue, own))], catalogue)
    progress = progress_of(cells, tmp_path / "study")
    Driver(local, progress, ProcessOptions(tmp_path / "study")).run(Pruned(cells, progress), Display())
    (result,) = progress.results.cells
    assert (result.status, result.reason) == ("stopped", "pruned")


def test_a_cell_that_runs_out_of_memory_is_tried_once_more_alone(cells: list[Cell], tmp_path: Path) -> None:
    tried: list[tuple[str, int]] = []

    def work(cell: Cell) -> TaskResult:
        while not tried and len(driver._running) < 2:
            pass
        tried.append((cell.run, len(driver._running)))
        short = replace(cell.waiting, status="failed", reason="OutOfMemoryError")
        return TaskResult(short, out_of_memory=True) if cell is cells[0] else finished(cell)

    progress = progress_of(cells, tmp_path)
    driver = Driver(Slots(work), progress, ProcessOptions(tmp_path))  # type: ignore[arg-type]
    driver.run(CellList(cells, progress), Display())
    first, *others = progress.results.cells
    attempts = [running for run, running in tried if run == cells[0].run]
    assert (len(attempts), attempts[-1]) == (2, 1)
    assert (first.status, first.reason) == ("failed", "OutOfMemoryError")
    assert all(cell.status == "finished" for cell in others)


def test_a_cell_that_no_slot_fits_has_failed(cells: list[Cell], tmp_path: Path) -> None:
    def work(cell: Cell) -> TaskResult:
        raise UnfitSlotError("the code of toonlab differs from the study's")

    progress = progress_of(cells, tmp_path)
    Driver(Slots(work), progress, ProcessOptions(tmp_path)).run(CellList(cells, progress), Display())  # type: ignore[arg-type]
    reasons = {(cell.status, cell.reason) for cell in progress.results.cells}
    assert reasons == {("failed", "the code of toonlab differs from the study's")}


def test_an_error_stops_the_other_cells_and_is_raised(cells: list[Cell], tmp_path: Path) -> None:
    def work(cell: Cell) -> TaskResult:
        if cell is cells[0]:
            raise ZeroDivisionError
        while not executor.stopped:
            pass
        return finished(cell)

    progress, executor = progress_of(cells, tmp_path), Slots(work)
    with pytest.raises(ZeroDivisionError):
        Driver(executor, progress, ProcessOptions(tmp_path)).run(CellList(cells, progress), Display())  # type: ignore[arg-type]
    assert set(executor.stopped.values()) == {"ZeroDivisionError"}


def test_a_signal_stops_all_cells_and_begins_no_other(cells: list[Cell], tmp_path: Path) -> None:
    def work(cell: Cell) -> TaskResult:
        if cell is cells[0]:
            os.kill(os.getpid(), signal.SIGTERM)
        while not executor.stopped:
            pass
        return TaskResult(replace(cell.waiting, status="stopped", reason="signal SIGTERM"))

    progress, executor = progress_of(cells, tmp_path), Slots(work)
    with pytest.raises(Interrupted, match="stopped by SIGTERM; the same command continues from there"):
        Driver(executor, progress, ProcessOptions(tmp_path)).run(CellList(cells, progress), Display())  # type: ignore[arg-type]
    assert set(executor.stopped.values()) == {"signal SIGTERM"}
    assert [cell.status for cell in progress.results.cells] == ["stopped", "stopped", "waiting", "waiting"]


def test_a_study_is_driven_by_one_process_at_a_time(cells: list[Cell], tmp_path: Path) -> None:
    progress = progress_of(cells, tmp_path)
    with FileLock(tmp_path / ".driver.lock"), pytest.raises(BusyError, match="another process runs this study"):
        Driver(Slots(finished), progress, ProcessOptions(tmp_path)).run(CellList(cells, progress), Display())  # type: ignore[arg-type]


def test_the_slots_are_told_before_the_first_cell_begins(cells: list[Cell], tmp_path: Path) -> None:
    progress, executor = progress_of(cells, tmp_path), Slots(finished)
    seen: list[tuple[int, int]] = []
    driver = Driver(
        executor,  # type: ignore[arg-type]
        progress,
        ProcessOptions(tmp_path),
        on_slots=lambda slots: seen.append((len(slots), len(executor.begun))),
    )
    driver.run(CellList(cells, progress), Display())
    assert seen == [(2, 0)]


@pytest.mark.parametrize(("gpus", "checked"), [(("0", "0"), True), (("0", "1"), False)])
def test_memory_is_checked_where_slots_share_a_gpu(
    cells: list[Cell], tmp_path: Path, gpus: tuple[str, str], checked: bool
) -> None:
    given: list[ProcessOptions] = []

    class Seen(Slots):
        def submit(self, function: Any, cell: Cell, *options: Any, key: str, **__: Any) -> Future[TaskResult]:
            given.extend(options)
            return super().submit(function, cell, key=key)

    progress, executor = progress_of(cells, tmp_path), Seen(finished)
    executor.slots = [Slot("here", "cuda", (gpu,)) for gpu in gpus]
    Driver(executor, progress, ProcessOptions(tmp_path)).run(CellList(cells, progress), Display())  # type: ignore[arg-type]
    assert [options.check_memory for options in given] == [checked] * 4


def test_cells_may_follow_one_another(cells: list[Cell], tmp_path: Path) -> None:
    most = 0

    def work(cell: Cell) -> TaskResult:
        nonlocal most
        most = max(most, len(driver._running))
        return finished(cell)

    progress = progress_of(cells, tmp_path)
    driver = Driver(Slots(work), progress, ProcessOptions(tmp_path), at_once=1)  # type: ignore[arg-type]
    driver.run(CellList(cells, progress), Display())
    assert most == 1
    assert [cell.status for cell in progress.results.cells] == ["finished"] * 4


def test_blocks_of_one_process_may_be_nested(tmp_path: Path) -> None:
    with locked(tmp_path):
        with locked(tmp_path):
            pass
        with pytest.raises(Timeout):
            FileLock(tmp_path / ".driver.lock").acquire(timeout=0)
    with FileLock(tmp_path / ".driver.lock").acquire(timeout=0):
        pass
