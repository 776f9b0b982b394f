"""The task of a cell: its result, its early end, and its files where the study's disk is another one."""

from __future__ import annotations

import io
import os
import signal
import socket
import tarfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from toonlab import Slot, UnfitSlotError, discover
from toonlab.recipes.load import load
from toonlab.studies.executors.cell import Cell, CellSpec, cells_of
from toonlab.studies.executors.cell_task import run_cell, unpack
from toonlab.studies.executors.process import CellProcess, ProcessOptions, RunProgress
from toonlab.studies.results.results import Variant

ELSEWHERE = "the token of another program"


def cell_of(recipe: Path, *overrides: str) -> Cell:
    catalogue = discover()
    own = ["train.evaluate_every=1", "evaluate.samples=1", "observers=null"]
    return cells_of([CellSpec(Variant("small"), load(recipe, catalogue, [*own, *overrides]))], catalogue)[0]


@dataclass
class Context:
    """A `TaskContext` that keeps what it is sent."""

    stop: Callable[[list[RunProgress]], str | None] = lambda _: None
    sent: list[Any] = field(default_factory=list)
    slot: Slot = field(default_factory=lambda: Slot(socket.gethostname()))

    def send(self, message: Any) -> None:
        self.sent.append(message)

    def stop_reason(self) -> str | None:
        return self.stop(self.sent)


@pytest.fixture
def cell(small: Path) -> Cell:
    return cell_of(small)


def test_a_cell_runs_once_and_its_result_is_reused(cell: Cell, tmp_path: Path) -> None:
    context, options = Context(), ProcessOptions(tmp_path / "study")
    first = run_cell(cell, options, context)
    assert (first.cell.status, first.cell.reused, first.files) == ("finished", False, None)
    assert [report.step for report in context.sent if report.metrics] == [1, 2, 3, 4]
    second = run_cell(cell, options, Context())
    assert (second.cell.reused, second.cell.outcome) == (True, first.cell.outcome)


def test_a_request_stops_a_run_with_its_reason(small: Path, tmp_path: Path) -> None:
    cell = cell_of(small, "train.steps=100000")
    context = Context(lambda sent: "pruned" if any(report.metrics for report in sent) else None)
    result = run_cell(cell, ProcessOptions(tmp_path / "study"), context).cell
    assert (result.status, result.reason) == ("stopped", "pruned")
    assert result.outcome is not None
    assert 1 <= result.outcome["step"] < 100000


@pytest.mark.parametrize("heard", [None, "its worker was stopped"])
def test_a_run_that_a_signal_stopped_has_not_failed(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, heard: str | None
) -> None:
    """A terminal and Slurm send it to all processes, and who runs the cell may receive it later than the run."""
    begun: list[CellProcess] = []
    monkeypatch.setattr(
        "toonlab.studies.executors.cell_task.CellProcess", lambda *given: begun.append(CellProcess(*given)) or begun[-1]
    )
    monkeypatch.setattr("toonlab.studies.executors.cell_task._SIGNAL", 1.0)
    cell, options = cell_of(small, "train.steps=100000"), ProcessOptions(tmp_path / "study")

    def kill(sent: Sequence[Any]) -> str | None:
        if begun[0].running and sent:
            os.kill(begun[0]._process._pid or 0, signal.SIGTERM)
        return None if begun[0].running else heard

    result = run_cell(cell, options, Context(kill)).cell
    assert (result.status, result.reason) == ("stopped", heard or "signal SIGTERM")


def test_a_run_that_takes_too_long_has_failed(small: Path, tmp_path: Path) -> None:
    cell = cell_of(small, "train.steps=100000")
    result = run_cell(cell, ProcessOptions(tmp_path / "study", time_limit=1), Context()).cell
    assert (result.status, result.reason) == ("failed", "out of time: it took longer than the time_limit of 1 s")


def test_the_files_of_a_run_come_back_where_the_disk_is_another_one(cell: Cell, tmp_path: Path) -> None:
    options = ProcessOptions(tmp_path / "theirs" / "study", token=ELSEWHERE)
    result = run_cell(cell, options, Context())
    assert result.files is not None
    with tarfile.open(fileobj=io.BytesIO(result.files)) as archive:
        assert archive.getnames()[-1] == "outcome.json"  # a run that is unpacked in part does not count as finished
    ours, theirs = tmp_path / "ours" / cell.run, options.directory / cell.run
    unpack(result.files, ours)
    found = {path.relative_to(ours) for path in ours.rglob("*") if path.is_file()}
    there = {path.relative_to(theirs) for path in theirs.rglob("*") if path.is_file()}
    assert {path.name for path in there - found} <= {"state.pt", ".lock"}
    assert {Path("outcome.json"), Path("metrics.jsonl"), Path("recipe.yaml")} <= found
    assert any(path.name == "generator.safetensors" for path in found)
    again = run_cell(cell, options, Context())  # the driver has lost the result: it is sent once more
    assert again.cell.reused
    assert again.files is not None


def test_no_files_travel_where_the_disk_is_shared(cell: Cell, tmp_path: Path) -> None:
    options = ProcessOptions(tmp_path / "study", token=ELSEWHERE)
    options.directory.mkdir()
    options.token_file.write_text(options.token)
    assert run_cell(cell, options, Context()).files is None


def test_a_machine_with_other_code_or_data_runs_no_cell(cell: Cell, tmp_path: Path) -> None:
    def changed(key: str, value: Mapping[str, Any]) -> Cell:
        return replace(cell, identity={**cell.identity, key: value})

    options = ProcessOptions(tmp_path / "study", token=ELSEWHERE)
    code = changed("code", {**cell.identity["code"], "toonlab_basics": "0"})
    with pytest.raises(UnfitSlotError, match="the code of toonlab_basics differs from the study's"):
        run_cell(code, options, Context())
    with pytest.raises(UnfitSlotError, match="the data differs from the study's"):
        run_cell(changed("data", {}), options, Context())
    assert not options.directory.exists()


def test_another_run_in_the_directory_is_waited_for(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be one whose study was killed: it notices, saves and ends."""
    cell, options = cell_of(small, "train.steps=60"), ProcessOptions(tmp_path / "study")
    monkeypatch.setattr("toonlab.studies.executors.cell_task._RETRY", 0.1)
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(run_cell, cell, options, Context(lambda sent: "enough" if sent else None))
        while not (options.directory / cell.run / ".lock").exists():
            time.sleep(0.01)
        second = threads.submit(run_cell, cell, options, Context())
    assert first.result().cell.status in ("stopped", "finished")
    assert second.result().cell.status == "finished"


def test_this_process_is_the_drivers() -> None:
    assert ProcessOptions(Path("study")).here
    assert not ProcessOptions(Path("study"), token=ELSEWHERE).here
