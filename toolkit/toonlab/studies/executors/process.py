"""A run in a process of its own: whatever goes wrong there costs that run alone."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import time
import traceback
import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from multiprocessing import forkserver
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

import torch

from toonlab.engine.train import train
from toonlab.errors import BusyError, ToonlabError
from toonlab.recipes.spec import Recipe
from toonlab.registry.catalogue import Catalogue, discover
from toonlab.registry.hookspecs import hookimpl
from toonlab.registry.observers import Run

MODULES = "TOONLAB_PRELOAD"  # the variable by which the server hears of further modules
_LINES = 20  # of its log that a failed run is shown with
_PAUSE = 0.2  # seconds between two reports of progress
PATIENCE = 60.0  # seconds that a run which was asked to stop may take


@dataclass(frozen=True)
class Job:
    """What a process is to run, and where.

    Args:
        what: the run's identity.
        root: the folder of all runs.
        study: the folder within.
        device: any that `devices.pick_device` takes.
        threads: torch's, on a CPU; None: torch decides.
        log: the file that gets what the process prints.
        command: what the run's environment file says was typed.
        group: what the run is part of, for trackers.
        tracking_uri: where trackers keep the run, in place of the recipe's own.
    """

    recipe: Recipe
    what: Mapping[str, Any]
    root: Path
    study: str
    device: str
    log: Path
    threads: int | None = None
    command: str | None = None
    group: str | None = None
    tracking_uri: str | None = None


@dataclass(frozen=True)
class Progress:
    """How far a run is; `metrics` where it has just been evaluated."""

    step: int
    steps: int
    metrics: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Failed:
    """Why a run ended without being finished; `busy`: another process trains in its directory."""

    reason: str
    busy: bool = False


class RunProcess:
    """A run's process, from its start to its end; `failed` is what it said of itself at its end."""

    failed: Failed | None = None

    def __init__(self, job: Job) -> None:
        context = _context()
        job.log.parent.mkdir(parents=True, exist_ok=True)
        self.job = job
        self.asked_to_stop: float | None = None
        self._pipe, theirs = context.Pipe()
        self._process = _started(_work, job, theirs, name=f"toonlab-{job.recipe.name}")
        theirs.close()

    def news(self, seconds: float) -> Iterator[Progress]:
        """What it reports within so many seconds; ends early when it has ended."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0 and self._process.is_alive():
            wait([self._pipe, self._process.sentinel], left)
            yield from self._received()
        yield from self._received()

    def _received(self) -> Iterator[Progress]:
        with suppress(EOFError, OSError):
            while self._pipe.poll():
                message = self._pipe.recv()
                if isinstance(message, Progress):
                    yield message
                else:
                    self.failed = message

    @property
    def running(self) -> bool:
        return self._process.is_alive()

    def stop(self, reason: str) -> None:
        """Ask it to save and stop, after the step that it is at; one that does not within a minute is killed."""
        if self.asked_to_stop is None:
            self.asked_to_stop = time.monotonic()
            with suppress(OSError):
                self._pipe.send(reason)
        elif time.monotonic() - self.asked_to_stop > PATIENCE:
            self.kill()

    def kill(self) -> None:
        self._process.kill()

    def end(self) -> Failed | None:
        """Wait for its end; why it failed, where its outcome does not tell."""
        self._process.join()
        for _ in self._received():
            pass
        self._pipe.close()
        code = self._process.exitcode
        self._process.close()
        if self.failed or not code:
            return self.failed
        return Failed(_killed(-code) if code < 0 else f"its process ended with exit code {code}")

    def last_lines(self) -> tuple[str, ...]:
        """The end of its log."""
        text = self.job.log.read_text(encoding="utf-8", errors="replace") if self.job.log.exists() else ""
        return tuple(line for line in text.splitlines() if line.strip())[-_LINES:]


def _context() -> Any:
    """Processes are forked from a server that has imported everything already; where that can't be, they import it."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["toonlab.studies.executors.preload"])
    return context


