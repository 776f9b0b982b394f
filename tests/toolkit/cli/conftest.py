"""Commands of these tests: through the real entry point, in a forked process or in this one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from toonlab.cli.app import app


@pytest.fixture
def toonlab(ran: Callable[..., Any]) -> Callable[..., Any]:
    """`toonlab("train", "ctss")` runs a command to its end in `tmp_path`."""
    return ran


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Any]:
    """The same in this process, for commands that train nothing."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str | Path) -> SimpleNamespace:
        words = [str(argument) for argument in arguments]
        result = CliRunner().invoke(app, words, env={"COLUMNS": "200", "NO_COLOR": "1"})
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return SimpleNamespace(returncode=result.exit_code, stdout=result.stdout, stderr=result.stderr)

    return run
