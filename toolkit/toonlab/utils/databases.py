"""SQLite databases of MLflow and Optuna: their addresses, and files that are created whole or not at all."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote, unquote

from filelock import FileLock

from toonlab.errors import ToonlabError, first_line

if TYPE_CHECKING:
    from sqlalchemy import Engine

T = TypeVar("T")
_LOCK_SECONDS = 60.0
_QUOTED = re.compile("[%?{}\ud800-\udfff]")  # SQLAlchemy reads the first two, Optuna braces; the last are no UTF-8
_ERRORS = "surrogateescape"  # for paths that are no UTF-8
_FIRST = {"experiments", "studies"}  # the tables that MLflow and Optuna create first
_OWN = {"alembic_version", "version_info", "experiments", "workspaces"}  # which have rows in a database without a run
_DAMAGED = {
    sqlite3.SQLITE_ERROR,
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_NOTADB,
}  # the first: a table is missing or twice


def sqlite_url(path: Path) -> str:
    """The address of a SQLite file for SQLAlchemy, MLflow and Optuna, with any characters in its path."""
    text = path.resolve().as_posix()
    if not _QUOTED.search(text):
        return f"sqlite:///{text}"
    from sqlalchemy import make_url

    # The driver is named because MLflow makes folders of the quoted name for addresses that begin with `sqlite:///`.
    quoted, unquotes = quote(text, errors=_ERRORS), make_url("sqlite:///%41").database == "A"  # SQLAlchemy 2.1 does
    if unquotes and text.isprintable():
        return f"sqlite+pysqlite:///{quoted}"
    return f"sqlite+pysqlite:///file:{quote(quoted) if unquotes else quoted}?uri=true"  # SQLite unquotes bytes, too


def sqlite_path(url: str) -> Path | None:
    """The file of an address, as SQLAlchemy reads it; None if it is none of a SQLite file."""
    if not url.startswith("sqlite"):
        return None
    from sqlalchemy import make_url

    name = make_url(url).database
    if not name or ":memory:" in name:
        return None
    return (
        Path(unquote(name.removeprefix("file:"), errors=_ERRORS))
        if make_url(url).query.get("uri") == "true"
        else Path(name)
    )


def open_database(url: str, first: str, make: Callable[[str], Engine], connect: Callable[[], T], remedy: str) -> T:
    """Connect to a database; that of a SQLite file is created first, in memory, and copied into place in one act.

    A file that a killed program has left half made, in which `connect` fails and no table has rows, is made again.

    Args:
        url: of any database.
        first: the table that the program creates first: a file that has the other program's stays as it is.
        make: creates the tables at an address.
        connect: called while no other process creates the database.
        remedy: what to do with a file that is damaged, after "move it away, and".

    Raises:
        ToonlabError: if a SQLite file is damaged, or as `connect` raises it.
        Exception: as `make` and `connect` raise them.
    """
    path = sqlite_path(url)
    if path is None:
        return connect()
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{path}.lock", timeout=_LOCK_SECONDS):
        try:
            half_made = _is_half_made(path, first)  # `connect` may add to the tables of another program's file
            if not _tables(path):
                _create(path, make)
            return connect()
        except ToonlabError:  # the program's tables are there
            raise
        except Exception as error:
            if half_made:
                _create(path, make)
                return connect()
            if (found := driver_error(error)) and getattr(found, "sqlite_errorcode", None) in _DAMAGED:
                text = f"{path}: is damaged: {first_line(found)}; move it away, and {remedy}"
                raise ToonlabError(text) from error
            raise


def driver_error(error: BaseException | None) -> BaseException | None:
    """The error of a database's driver behind the errors of the libraries above it; None if there is none."""
    return next((found for cause in _causes(error) if (found := _of_driver(cause))), None)


def _of_driver(error: BaseException) -> BaseException | None:
    origin = getattr(error, "orig", None)  # of SQLAlchemy's errors
    return origin if isinstance(origin, BaseException) else error if isinstance(error, sqlite3.Error) else None


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _create(path: Path, make: Callable[[str], Engine]) -> None:
    """SQLite copies in one transaction, and into the very file, which others may have open."""
    engine = make("sqlite:///:memory:")
    with closing(engine.raw_connection()) as source, closing(sqlite3.connect(path)) as target:
        connection: Any = source.driver_connection
        connection.backup(target)
    engine.dispose()


def _tables(path: Path) -> set[str]:
    with closing(sqlite3.connect(path)) as connection:
        return {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def _is_half_made(path: Path, first: str) -> bool:
    """Whether a file has the program's first table, and no rows but those that come with the tables."""
    try:
        tables = _tables(path)
        with closing(sqlite3.connect(path)) as connection:
            rows = (connection.execute(f'SELECT 1 FROM "{name}" LIMIT 1').fetchone() for name in tables - _OWN)
            return tables & _FIRST == {first} and not any(rows)
    except sqlite3.Error:
        return False
