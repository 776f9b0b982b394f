"""A store that is away: at the start, from the middle on, frozen, locked, damaged. It costs one wait and one line."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import time
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest

from toonlab import Run
from toonlab.registry.observers import Observers
from toonlab_mlflow import MLflow, observer


@pytest.fixture(autouse=True)
def _every_logged_step_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observer, "_SECONDS", 0.0)


@pytest.fixture
def refused() -> str:
    """The address of a port at which no process listens."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return f"127.0.0.1:{taken.getsockname()[1]}"


def steps(alive: Any, first: int, last: int) -> None:
    for step in range(first, last + 1):
        alive.step(step)
    alive.evaluate(last, psnr=float(last))


def to_the_end(alive: Any, first: int, last: int) -> Any:
    """The outcome of a run that takes these steps and finishes."""
    steps(alive, first, last)
    return alive.end(last)


def assert_sync_completes(run: Run, uri: str, outcome: Any, store: Any, recorded: Any) -> None:
    (line,) = Observers({"mlflow": MLflow(uri)}).notify("sync", run=run, outcome=outcome)
    assert "sent" in line
    tracked = store(uri).the_run()
    assert store(uri).points(tracked) == recorded(run.directory)
    assert set(recorded(run.directory).values()) == {1}
    assert tracked.info.status == "FINISHED"


def test_away_at_the_start_is_one_line_and_sync_completes(
    run: Run, life: Any, store: Any, server: Any, recorded: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.warns(RuntimeWarning) as caught:
        outcome = to_the_end(life(run, MLflow(server.uri)), 1, 200)
    assert [str(warning.message) for warning in caught] == [
        f"MLflow at {server.uri} is away (connection refused); "
        f"`toonlab sync '{run.directory}' --tracking-uri {server.uri}` completes it"
    ]
    assert capfd.readouterr() == ("", "")
    server.start()
    assert_sync_completes(run, server.uri, outcome, store, recorded)


def test_a_restarted_server_is_no_failure_and_a_killed_one_is_not_asked_again_though_it_is_back(
    run: Run, life: Any, store: Any, server: Any, recorded: Any
) -> None:
    server.start()
    alive = life(run, MLflow(server.uri, patience=240))
    steps(alive, 1, 2)
    server.kill()
    server.start()  # the kept-alive connection is closed
    steps(alive, 3, 5)
    assert len(store(server.uri).history("train/generator/total")) == 5
    server.kill()
    with pytest.warns(RuntimeWarning, match=r"is away \(connection refused\); `toonlab sync ") as caught:
        steps(alive, 6, 10)
    assert len(caught) == 1
    server.start()
    steps(alive, 11, 15)
    outcome = alive.end(15)
    assert len(store(server.uri).history("train/generator/total")) == 5
    assert store(server.uri).the_run().info.status == "RUNNING"
    assert_sync_completes(run, server.uri, outcome, store, recorded)


def test_a_frozen_server_is_waited_for_once(run: Run, life: Any, store: Any, server: Any, recorded: Any) -> None:
    server.start()
    alive = life(run, MLflow(server.uri, patience=240))
    steps(alive, 1, 5)
    alive.observer.patience = 0.5
    os.kill(server.process.pid, signal.SIGSTOP)
    start = time.monotonic()
    with pytest.warns(RuntimeWarning, match=r"is away \(no answer in time\)") as caught:
        outcome = to_the_end(alive, 6, 500)
    assert len(caught) == 1
    assert time.monotonic() - start < 60  # 495 waits of half a second would take four minutes
    os.kill(server.process.pid, signal.SIGCONT)
    assert_sync_completes(run, server.uri, outcome, store, recorded)


def test_a_locked_database_is_waited_for_once(run: Run, uri: str, life: Any, store: Any, recorded: Any) -> None:
    alive = life(run, MLflow(patience=240))
    steps(alive, 1, 5)
    alive.observer.patience = 0.5
    with closing(sqlite3.connect(run.root / "mlflow.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        start = time.monotonic()
        with pytest.warns(RuntimeWarning, match=r"is away \(no answer in time\)") as caught:
            outcome = to_the_end(alive, 6, 500)
        assert len(caught) == 1
        assert time.monotonic() - start < 60
        other.execute("ROLLBACK")
    assert_sync_completes(run, uri, outcome, store, recorded)


def test_a_database_that_breaks_is_a_warning_and_no_traceback(
    run: Run, uri: str, life: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    alive = life(run, MLflow(patience=240))
    (run.root / "mlflow.db").write_bytes(b"no database")
    with pytest.warns(RuntimeWarning, match=r"is away \(.*(not a database|malformed).*\); `toonlab sync") as caught:
        to_the_end(alive, 1, 3)
    assert len(caught) == 1
    assert capfd.readouterr().err == ""


def test_no_password_is_shown(run: Run, life: Any, refused: str, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.warns(RuntimeWarning) as caught:
        life(run, MLflow(f"http://me:secret@{refused}")).end(1)
    (text,) = [str(warning.message) for warning in caught]
    assert text.startswith(f"MLflow at http://me@{refused} is away (connection refused); `toonlab sync")
    assert text.endswith(f" --tracking-uri http://me@{refused}` completes it")
    assert capfd.readouterr().err == ""


def test_an_address_that_the_recipe_holds_is_not_repeated(run: Run, life: Any, refused: str) -> None:
    run = replace(run, recipe={**run.recipe, "observers": {"mlflow": {"tracking_uri": f"http://{refused}"}}})
    with pytest.warns(RuntimeWarning, match=r"; `toonlab sync '[^']*ctss-s0-1a2b3c4d'` completes it$"):
        life(run, MLflow(f"http://{refused}")).end(1)


def test_a_report_that_can_not_be_logged_is_one_line(run: Run, refused: str) -> None:
    of_study = replace(run, environment={**run.environment, "study": "patches-0f"})
    page = run.root / "report.html"
    with pytest.warns(RuntimeWarning, match=rf"MLflow at http://me@{refused}: connection refused; the report is in "):
        Observers({"mlflow": MLflow(f"http://me:secret@{refused}")}).notify("on_report", run=of_study, path=page)
