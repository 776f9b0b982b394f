"""The server from which the processes of cells are forked: it imports the modules that every training needs once.

It is a program of its own, so that a cell's process never runs the main script of the study's program: one without
`if __name__ == "__main__"` would begin its study again there.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path

REQUIRED = (
    "torch._dynamo",
    "torch.utils.flop_counter",
    "toonlab.engine.profiling",
    "toonlab.studies.executors.process",
)


@dataclass(frozen=True)
class Surroundings:
    """The environment, the module search path and the folder that a process takes over from its caller."""

    environment: dict[str, str]
    path: list[str]
    folder: Path

    @classmethod
    def here(cls) -> Surroundings:
        return cls(dict(os.environ), list(sys.path), Path.cwd())

    def take_over(self) -> None:
        os.environ.clear()
        os.environ.update(self.environment)
        sys.path[:] = self.path
        os.chdir(self.folder)


def serve(descriptor: int, preload: Sequence[str]) -> None:
    """Fork a process for each pair of pipes that comes over a socket, until its other end is closed.

    Over one pipe, the new process receives its `Surroundings`, and then the function to call with its arguments. Over
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
    pipe.recv().take_over()  # before the function is unpickled: that imports its module
    function, arguments = pipe.recv()
    function(pipe, *arguments)


def _send(status: Connection, number: int | None) -> None:
    with suppress(OSError):  # the study's program is gone
        status.send(number)
