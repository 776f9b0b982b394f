"""Processes that are forked from a server: their environment, their ends, and that no main script runs in them."""

from __future__ import annotations

import importlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from toonlab.studies.executors import fork_server
from toonlab.studies.executors.fork_server import (
    REQUIRED,
    ForkServer,
    _fork,
    _import,
    call_preloaded,
    server,
    surroundings,
    take_over,
)

FUNCTIONS = """
import os, signal, sys
from pathlib import Path

def echo(pipe, *arguments):
    pipe.send((os.environ.get("TOONLAB_CACHE"), Path.cwd(), sys.path, arguments))
    assert pipe.recv() == "enough"

def end_with(pipe, code):
    os._exit(code)

def sleep(pipe):
    pipe.send("asleep")
    signal.pause()

def touch_unless_killed(file, parent):
    if os.getpid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)
    touch(file)

def touch(file):
    with file.open("a") as lines:
        lines.write(f"{os.getpid()}\\n")
"""


@pytest.fixture(scope="module")
def functions(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A module that processes can import; it is found by this program's search path of now alone."""
    folder = tmp_path_factory.mktemp("functions")
    (folder / "forked_functions.py").write_text(FUNCTIONS)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        yield importlib.import_module("forked_functions")


@pytest.fixture(scope="module", autouse=True)
def _servers_that_import_little() -> Iterator[None]:
    """Here a server only forks: what it imports ahead for runs takes seconds, and is the last tests' affair."""
    with pytest.MonkeyPatch.context() as patch:
        little = "; from toonlab.studies.executors import fork_server; fork_server.REQUIRED = (); serve("
        patch.setattr(fork_server, "_MAIN", fork_server._MAIN.replace("; serve(", little))
        yield


@pytest.fixture(scope="module")
def forks() -> Iterator[ForkServer]:
    forks = ForkServer([])
    yield forks
    forks.close()
    assert not forks.alive


def test_a_process_has_the_environment_the_folder_and_the_search_path_of_its_caller(
    forks: ForkServer, functions: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for value in ("one", "other"):  # the server has been running since before
        (tmp_path / value).mkdir()
        monkeypatch.setenv("TOONLAB_CACHE", value)
        monkeypatch.chdir(tmp_path / value)
        monkeypatch.syspath_prepend(tmp_path / value)
        process = forks.start(functions.echo, 1, "two")
        ((cache, folder, path, arguments),) = _first(process.messages(60))
        assert (cache, folder, arguments) == (value, tmp_path / value, (1, "two"))
        assert path == sys.path
        assert process.running
        process.send("enough")
        assert process.wait() == 0


def _first(messages: Iterator[object]) -> list[object]:
    return [next(messages)]


def test_exit_codes_and_signals_reach_the_caller(forks: ForkServer, functions: Any) -> None:
    failed, killed, quick = (
        forks.start(functions.end_with, 7),
        forks.start(functions.sleep),
        forks.start(functions.end_with, 0),
    )
    assert failed.wait() == 7
    assert quick.wait() == 0
    assert next(killed.messages(60)) == "asleep"
    assert killed.running
    killed.kill()
    assert killed.wait() == -signal.SIGKILL
    killed.kill()  # of one that has ended does nothing
    assert list(killed.messages(0)) == []


def test_a_module_that_cannot_be_imported_is_named_and_costs_nothing_else(
    functions: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    forks = ForkServer(["toonlab_of_nobody.preload"])
    assert forks.start(functions.end_with, 0).wait() == 0
    forks.close()
    assert "warning: toonlab_of_nobody.preload: not imported ahead: No module named" in capfd.readouterr().err


def test_when_the_server_dies_its_processes_count_as_killed(functions: Any) -> None:
    forks = ForkServer([])
    process = forks.start(functions.sleep)
    assert next(process.messages(60)) == "asleep"
    forks._program.kill()
    assert process.wait() == -signal.SIGKILL
    os.kill(process._pid, signal.SIGKILL)
    forks.close()


def test_a_program_has_one_server_until_it_dies(
    functions: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(fork_server, "_running", None)
    call_preloaded(functions.touch, tmp_path / "pids")  # no server is running, and none is started
    first = server()
    assert server(["toonlab_mlflow.preload"]) is first
    call_preloaded(functions.touch, tmp_path / "pids")
    here, there = map(int, (tmp_path / "pids").read_text().split())
    assert here == os.getpid() != there
    first.close()
    assert server() is not first
    server().close()


def test_a_call_whose_process_is_killed_is_made_in_this_one(
    functions: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(fork_server, "_running", None)
    with closing(server()) as started:
        call_preloaded(functions.touch_unless_killed, tmp_path / "pids", os.getpid())
        started._control.shutdown(socket.SHUT_WR)  # as if the server had been killed since it was looked at
        call_preloaded(functions.touch, tmp_path / "pids")
    assert (tmp_path / "pids").read_text().split() == [str(os.getpid())] * 2


SCRIPT = """
import sys
from toonlab.studies.executors.fork_server import server

print("main script", flush=True)
print("ended with", server().start(sys.exit, 0).wait(), flush=True)
"""


def test_a_script_without_a_guard_does_not_run_again_in_its_processes(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(SCRIPT)
    done = subprocess.run([sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["main script", "ended with 1"]  # by sys.exit(<pipe>, 0): a TypeError
    assert done.stderr.count("TypeError") == 1


def test_a_server_imports_what_it_can(capsys: pytest.CaptureFixture[str]) -> None:
    _import(["toonlab_of_nobody.preload", "toonlab_basics"])
    assert "warning: toonlab_of_nobody.preload: not imported ahead: No module named" in capsys.readouterr().err
    assert {*REQUIRED, "toonlab_basics"} <= set(sys.modules)


def test_surroundings_are_taken_over_as_a_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = surroundings({})
    monkeypatch.setenv("TOONLAB_ONE", "1")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    there = surroundings({})
    take_over(*before)
    assert "TOONLAB_ONE" not in os.environ
    assert surroundings({}) == before
    take_over(*there)
    assert (os.environ["TOONLAB_ONE"], Path.cwd(), sys.path[0]) == ("1", tmp_path, str(tmp_path))


def test_nothing_is_forked_when_the_program_is_gone() -> None:
    ours, theirs = socket.socketpair()
    ours.close()
    with theirs:
        assert not _fork(theirs, {})
