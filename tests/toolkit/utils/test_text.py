"""What people read: names, durations, and addresses without their passwords."""

from __future__ import annotations

from pathlib import Path

import pytest

from toonlab.utils.text import duration, hide_password, printable, several, shown, without_password


@pytest.mark.parametrize(
    ("name", "shown"),
    [("a b.png", "a b.png"), ("写真.jpg", "写真.jpg"), ("a\nb", r"'a\nb'"), ("caf\udce9", r"'caf\udce9'"), ("", "")],
)
def test_names_become_one_line_that_can_be_printed(name: str, shown: str) -> None:
    assert printable(name) == shown
    assert printable(Path(name or "/")) == (shown or "/")


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0, "0:00"), (59.4, "0:59"), (59.6, "1:00"), (125, "2:05"), (3599.6, "1:00:00"), (7300, "2:01:40")],
)
def test_durations(seconds: float, shown: str) -> None:
    assert duration(seconds) == shown


@pytest.mark.parametrize(
    ("uri", "hidden"),
    [
        ("postgresql://me:secret@host:5432/db", "postgresql://me@host:5432/db"),
        ("postgresql+psycopg://me:p%40ss@host/db", "postgresql+psycopg://me@host/db"),
        ("sqlite:////runs/mlflow.db", "sqlite:////runs/mlflow.db"),
        ("http://me@host", "http://me@host"),
        ("https://me:s%40cret@host:5000", "https://me@host:5000"),
        ("http://host:5000/prefix", "http://host:5000/prefix"),
        ("sqlite:////tmp/a:b@c.db", "sqlite:////tmp/a:b@c.db"),
    ],
)
def test_a_password_is_not_shown(uri: str, hidden: str) -> None:
    assert without_password(uri) == hidden


def test_nor_in_what_others_say_of_it() -> None:
    uri = "http://me:p%40ss@host"
    assert hide_password("http://me:p%40ss@host refused me, p@ss", uri) == "http://me:***@host refused me, ***"
    assert hide_password("refused", "http://me@host") == "refused"


def test_counts_in_words() -> None:
    assert [several(count, "seed") for count in (1, 1200)] == ["1 seed", "1,200 seeds"]


def test_a_label_keeps_what_tells_it_apart_and_loses_a_floats_tail() -> None:
    assert shown("ctss (lr 0.00047404814449621233, k 4, stride 0.75)") == "ctss (lr 0.000474, k 4, stride 0.75)"
    assert shown("ctss (lr 4.7404814449621233e-05)") == "ctss (lr 4.74e-05)"
