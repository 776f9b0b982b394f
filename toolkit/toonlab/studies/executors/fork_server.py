"""Processes forked from a server that has done the slow imports."""

from __future__ import annotations

import atexit
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from typing import Any

from .fork_server_main import Surroundings

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
    """Call a function in a process with the slow imports done, if a server is running; in this process otherwise."""
    if _running is None or not _running.alive:
        function(*arguments)
    else:
        _running.start(_without_pipe, function, *arguments).wait()


def _without_pipe(_: Connection, function: Callable[..., None], *arguments: Any) -> None:
    function(*arguments)


class ForkServer:
    """A program (see `fork_server_main.serve`) that forks processes; they end with this one."""

    def __init__(self, preload: Sequence[str]) -> None:
        self._control, theirs = socket.socketpair()
        descriptor = theirs.fileno()
        main = _MAIN.format(path=sys.path, module=Surroundings.__module__, descriptor=descriptor, preload=list(preload))
        with theirs:
            self._program = subprocess.Popen(
                [sys.executable, "-c", main], stdin=subprocess.DEVNULL, pass_fds=[descriptor]
            )

    @property
    def alive(self) -> bool:
        return self._program.poll() is None

    def start(self, function: Callable[..., None], *arguments: Any) -> ForkedProcess:
        """A new process that calls `function(pipe, *arguments)`, with this one's environment and folder of now."""
        ours, pipe = Pipe()
        status, report = Pipe(duplex=False)
        with pipe, report:
            socket.send_fds(self._control, [b"."], [pipe.fileno(), report.fileno()])
        ours.send(Surroundings.here())
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
        self._look()
        return self._code is None

    @property
    def exit_code(self) -> int:
        """Of a process that has ended; minus the signal's number, if one has killed it."""
        assert self._code is not None, "still running"
        return self._code

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
        """Wait for the end; the exit code."""
        while self.running:
            self._status.poll(None)
        return self.exit_code

    def _look(self) -> None:
        """Receive the process's number and then its exit code from the server."""
        try:
            while self._code is None and self._status.poll():
                number = self._status.recv()
                self._pid, self._code = (number, None) if self._pid is None else (self._pid, number)
        except (EOFError, OSError):  # the server was killed: the code is unknown
            self._code = -signal.SIGKILL
