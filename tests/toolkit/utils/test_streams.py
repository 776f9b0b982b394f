"""What is printed while plugins are imported goes to standard error, from Python and from compiled libraries."""

from __future__ import annotations

import subprocess
import sys
import types

import pytest

from toonlab.utils.streams import output_to_stderr

PROGRAM = """
import ctypes, logging, os, sys
from toonlab.utils.streams import output_to_stderr

def noted(work):
    with output_to_stderr() as output:
        work()
    print(output.used)

print("before")
noted(lambda: print("python"))
noted(lambda: os.write(1, b"descriptor\\n"))
noted(lambda: ctypes.CDLL(None).puts(b"compiled"))
noted(lambda: sys.__stdout__.write("kept\\n"))
noted(lambda: print("error", file=sys.stderr))
print("after")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere only what Python prints is redirected")
def test_everything_that_is_printed_within_goes_to_standard_error_and_is_noticed() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["before", "True", "True", "True", "True", "False", "after"]
    assert sorted(done.stderr.split()) == ["compiled", "descriptor", "error", "kept", "python"]


def test_a_stream_that_is_kept_works_afterwards(capsys: pytest.CaptureFixture[str]) -> None:
    kept = types.SimpleNamespace()
    with output_to_stderr():
        kept.stream = sys.stdout
    kept.stream.write("later\n")
    assert not kept.stream.isatty()
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "later\n")


def test_closed_streams_are_no_error() -> None:
    program = "from toonlab.utils.streams import output_to_stderr\nwith output_to_stderr(): print('lost')"
    ended = subprocess.run(["sh", "-c", '"$0" -c "$1" >&- 2>&-', sys.executable, program], check=False)
    assert ended.returncode == 0
