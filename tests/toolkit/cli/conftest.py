"""Commands of these tests: through the real entry point, in a forked process or in this one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from toonlab.cli.app import app


@dataclass(frozen=True)
class Done:
    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def toonlab(command: Callable[..., Any], tmp_path: Path) -> Callable[..., Done]:
    """`toonlab("train", "ctss")` runs a command to its end in `tmp_path`."""

    def run(*arguments: str | Path, **environment: str) -> Done:
        process = command(*arguments, cwd=tmp_path, **environment)
        return Done(process.wait(), process.stdout, process.stderr)

    return run


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Done]:
    """The same in this process, for commands that train nothing."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str | Path) -> Done:
        words = [str(argument) for argument in arguments]
        result = CliRunner().invoke(app, words, env={"COLUMNS": "200", "NO_COLOR": "1"})
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return Done(result.exit_code, result.stdout, result.stderr)

    return run
