"""A store, errors of real connections, and calls that do not keep a run waiting."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from toonlab import Run
from toonlab_mlflow import store
from toonlab_mlflow.store import reason


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """Takes connections in and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        yield silent


def failure(uri: str) -> str:
    store.load()
    with store.short_requests(), pytest.raises(Exception) as caught:  # noqa: PT011 (any: which, is MLflow's business)
        store.Store(uri, "demo", Path("/nowhere"))
    return reason(caught.value, uri)


def test_a_port_where_nobody_listens(listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    listener.close()
    assert failure(f"http://me:secret@127.0.0.1:{port}") == "connection refused"


def test_a_server_that_does_not_answer(listener: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    assert failure(f"http://127.0.0.1:{listener.getsockname()[1]}") == "no answer in time"


def test_a_server_that_dies_in_the_middle_of_a_request(listener: socket.socket) -> None:
    def hang_up() -> None:
        for _ in range(2):  # the request, and its one retry
            connection, _ = listener.accept()
            connection.recv(1)
            connection.shutdown(socket.SHUT_RDWR)
            connection.close()

    dying = threading.Thread(target=hang_up)
    dying.start()
    said = failure(f"http://127.0.0.1:{listener.getsockname()[1]}")
    dying.join()
    assert said == "connection lost"


def test_a_database_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert failure(f"sqlite:///{tmp_path}/file/mlflow.db") == f"file exists: {tmp_path}/file"


def test_other_errors_are_cut_to_a_line_without_the_password() -> None:
    error = RuntimeError("http://me:secret@host said no\nat length")
    assert reason(error, "http://me:secret@host") == "http://me:***@host said no"
    assert len(reason(RuntimeError("x" * 1000), "http://host")) == 200
    assert reason(RuntimeError(), "http://host") == "RuntimeError"


def test_a_call_within_its_time_returns_and_its_error_arrives() -> None:
    done: list[int] = []
    store.call_within(60, lambda: done.append(1))
    assert done == [1]
    with pytest.raises(ZeroDivisionError):
        store.call_within(60, lambda: 1 // 0)


def test_a_call_that_takes_longer_is_given_up() -> None:
    answer = threading.Event()
    start = time.monotonic()
    with pytest.raises(TimeoutError):
        store.call_within(0.2, answer.wait)
    assert time.monotonic() - start < 60  # not as long as the call
    answer.set()


def test_requests_are_short_within_alone_and_the_users_variables_precede(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", raising=False)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "77")
    before = dict(os.environ)
    with store.short_requests():
        assert os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] == "1"
        assert os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"] == "77"
    assert dict(os.environ) == before


class Overtaken(store.Store):
    """A store in which another process creates the study's run right after this one has looked for it."""

    others = ""

    def find(self, tag: str, value: str) -> list[Any]:
        found = super().find(tag, value)
        if not self.others:
            self.others = self.client.create_run(self.experiment_id, tags={tag: value}).info.run_id
        return found


def test_of_two_runs_of_a_study_made_at_once_the_earlier_stays(run: Run, uri: str) -> None:
    opened = Overtaken(uri, "demo", run.root)
    assert opened.study_run("o'hara") == opened.others
    assert opened.study_run("o'hara") == opened.others
    assert [one.info.run_id for one in opened.find(store.STUDY, "o'hara")] == [opened.others]