def prepare(recipes: Iterable[Recipe], catalogue: Catalogue) -> None:
    """Let the server import, seconds' worth, while the study is still being planned.

    A plugin whose observer imports much when a run begins names a module that does, as an entry point of the group
    `toonlab.preload`.
    """
    parts = [part for recipe in recipes for part in recipe.observers.values()]
    used = {catalogue.get(part.kind, part.use).factory.__module__.partition(".")[0] for part in parts}
    wanted = {entry.value for entry in entry_points(group="toonlab.preload") if entry.value.partition(".")[0] in used}
    if _context().get_start_method() == "forkserver":
        os.environ[MODULES] = ",".join(sorted(wanted))
        forkserver.ensure_running()


def apart(work: Callable[..., None], *arguments: Any) -> None:
    """Do something in a process of its own, which has imported already what takes seconds to import."""
    _started(work, *arguments).join()


_starting = threading.Lock()


def _started(work: Callable[..., None], *arguments: Any, name: str | None = None) -> Any:
    """A process, started, with the environment that this one has now: the server has that of its own start.

    multiprocessing would run the program's main script in it once more, for the sake of functions that are defined
    there. There are none such here, and a script without `if __name__ == "__main__"` would begin its study again:
    while the process is started, the main module is an empty one.
    """
    process = _context().Process(target=_begin, args=(dict(os.environ), work, arguments), name=name)
    with _starting:
        main = sys.modules["__main__"]
        sys.modules["__main__"] = types.ModuleType("__main__")
        try:
            process.start()
        finally:
            sys.modules["__main__"] = main
    return process


def _killed(number: int) -> str:
    name = signal.Signals(number).name
    hint = "; perhaps the memory was full" if name == "SIGKILL" else ""
    return f"its process was killed by {name}{hint}"


# -- in the process


def _begin(environment: Mapping[str, str], work: Callable[..., None], arguments: tuple[Any, ...]) -> None:
    os.environ.clear()
    os.environ.update(environment)
    work(*arguments)


def _work(job: Job, pipe: Connection) -> None:
    _write_to(job.log)
    if job.threads:
        torch.set_num_threads(job.threads)
    try:
        listeners = {"study": _Relay(pipe)}
        train(
            job.recipe,
            discover(),
            job.root,
            experiment=job.study,
            distributed=job.device,
            command=job.command,
            listeners=listeners,
            identity=job.what,
            study=job.group,
            tracking_uri=job.tracking_uri,
        )
    except KeyboardInterrupt:
        pass  # saved; the outcome says so
    except BaseException as error:
        if not isinstance(error, ToonlabError):
            traceback.print_exc()
        text = str(error) if isinstance(error, ToonlabError) else f"{type(error).__name__}: {error}"
        print(f"error: {text}", file=sys.stderr, flush=True)
        with suppress(OSError):
            pipe.send(Failed(text, busy=isinstance(error, BusyError)))
        raise SystemExit(2) from None


def _write_to(log: Path) -> None:
    """Everything that this process prints, libraries' own lines included, goes to a file."""
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for number, stream in ((1, sys.stdout), (2, sys.stderr)):
        stream.flush()
        os.dup2(file, number)
    os.close(file)


class _Relay:
    """The observer that tells the study how far the run is, and stops the run when the study says so, or is gone."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe, self._last = pipe, 0.0

    @hookimpl
    def on_step_end(self, run: Run, step: int) -> None:
        if time.monotonic() - self._last > _PAUSE:
            self._tell(Progress(step, run.steps))

    @hookimpl
    def on_evaluation_end(self, run: Run, step: int, metrics: Mapping[str, float]) -> None:
        self._tell(Progress(step, run.steps, dict(metrics)))

    @hookimpl
    def stop_reason(self) -> str | None:
        try:
            return str(self._pipe.recv()) if self._pipe.poll() else None
        except (EOFError, OSError):
            return "the study that started it is gone"

    def _tell(self, progress: Progress) -> None:
        self._last = time.monotonic()
        with suppress(OSError):
            self._pipe.send(progress)
