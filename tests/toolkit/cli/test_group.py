"""Commands of plugins, and errors as exit codes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from toonlab import DivergedError, RecipeError, ToonlabError
from toonlab.cli.group import Group
from toonlab.errors import Problem
from toonlab.utils.signals import Interrupted

COMMAND = """
import typer

def greet(name: str, loud: bool = False) -> None:
    '''Greet someone.'''
    print(name.upper() if loud else name)
"""


@pytest.fixture
def offer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Put a distribution on the path that offers a command."""

    def put(name: str, command: str, source: str = COMMAND) -> None:
        (tmp_path / f"{name}.py").write_text(source)
        info = tmp_path / f"{name}-0.1.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 0.1\n")
        (info / "entry_points.txt").write_text(f"[toonlab.commands]\n{command} = {name}:greet\n")

    monkeypatch.syspath_prepend(tmp_path)
    return put


def test_a_plugins_command_is_listed_and_runs_with_its_own_options(
    offer: Callable[..., None], typed: Callable[..., Any]
) -> None:
    offer("greeter_a", "greet")
    assert "A command of the plugin greeter_a (greeter_a 0.1)." in typed("--help").stdout
    assert typed("greet", "ada", "--loud").stdout == "ADA\n"
    assert "Greet someone." in typed("greet", "--help").stdout


def test_a_command_that_two_offer_is_an_error(offer: Callable[..., None], typed: Callable[..., Any]) -> None:
    offer("greeter_b", "greet")
    offer("greeter_c", "greet")
    done = typed("greet", "ada")
    assert done.returncode == 2
    assert done.stderr == ("error: command 'greet': offered by greeter_b 0.1 and by greeter_c 0.1; uninstall one\n")


def test_a_command_that_does_not_import_is_one_line(offer: Callable[..., None], typed: Callable[..., Any]) -> None:
    offer("greeter_d", "greet", "raise ValueError('no voice')\n")
    done = typed("greet")
    assert (done.returncode, done.stderr) == (2, "error: command 'greet' of greeter_d 0.1: ValueError: no voice\n")


def test_toonlabs_own_command_goes_before_a_plugins(offer: Callable[..., None], typed: Callable[..., Any]) -> None:
    offer("greeter_e", "train")
    assert "Train a recipe" in typed("train", "--help").stdout


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (ToonlabError("one\ntwo"), 2, "error: one\nerror: two\n"),
        (
            RecipeError("x", [Problem("a.b", "bad"), Problem("c", "worse")]),
            2,
            "error: x: a.b: bad\nerror: x: c: worse\n",
        ),
        (DivergedError("loss is nan"), 1, "error: loss is nan\n"),
        (Interrupted(15, "stopped by SIGTERM"), 143, "stopped by SIGTERM\n"),
        (KeyboardInterrupt(), 130, "interrupted\n"),
    ],
)
def test_an_error_is_its_text_and_an_exit_code(error: BaseException, code: int, text: str) -> None:
    application = typer.Typer(cls=Group, pretty_exceptions_enable=False)

    @application.command()
    def fail() -> None:
        raise error

    @application.command()
    def succeed() -> None: ...

    result = CliRunner().invoke(application, ["fail"])
    assert (result.exit_code, result.stderr) == (code, text)
    assert CliRunner().invoke(application, ["succeed"]).exit_code == 0
