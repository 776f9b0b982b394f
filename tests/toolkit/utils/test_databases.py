"""SQLite databases: their addresses with any path, and their creation with kills at every statement."""

from __future__ import annotations

import os
import shlex
import signal
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.exc import OperationalError

from toonlab.errors import ToonlabError
from toonlab.studies.optuna_study import OptunaStudy
from toonlab.utils.databases import driver_error, open_database, sqlite_path, sqlite_url

NAMES = [
    "a#b",
    "q?x",
    "my%20x",
    "p%",
    "{a}",
    "x?mode=ro&uri=true",
    "file:z",
    "c:d",
    "e@f",
    "s;t",
    "g h",
    "漫画",
    "'",
    '"',
]
STATEMENTS = 4  # of `make_tables`


def make_tables(url: str, killed_at: int | None = None) -> Engine:
    """Tables as MLflow makes them, each statement by itself, so that a kill leaves half of them."""
    engine = create_engine(url)
    with engine.connect() as connection:
        for number in range(STATEMENTS):
            if number == killed_at:
                os.kill(os.getpid(), signal.SIGKILL)
            connection.exec_driver_sql(f"CREATE TABLE {'studies' if number == 0 else f'table{number}'} (x INT)")
            connection.commit()
    return engine


def names(url: str) -> list[str]:
    with create_engine(url).connect() as connection:
        found = connection.exec_driver_sql("SELECT name FROM sqlite_master ORDER BY rowid").scalars().all()
        assert found.count("studies") == 1, found
        assert len(found) == STATEMENTS, "half made"
        return list(found)


def opened(path: Path) -> list[str]:
    url = sqlite_url(path)

    def connect() -> list[str]:
        try:
            return names(url)
        except AssertionError as error:
            raise RuntimeError(error) from error

    return open_database(url, "studies", make_tables, connect, "begin again")


def killed(work: Callable[[], object]) -> None:
    """A call in a process of its own, which kills itself."""
    if (child := os.fork()) == 0:
        try:
            work()
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


@pytest.mark.parametrize("name", NAMES)
def test_an_address_holds_any_path(name: str, tmp_path: Path) -> None:
    path = tmp_path / name / f"{name}.db"
    assert opened(path) == names(sqlite_url(path))
    assert sqlite_path(sqlite_url(path)) == path
    assert {file.name for file in tmp_path.rglob("*.db")} == {path.name}
    assert [folder.name for folder in tmp_path.iterdir()] == [name]
    assert shlex.split(shlex.quote(sqlite_url(path))) == [sqlite_url(path)]


@given(
    st.text(
        st.sampled_from("aZ9 %?#{}[]&=+;:@'\"~!$*\\\n漫é") | st.characters(codec="utf-8", exclude_characters="/\0"),
        max_size=60,
    )
)
@settings(max_examples=300)
def test_an_address_is_read_back_as_its_path(name: str) -> None:
    path = Path("/nowhere", f"x{name}")
    assert sqlite_path(sqlite_url(path)) == path


@given(st.binary(min_size=1, max_size=20).filter(lambda name: not set(name) & {0, 47}))
@settings(max_examples=200)
def test_so_is_that_of_a_path_that_is_no_utf8(name: bytes) -> None:
    path = Path("/nowhere", os.fsdecode(b"x" + name))
    assert sqlite_path(sqlite_url(path)) == path


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "postgresql://me@host/db", "http://host:5000"])
def test_an_address_of_no_file_is_opened_as_it_is(url: str) -> None:
    assert sqlite_path(url) is None
    assert open_database(url, "studies", lambda _: pytest.fail("made"), lambda: 1, "") == 1


@pytest.mark.parametrize("statement", range(STATEMENTS))
def test_a_kill_while_the_tables_are_made_leaves_a_whole_file_or_none(statement: int, tmp_path: Path) -> None:
    url = sqlite_url(tmp_path / "a.db")
    killed(lambda: open_database(url, "studies", lambda where: make_tables(where, statement), lambda: 1, ""))
    assert opened(tmp_path / "a.db")
    assert {path.name for path in tmp_path.iterdir()} <= {"a.db", "a.db.lock"}


@pytest.mark.parametrize("statement", range(1, STATEMENTS))
def test_a_half_made_file_without_rows_is_made_again(statement: int, tmp_path: Path) -> None:
    killed(lambda: make_tables(sqlite_url(tmp_path / "a.db"), statement))
    with closing(sqlite3.connect(tmp_path / "a.db")) as reader:  # another program has it open meanwhile
        reader.execute("SELECT * FROM studies").fetchall()
        assert opened(tmp_path / "a.db")
        assert len(reader.execute("SELECT name FROM sqlite_master").fetchall()) == STATEMENTS


@pytest.mark.parametrize("change", ["INSERT INTO studies VALUES (1)", "CREATE TABLE experiments (x INT)"])
def test_a_half_made_file_with_rows_or_of_another_program_stays(change: str, tmp_path: Path) -> None:
    killed(lambda: make_tables(sqlite_url(tmp_path / "a.db"), 2))
    with closing(sqlite3.connect(tmp_path / "a.db")) as connection, connection:
        connection.execute(change)
        connection.execute("INSERT INTO studies VALUES (2)") if "experiments" not in change else None
    before = (tmp_path / "a.db").read_bytes()
    with pytest.raises(RuntimeError, match="half made"):
        opened(tmp_path / "a.db")
    assert (tmp_path / "a.db").read_bytes() == before


def test_a_damaged_file_is_told_in_a_line_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "a.db").write_bytes(b"no database" * 1000)
    with pytest.raises(
        ToonlabError, match=r"a\.db: is damaged: file is not a database; move it away, and begin again$"
    ):
        opened(tmp_path / "a.db")


def test_several_that_create_a_database_at_once_find_the_same(tmp_path: Path) -> None:
    found: list[int] = []
    threads = [threading.Thread(target=lambda: found.append(len(opened(tmp_path / "a.db")))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [STATEMENTS] * 4


def test_a_full_disk_is_told_in_the_drivers_words(tmp_path: Path) -> None:
    with OptunaStudy(sqlite_url(tmp_path / "a.db"), "study") as study:
        engine = study._storage.engine
        engine.dispose()
        event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA max_page_count = 1"))
        study.stopping = lambda: "signal SIGTERM"
        with pytest.raises(ToonlabError, match=r"database or disk is full$"):
            study.add({str(number): "x" * 5000 for number in range(100)})


def test_the_drivers_error_is_found_behind_those_of_libraries() -> None:
    own = sqlite3.OperationalError("disk I/O error")
    outer = RuntimeError("invalid data in the commit")
    outer.__cause__ = OperationalError("INSERT", {}, own)
    assert driver_error(outer) is own
    assert driver_error(RuntimeError()) is None
