"""The server's side of forked processes."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import pytest

from toonlab.studies.executors.fork_server_main import REQUIRED, Surroundings, _fork, _import


def test_a_module_that_cannot_be_imported_is_named_and_costs_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    _import(["toonlab_of_nobody.preload", "toonlab_basics"])
    assert "warning: toonlab_of_nobody.preload: not imported ahead: No module named" in capsys.readouterr().err
    assert {*REQUIRED, "toonlab_basics"} <= set(sys.modules)


def test_surroundings_are_taken_over_as_a_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = Surroundings.here()
    monkeypatch.setenv("TOONLAB_ONE", "1")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    there = Surroundings.here()
    before.take_over()
    assert "TOONLAB_ONE" not in os.environ
    assert Surroundings.here() == before
    there.take_over()
    assert (os.environ["TOONLAB_ONE"], Path.cwd(), sys.path[0]) == ("1", tmp_path, str(tmp_path))


def test_nothing_is_forked_when_the_program_is_gone() -> None:
    ours, theirs = socket.socketpair()
    ours.close()
    with theirs:
        assert not _fork(theirs, {})
