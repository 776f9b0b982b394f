"""The task of a cell, as an executor runs it in a slot: the cell's run in a process of its own, to its end."""

from __future__ import annotations

import io
import math
import tarfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

from toonlab.engine.train import identity_of
from toonlab.registry.catalogue import discover
from toonlab.registry.executors import TaskContext, UnfitSlotError
from toonlab.runs.directory import differences, digest, read_outcome
from toonlab.studies.results.results import CellResult

from .cell import Cell, with_seed
from .process import CellProcess, Failed, ProcessOptions

_PAUSE = 0.5  # seconds between two looks at a process
_RETRY = 2.0  # seconds between two attempts at a directory in which another process trains
_BUSY = 150.0  # seconds that such a process may take: one whose study is gone notices and saves
_SIGNAL = 5.0  # seconds that one program may receive a signal later than another
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


def run_cell(cell: Cell, options: ProcessOptions, context: TaskContext) -> TaskResult:
    """Run a cell to its end; one that has finished in this directory is not run again.

    Raises:
        UnfitSlotError: if the code or the data of this machine are not those of the study.
    """
    if not options.here:
        _check(cell)
    result, failed = cell.result(options.directory), None
    until = time.monotonic() + _BUSY
    while result.status != "finished":
        result, failed = _attempt(cell, options, context)
        if not (failed and failed.kind == "busy") or time.monotonic() > until or context.stop_reason():
            break
        time.sleep(_RETRY)
    return TaskResult(result, _files(result, options), bool(failed and failed.kind == "memory"))


def _attempt(cell: Cell, options: ProcessOptions, context: TaskContext) -> tuple[CellResult, Failed | None]:
    process, stop, limit = CellProcess(cell, context.slot, options), None, options.time_limit
    until, late = time.monotonic() + (limit or math.inf), False
    while process.running:
        for report in process.reports(_PAUSE):
            context.send(report)
        stop = stop or context.stop_reason()
        if not stop and time.monotonic() > until:
            stop, late = f"out of time: it took longer than the time_limit of {limit:g} s", True
        if stop:
            process.stop(stop)
    failed, outcome = process.end(), read_outcome(options.directory / cell.run)
    record = outcome.to_json() if outcome else None
    if outcome and outcome.status == "finished":
        return replace(cell.waiting, status="finished", outcome=record), None
    if outcome and outcome.status == "stopped" and not failed:
        stop = stop or _reason_heard(context) or outcome.reason
    if stop and not late:
        return replace(cell.waiting, status="stopped", reason=stop, outcome=record), None
    cause = failed or outcome
    reason = stop or (cause and cause.reason) or "its process ended without an outcome"
    return replace(cell.waiting, status="failed", reason=reason, log=process.last_lines()), failed


def _reason_heard(context: TaskContext) -> str | None:
    """Why to stop, if a signal that has stopped a run by itself is for the study or the worker as well."""
    until = time.monotonic() + _SIGNAL
    while not (reason := context.stop_reason()) and time.monotonic() < until:
        time.sleep(_PAUSE)
    return reason


def _check(cell: Cell) -> None:
    """Compare the code and the data of this machine with those of the study; once for all seeds of a variant."""
    study = with_seed(cell.identity, 0)
    if digest(study) in _CHECKED:
        return
    here = with_seed(identity_of(cell.spec.recipe, discover()), 0)
    if here != study:
        what = " and ".join(differences(study, here)) or "the recipe"
        raise UnfitSlotError(f"{what} {'differ' if ' and ' in what else 'differs'} from the study's")
    _CHECKED.add(digest(study))


# -- files of a run on a disk of its own


def _files(cell: CellResult, options: ProcessOptions) -> bytes | None:
    directory = options.directory / cell.run
    if options.here or options.shared or not directory.is_dir():
        return None
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for path in sorted(directory.iterdir(), key=lambda path: path.name == "outcome.json"):  # last: then it counts
            archive.add(path, path.name, filter=lambda file: None if Path(file.name).name in _LEFT_BEHIND else file)
    return packed.getvalue()


def unpack(files: bytes, directory: Path) -> None:
    """Write the files of a run that was trained on another disk into its directory."""
    with tarfile.open(fileobj=io.BytesIO(files)) as archive:
        archive.extractall(directory, filter="data")
