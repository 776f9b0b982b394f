"""Errors of real connections."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from toonlab_mlflow import store
from toonlab_mlflow.failure import reason


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """Takes connections in and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        yield silent


def failure(uri: str) -> str:
    store.load(uri)
    with pytest.raises(Exception) as caught:  # noqa: PT011 (any: which, is MLflow's business)
        store.connect(uri, "demo", Path("/nowhere"))
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
