"""Processes forked from a server that has done the slow imports.

The server is a program of its own, so that a cell's process never runs the main script of the study's program: one
without `if __name__ == "__main__"` would begin its study again there.
"""

from __future__ import annotations

import atexit
import gc
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

REQUIRED = (  # what a run imports in its course, metrics included: 1.7 s of each cell otherwise
    "skimage.morphology",
    "torch._dynamo",
    "torch.utils.flop_counter",
    "toonlab.engine.profiling",
    "toonlab.studies.executors.process",
    "torchmetrics.functional",
)
_MAIN = "import sys; sys.path[:] = {path!r}; from {module} import serve; serve({descriptor}, {preload!r})"
_lock = threading.Lock()
_running: ForkServer | None = None


def server(preload: Sequence[str] = ()) -> ForkServer:
    """This program's server, started at the first use.

    Args:
        preload: optional modules that it imports ahead, where it is started.
    """
    global _running
    with _lock:
        if _running is None or not _running.alive:
            _running = ForkServer(preload)
            atexit.register(_running.close)
        return _running


def call_preloaded(function: Callable[..., None], *arguments: Any) -> None:
    """Call a function in a process with the slow imports done, if a server is running.

    Without one, or if its process is killed, the function is called in this process.
    """
    if _running is not None and _running.alive:
        with suppress(BrokenPipeError):  # killed before it had received the call
            if _running.start(_without_pipe, function, *arguments).wait() >= 0:
                return
    function(*arguments)


def _without_pipe(_: Connection, function: Callable[..., None], *arguments: Any) -> None:
    function(*arguments)


class ForkServer:
    """A program (see `serve`) that forks processes; they end with this one."""

    def __init__(self, preload: Sequence[str]) -> None:
        self._control, theirs = socket.socketpair()
        descriptor = theirs.fileno()
        main = _MAIN.format(path=sys.path, module=__name__, descriptor=descriptor, preload=list(preload))
        with theirs:
            self._program = subprocess.Popen(
                [sys.executable, "-c", main], stdin=subprocess.DEVNULL, pass_fds=[descriptor]
            )

    @property
    def alive(self) -> bool:
        return self._program.poll() is None

    def start(
        self, function: Callable[..., None], *arguments: Any, environment: Mapping[str, str] | None = None
    ) -> ForkedProcess:
        """A new process that calls `function(pipe, *arguments)`, with this one's environment and folder of now.

        Args:
            environment: further variables.
        """
        here = surroundings(environment or {})
        ours, pipe = Pipe()
        status, report = Pipe(duplex=False)
        with pipe, report:
            socket.send_fds(self._control, [b"."], [pipe.fileno(), report.fileno()])
        with suppress(BrokenPipeError):  # killed already, as its exit code tells
            ours.send(here)
            ours.send((function, arguments))
        return ForkedProcess(ours, status)

    def close(self) -> None:
        """Let the server end, after the processes that it has forked."""
        self._control.close()
        self._program.wait()


class ForkedProcess:
    """A process of the server's."""

    def __init__(self, pipe: Connection, status: Connection) -> None:
        self._pipe, self._status = pipe, status
        self._pid: int | None = None
        self._code: int | None = None

    @property
    def running(self) -> bool:
        """Whether it runs, by what the server has sent: the process's number, and then its exit code."""
        try:
            while self._code is None and self._status.poll():
                number = self._status.recv()
                self._pid, self._code = (number, None) if self._pid is None else (self._pid, number)
        except (EOFError, OSError):  # the server was killed: the code is unknown
            self._code = -signal.SIGKILL
        return self._code is None

    def send(self, message: Any) -> None:
        with suppress(OSError):
            self._pipe.send(message)

    def messages(self, seconds: float) -> Iterator[Any]:
        """The messages of the process within a time, which ends early when the process ends."""
        until = time.monotonic() + seconds
        while self.running and (left := until - time.monotonic()) > 0:
            wait([self._pipe, self._status], left)
            yield from self._received()
        yield from self._received()

    def _received(self) -> Iterator[Any]:
        with suppress(EOFError, OSError):
            while self._pipe.poll():
                yield self._pipe.recv()

    def kill(self) -> None:
        if self.running and self._pid is not None:
            with suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)

    def wait(self) -> int:
        """Wait for the end; the exit code, minus the signal's number if one has killed it."""
        while self.running:
            self._status.poll(None)
        assert self._code is not None
        return self._code


# -- in the server and its processes


Surroundings = tuple[dict[str, str], list[str], Path]  # environment, module search path, folder


def surroundings(environment: Mapping[str, str]) -> Surroundings:
    """Those of this process, with further variables."""
    return {**os.environ, **environment}, list(sys.path), Path.cwd()


def take_over(environment: Mapping[str, str], path: Sequence[str], folder: Path) -> None:
    """Give this process the surroundings of its caller."""
    os.environ.clear()
    os.environ.update(environment)
    sys.path[:] = path
    os.chdir(folder)


def serve(descriptor: int, preload: Sequence[str]) -> None:
    """Fork a process for each pair of pipes that comes over a socket, until its other end is closed.

    Over one pipe, the new process receives its surroundings, and then the function to call with its arguments. Over
    the other, this server sends the process's number and, when it has ended, its exit code.

    Args:
        descriptor: of the socket.
        preload: optional modules to import first.
    """
    for number in (signal.SIGINT, signal.SIGTERM):  # a terminal or Slurm sends them to all; the study decides
        signal.signal(number, signal.SIG_IGN)
    _import(preload)
    children: dict[int, tuple[BaseProcess, Connection]] = {}
    with socket.socket(fileno=descriptor) as control:
        while True:
            for ready in wait([control, *children]):
                if isinstance(ready, int):
                    process, status = children.pop(ready)
                    process.join()
                    _send(status, process.exitcode)
                    status.close()
                elif not _fork(control, children):
                    return  # when the last child has ended: multiprocessing waits for it


def _import(preload: Sequence[str]) -> None:
    for name in REQUIRED:
        import_module(name)
    from toonlab.registry.catalogue import discover

    discover()
    for name in preload:
        try:
            import_module(name)
        except ImportError as error:  # of an optional package: the run that needs it says so
            print(f"warning: {name}: not imported ahead: {error}", file=sys.stderr)
    gc.collect()
    gc.freeze()  # so that collections in the processes neither visit nor copy what was imported


def _fork(control: socket.socket, children: dict[int, tuple[BaseProcess, Connection]]) -> bool:
    """Start a process for the pipes that have come; False if the socket's other end is closed."""
    data, descriptors, *_ = socket.recv_fds(control, 1, 2)
    if not data:
        return False
    for number in descriptors:
        os.set_inheritable(number, False)
    pipe: Connection = Connection(descriptors[0])
    status: Connection = Connection(descriptors[1])
    others = [other for _, other in children.values()]
    process = multiprocessing.get_context("fork").Process(target=_run, args=(pipe, control, [status, *others]))
    process.start()
    pipe.close()
    _send(status, process.pid)
    children[process.sentinel] = process, status
    return True


def _run(pipe: Connection, control: socket.socket, others: Sequence[Connection]) -> None:
    """In the new process: receive a function and call it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    control.close()
    for connection in others:
        connection.close()
    take_over(*pipe.recv())  # before the function is unpickled: that imports its module
    function, arguments = pipe.recv()
    function(pipe, *arguments)


def _send(status: Connection, number: int | None) -> None:
    with suppress(OSError):  # the study's program is gone
        status.send(number)
