"""The queue of a study that one process runs."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from toonlab import discover
from toonlab.errors import BusyError
from toonlab.recipes.load import load
from toonlab.studies.executors.cell import Cell, CellSpec, cells_of
from toonlab.studies.executors.pool import Executor
from toonlab.studies.executors.progress import StudyProgress
from toonlab.studies.executors.queue import LocalQueue
from toonlab.studies.results.results import CellResult, Results, Variant


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
    progress = StudyProgress(Results("s", tmp_path, [cell.waiting for cell in cells]), write=False)
    task = LocalQueue(cells).take()
    assert task is not None
    task(Busy(progress, ["cpu"]), "cpu")
    first, second, *_ = progress.results.cells
    assert (first.status, first.reason) == ("failed", f"{cells[0].run}: another process trains there")
    assert second.status == "waiting"
