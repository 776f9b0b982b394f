"""A cell's run in a process of its own: any failure there costs that cell alone."""

from __future__ import annotations

import os
import secrets
import signal
import sys
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Literal

import torch

from toonlab.engine.train import train
from toonlab.errors import BusyError, ToonlabError, is_out_of_memory, reason
from toonlab.recipes.spec import Recipe
from toonlab.registry.catalogue import Catalogue, discover
from toonlab.registry.executors import Slot
from toonlab.registry.hookspecs import hookimpl
from toonlab.types import Run
from toonlab.utils.reading import read_bytes

from .cell import Cell
from .fork_server import server
from .memory import check_room

_TOKEN = secrets.token_hex(8)  # of this program: hosts and process numbers of containers may be the same
_LINES = 20  # of its log that a failed cell is shown with
_PAUSE = 0.2  # seconds between two reports of progress
PATIENCE = 60.0  # seconds that a run which was asked to stop may take


@dataclass(frozen=True)
class ProcessOptions:
    """Settings of the processes of all cells of a study.

    Args:
        directory: of the study.
        command: the command that the run's environment file names.
        group: the study that the run is part of, for trackers.
        tracking_uri: where trackers keep the run, instead of the recipe's own.
        time_limit: seconds that a cell may take.
        check_memory: whether a cell on a GPU is checked to fit in what is free there, before it begins.
        token: names the study's program; the file `.driver` in the study's directory holds it, so that a worker knows
            whether it sees the same directory.
    """

    directory: Path
    command: str | None = None
    group: str | None = None
    tracking_uri: str | None = None
    time_limit: float | None = None
    check_memory: bool = False
    token: str = _TOKEN

    @property
    def here(self) -> bool:
        """Whether this is the study's own program."""
        return self.token == _TOKEN

    @property
    def shared(self) -> bool:
        """Whether this process sees the study's directory that its program sees."""
        with suppress(OSError, ToonlabError):
            return read_bytes(self.token_file, "run the study again") == self.token.encode()
        return False

    @property
    def token_file(self) -> Path:
        return self.directory / ".driver"


@dataclass(frozen=True)
class RunProgress:
    """The step that a run is at; `metrics` where it has just been evaluated."""

    step: int
    steps: int
    metrics: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Failed:
    """Why a run ended without being finished; `busy`: another process trains in its directory."""

    reason: str
    kind: Literal["error", "busy", "memory"] = "error"


class CellProcess:
    """The process of a cell's run, from its start to its end."""

    def __init__(self, cell: Cell, slot: Slot, options: ProcessOptions) -> None:
        self.log = options.directory / "logs" / f"{cell.run}.log"
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self._asked_to_stop: float | None = None
        self._failed: Failed | None = None
        programs = server(preloads([cell.spec.recipe], discover()))
        gpus = {"CUDA_VISIBLE_DEVICES": ",".join(slot.gpus)} if slot.gpus else {}
        self._process = programs.start(_run_cell, cell, slot, options, self.log, environment=gpus)

    @property
    def running(self) -> bool:
        return self._process.running

    def reports(self, seconds: float) -> Iterator[RunProgress]:
        """The run's reports within a time, which ends early when the process ends."""
        for message in self._process.messages(seconds):
            if isinstance(message, RunProgress):
                yield message
            else:
                self._failed = message

    def stop(self, reason: str) -> None:
        """Ask the run to save and stop after its current step; if it does not within a minute, it is killed."""
        if self._asked_to_stop is None:
            self._asked_to_stop = time.monotonic()
            self._process.send(reason)
        elif time.monotonic() - self._asked_to_stop > PATIENCE:
            self._process.kill()

    def end(self) -> Failed | None:
        """Wait for the process's end; why it failed, where its run's outcome does not say so."""
        while self.running:
            list(self.reports(_PAUSE))
        list(self.reports(0))  # what it sent between the last look and its end
        code = self._process.wait()
        if self._failed or code == 0:
            return self._failed
        return Failed(_killed(-code) if code < 0 else f"its process ended with exit code {code}")

    def last_lines(self) -> tuple[str, ...]:
        """The end of the run's log."""
        text = self.log.read_text(encoding="utf-8", errors="replace") if self.log.exists() else ""
        return tuple(line for line in text.splitlines() if line.strip())[-_LINES:]


def preloads(recipes: Sequence[Recipe], catalogue: Catalogue) -> list[str]:
    """The modules that plugins ask to import ahead for the observers of some recipes.

    A plugin whose observer imports much when a run begins names a module that does, as an entry point of the group
    `toonlab.preload`.
    """
    parts = [part for recipe in recipes for part in recipe.observers.values()]
    used = {catalogue.get(part.kind, part.use).factory.__module__.partition(".")[0] for part in parts}
    names = [entry.value for entry in entry_points(group="toonlab.preload")]
    return sorted(name for name in names if name.partition(".")[0] in used)


def _killed(number: int) -> str:
    name = signal.Signals(number).name
    hint = "; perhaps the memory was full" if name == "SIGKILL" else ""
    return f"its process was killed by {name}{hint}"


# -- in the process


def _run_cell(pipe: Connection, cell: Cell, slot: Slot, options: ProcessOptions, log: Path) -> None:
    _write_to(log)
    torch.set_num_threads(min(slot.threads, torch.get_num_threads()))  # fewer, by OMP_NUM_THREADS
    recipe, catalogue = cell.spec.recipe, discover()
    try:
        if slot.gpus and options.check_memory and recipe.stages:
            check_room(recipe, catalogue, torch.device(slot.device))
        train(
            recipe,
            catalogue,
            root=options.directory.parent,
            experiment=options.directory.name,
            distributed=slot.device,
            command=options.command,
            listeners={"study": _Relay(pipe)},
            identity=cell.identity,
            study=options.group,
            tracking_uri=options.tracking_uri,
            split=cell.spec.split,
        )
    except KeyboardInterrupt:
        pass  # saved; the outcome says so
    except BaseException as error:
        if not isinstance(error, ToonlabError):
            traceback.print_exc()
        print(f"error: {reason(error)}", file=sys.stderr, flush=True)
        with suppress(OSError):
            pipe.send(Failed(reason(error), _kind(error)))
        raise SystemExit(2) from None


def _kind(error: BaseException) -> Literal["error", "busy", "memory"]:
    if isinstance(error, BusyError):
        return "busy"
    return "memory" if is_out_of_memory(error) else "error"


def _write_to(log: Path) -> None:
    """Send everything that this process prints to a file, the lines of compiled libraries included."""
    log.parent.mkdir(parents=True, exist_ok=True)
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for number, stream in ((1, sys.stdout), (2, sys.stderr)):
        stream.flush()
        os.dup2(file, number)
    os.close(file)


class _Relay:
    """The observer that reports a run's progress to the study, and stops the run when the study asks for it or ends."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe, self._last = pipe, 0.0

    @hookimpl
    def on_step_end(self, run: Run, step: int) -> None:
        if time.monotonic() - self._last > _PAUSE:
            self._send(RunProgress(step, run.steps))

    @hookimpl
    def on_evaluation_end(self, run: Run, step: int, metrics: Mapping[str, float]) -> None:
        self._send(RunProgress(step, run.steps, dict(metrics)))

    @hookimpl
    def stop_reason(self) -> str | None:
        try:
            return str(self._pipe.recv()) if self._pipe.poll() else None
        except (EOFError, OSError):
            return "the study that started it is gone"

    def _send(self, progress: RunProgress) -> None:
        self._last = time.monotonic()
        with suppress(OSError):
            self._pipe.send(progress)
