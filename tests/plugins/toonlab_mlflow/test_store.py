"""A store, errors of real connections, and calls that do not keep a run waiting."""

from __future__ import annotations

import json
import os
import shutil
import socket
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from toonlab import Run, ToonlabError, sqlite_url
from toonlab_mlflow import store
from toonlab_mlflow.address import default_address
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


KILLS = """
import os, signal, sys
from pathlib import Path
from sqlalchemy import Engine, event
from mlflow import MlflowClient
from toonlab_mlflow import store
from toonlab_mlflow.address import default_address

def count(*_):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)

def forked(work):
    if (child := os.fork()) == 0:
        work()
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

def used(root):
    opened = store.Store(default_address(root), "demo", root)
    opened.client.log_param(opened.client.create_run(opened.experiment_id).info.run_id, "k", 4)

store.load()
for name, make in {
    "as toonlab does": lambda root: store.Store(default_address(root), "demo", root),
    "as mlflow does": lambda root: MlflowClient(default_address(root)),
}.items():
    for left in (10, 60, 200, 400):
        root = Path(sys.argv[1]) / f"{name} {left}"
        root.mkdir()
        event.listen(Engine, "before_cursor_execute", count)
        killed = forked(lambda: make(root))
        event.remove(Engine, "before_cursor_execute", count)
        print(name, left, killed, forked(lambda: used(root)))
"""


def test_a_store_whose_creation_was_killed_is_made_again(program: Any, tmp_path: Path) -> None:
    """By a real SIGKILL at some statements, with MLflow's own creation, too, which leaves half of the tables."""
    done = program(KILLS, tmp_path)
    assert done.wait() == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == 8
    assert all(line.endswith(" -9 0") for line in lines), done.stdout + done.stderr
    assert all({file.name for file in root.glob("*")} == {"mlflow.db", "mlflow.db.lock"} for root in tmp_path.iterdir())


@pytest.mark.filterwarnings("ignore::UserWarning")  # of alembic
def test_a_half_made_store_with_runs_says_what_to_do(run: Run, uri: str) -> None:
    store.Store(uri, "demo", run.root).client.create_run("0")
    with closing(sqlite3.connect(run.root / "mlflow.db")) as connection, connection:
        connection.execute("DROP TABLE webhooks")
        connection.execute("UPDATE alembic_version SET version_num = '451aebb31d03'")  # that of the first tables
    other = shutil.copytree(run.root, run.root.with_name("as a new process finds it"))
    remedy = r"mlflow\.db: is damaged: .*; move it away, and `toonlab sync .*` makes it again from the directories"
    with pytest.raises(ToonlabError, match=remedy):
        store.Store(default_address(other), "demo", other)


@pytest.mark.parametrize("copied", [False, True])
def test_a_folder_of_runs_that_was_moved_takes_its_artifacts_along(run: Run, uri: str, copied: bool) -> None:
    opened = store.Store(uri, "demo", run.root)
    before = opened.client.create_run(opened.experiment_id).info.run_id
    path = (
        run.root / "mlflow-artifacts" / before / "artifacts" / "before.txt"
    )  # its client would keep the place in mind
    path.parent.mkdir(parents=True)
    path.touch()
    new = run.root.with_name("my%20 new_runs")
    shutil.copytree(run.root, new) if copied else run.root.rename(new)
    old = sorted(run.root.rglob("*"))
    moved = store.Store(default_address(new), "demo", new)
    assert moved.client.list_artifacts(before)[0].path == "before.txt"
    moved.client.log_text(before, "after", "after.txt")
    after = moved.client.create_run(moved.experiment_id).info.run_id
    moved.client.log_text(after, "after", "after.txt")
    for name in (f"{before}/artifacts/before.txt", f"{before}/artifacts/after.txt", f"{after}/artifacts/after.txt"):
        assert (new / "mlflow-artifacts" / name).is_file()
    assert sorted(run.root.rglob("*")) == old


def test_artifacts_of_another_store_that_are_gone_are_not_made_again_at_their_old_place(run: Run, tables: Path) -> None:
    shutil.copy(tables, run.root.parent / "other.db")
    other = sqlite_url(run.root.parent / "other.db")
    store.Store(other, "demo", run.root)
    new = run.root.rename(run.root.with_name("new"))
    with pytest.raises(ToonlabError, match=r"keeps its artifacts in .*my runs, which is not there: if that folder"):
        store.Store(other, "demo", new)
    assert not run.root.exists()


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
            tags = {tag: value, "toonlab.made": "1767323045"}
            self.others = self.client.create_run(self.experiment_id, 1_767_323_045_000, tags).info.run_id
        return found


@pytest.mark.parametrize("attempt", range(3))  # their ids are random: one of the two comes first by chance
def test_of_two_runs_of_a_study_made_at_once_the_earlier_stays(run: Run, uri: str, attempt: int) -> None:
    of_study = replace(run, environment={**run.environment, "study": "o'hara"})
    opened = Overtaken(uri, "demo", run.root)
    assert opened.study_run(of_study) == opened.others
    assert opened.study_run(of_study) == opened.others
    assert [one.info.run_id for one in opened.find(store.STUDY, "o'hara")] == [opened.others]


def test_a_study_begins_with_the_first_of_its_runs_which_need_not_be_the_first_that_is_sent(run: Run, uri: str) -> None:
    dates = {0: "2026-01-02T03:00:00+00:00", 1: "2026-01-02T02:00:00+00:00", 2: "2025-01-01T00:00:00+00:00"}
    for seed, date in dates.items():
        one = replace(run, seed=seed)
        one.directory.mkdir(exist_ok=True)
        study = "an earlier one" if seed == 2 else "now"
        (one.directory / "environment.json").write_text(json.dumps({"date": date, "study": study}))
    (run.directory.parent / "damaged").mkdir()
    (run.directory.parent / "damaged" / "environment.json").write_text('{"date": "once"')
    opened = store.Store(uri, "demo", run.root)
    made = opened.study_run(replace(run, environment={"date": dates[0], "study": "now"}))
    assert opened.client.get_run(made).info.start_time == 1_767_319_200_000  # 2026-01-02T02:00:00Z


def test_an_experiment_is_of_the_kind_whose_page_shows_runs(run: Run, uri: str) -> None:
    opened = store.Store(uri, "demo", run.root)
    opened.client.create_experiment("by hand")
    for name in ("demo", "by hand"):
        tags = opened.client.get_experiment(store.Store(uri, name, run.root).experiment_id).tags
        assert tags["mlflow.experimentKind"] == "custom_model_development"
