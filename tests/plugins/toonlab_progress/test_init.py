"""Which display a run gets."""

from __future__ import annotations

import subprocess
import sys

import pytest

from toonlab_progress import progress, register_observers
from toonlab_progress.displays import PlainLines, TerminalBar


def test_where_there_is_no_terminal_there_are_lines(capsys: pytest.CaptureFixture[str]) -> None:
    assert isinstance(progress(every_seconds=3.5), PlainLines)
    assert progress(every_seconds=3.5).every_seconds == 3.5
    assert register_observers() == {"progress": progress}


def test_where_there_is_one_there_is_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setenv("TTY_INTERACTIVE", "1")
    assert isinstance(progress(), TerminalBar)
    monkeypatch.setenv("TTY_INTERACTIVE", "0")
    assert isinstance(progress(), PlainLines)


def test_importing_the_plugin_imports_no_rich() -> None:
    code = "import sys, toonlab_progress; sys.exit('rich' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
