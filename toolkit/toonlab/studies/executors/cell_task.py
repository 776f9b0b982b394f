"""The task of a cell, as an executor runs it in a slot: the cell's run in a process of its own, to its end."""

from __future__ import annotations

import io
import tarfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from toonlab.engine.train import identity_of
from toonlab.registry.catalogue import discover
from toonlab.registry.executors import TaskContext, UnfitSlotError
from toonlab.runs.directory import differences, digest, read_outcome
from toonlab.studies.results.results import CellResult

from .cell import Cell
from .process import CellProcess, Failed, ProcessOptions

_PAUSE = 0.5  # seconds between two looks at a process
_RETRY = 2.0  # seconds between two attempts at a directory in which another process trains
_BUSY = 150.0  # seconds that such a process may take: one whose study is gone notices and saves
_LEFT_BEHIND = {".lock", "state.pt"}  # of what only the resume of a run needs
_CHECKED: set[str] = set()  # digests of the identities, apart from seeds, that this machine's code and data have


@dataclass(frozen=True)
class TaskResult:
    """A cell's result.

    Args:
        files: the run's directory as a tar archive, if the study's program can't see it; without the training's state.
        out_of_memory: whether the run failed for lack of memory.
    """

    cell: CellResult
    files: bytes | None = None
    out_of_memory: bool = False


@dataclass(frozen=True)
class _StopRequest:
    reason: str
    failed: bool = False


def run_cell(cell: Cell, options: ProcessOptions, context: TaskContext) -> TaskResult:
    """Run a cell to its end; one that has finished in this directory is not run again.

    Raises:
        UnfitSlotError: if the code or the data of this machine are not those of the study.
    """
    if not options.here:
        _check(cell)
    before = cell.result(options.directory)
    if before.status == "finished":
        return TaskResult(before, _files(before, options))
    until = time.monotonic() + _BUSY
    while True:
        result, failed = _attempt(cell, options, context)
        if not (failed and failed.kind == "busy") or time.monotonic() > until or context.stop_reason():
            return TaskResult(result, _files(result, options), bool(failed and failed.kind == "memory"))
        time.sleep(_RETRY)


def _attempt(cell: Cell, options: ProcessOptions, context: TaskContext) -> tuple[CellResult, Failed | None]:
    process = CellProcess(cell, context.slot, options)
    stop, began = None, time.monotonic()
    while process.running:
        for report in process.reports(_PAUSE):
            context.send(report)
        stop = stop or _stop_request(context, time.monotonic() - began, options.time_limit)
        if stop:
            process.stop(stop.reason)
    failed = process.end()
    outcome = read_outcome(options.directory / cell.run) if (options.directory / cell.run).is_dir() else None
    if outcome and outcome.status == "finished":
        return replace(cell.waiting, status="finished", outcome=outcome.to_json()), None
    if stop and not stop.failed:
        ended = outcome.to_json() if outcome else None
        return replace(cell.waiting, status="stopped", reason=stop.reason, outcome=ended), None
    cause = stop or failed or outcome
    reason = (cause and cause.reason) or "its process ended without an outcome"
    return replace(cell.waiting, status="failed", reason=reason, log=process.last_lines()), failed


def _stop_request(context: TaskContext, seconds: float, limit: float | None) -> _StopRequest | None:
    if reason := context.stop_reason():
        return _StopRequest(reason)
    if limit and seconds > limit:
        return _StopRequest(f"out of time: it took longer than the time_limit of {limit:g} s", failed=True)
    return None


def _check(cell: Cell) -> None:
    """Compare the code and the data of this machine with those of the study; once for all seeds of a variant."""
    study = _without_seed(cell.identity)
    if digest(study) in _CHECKED:
        return
    here = _without_seed(identity_of(cell.spec.recipe, discover()))
    if here != study:
        what = " and ".join(differences(study, here)) or "the recipe"
        raise UnfitSlotError(f"{what} {'differ' if ' and ' in what else 'differs'} from the study's")
    _CHECKED.add(digest(study))


def _without_seed(identity: Mapping[str, Any]) -> dict[str, Any]:
    recipe = identity["recipe"]
    train = {key: value for key, value in recipe["train"].items() if key != "seed"}
    return {**identity, "recipe": {**recipe, "train": train}}


# -- files of a run on a disk of its own


def _files(cell: CellResult, options: ProcessOptions) -> bytes | None:
    directory = options.directory / cell.run
    if options.here or options.shared or not directory.is_dir():
        return None
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        archive.add(directory, "", filter=lambda file: None if Path(file.name).name in _LEFT_BEHIND else file)
    return packed.getvalue()


def unpack(files: bytes, directory: Path) -> None:
    """Write the files of a run that was trained on another disk into its directory."""
    with tarfile.open(fileobj=io.BytesIO(files)) as archive:
        archive.extractall(directory, filter="data")
