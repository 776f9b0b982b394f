"""Standard output while plugins are imported: what they print must not spoil the output of a command."""

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from typing import Any


class Output:
    """The standard error stream in place of standard output; `used`: something was printed."""

    def __init__(self) -> None:
        self.used = False

    def write(self, text: str) -> int:
        self.used = True
        return sys.stderr.write(text) if sys.stderr else len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(sys.stderr, name)


@contextmanager
def output_to_stderr() -> Iterator[Output]:
    """Within the block, what is printed goes to standard error, by compiled libraries too (on Linux)."""
    output = Output()
    with redirect_stdout(output), _descriptor_watched(output):
        yield output


@contextmanager
def _descriptor_watched(output: Output) -> Iterator[None]:
    """Collect what is written to the descriptor of standard output, and write it to that of standard error."""
    try:
        sink, stdout = os.memfd_create("stdout"), os.dup(1)
    except (AttributeError, OSError):  # another system; or standard output is closed
        yield
        return
    try:
        _flush()
        os.dup2(sink, 1)
        yield
    finally:
        _flush()
        os.dup2(stdout, 1)
        if size := os.lseek(sink, 0, os.SEEK_CUR):
            output.used = True
            with suppress(OSError):
                os.write(2, os.pread(sink, size, 0))
        os.close(stdout)
        os.close(sink)


def _flush() -> None:
    """Empty the buffers of Python's stream and of the C library."""
    with suppress(OSError, AttributeError):
        sys.__stdout__.flush()  # type: ignore[union-attr]
    ctypes.CDLL(None).fflush(None)
