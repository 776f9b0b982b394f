"""The options that commands share, and what they receive of them."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import pytest
import typer
from typer.testing import CliRunner

from toonlab import ToonlabError
from toonlab.cli.options import command_line, parsed, with_execution_options
from toonlab.studies.executors.options import ExecutionOptions

received: list[tuple[Any, ...]] = []


@with_execution_options
def plain(name: str, options: Any, count: Annotated[int, typer.Option("--count", help="How many.")] = 2) -> None:
    """A command."""
    received.append((name, count, options))


@with_execution_options
def own(options: Any, storage: Annotated[str, typer.Option("--storage", help="Its own text.")] = "") -> None:
    """A command with a shared option of its own."""
    received.append((storage, options))


def call(command: Callable[..., None], *words: str) -> Any:
    application = typer.Typer()
    application.command()(command)
    result = CliRunner().invoke(application, words, env={"COLUMNS": "200"})
    assert result.exit_code == 0, result.output
    return result.output


def test_defaults_are_those_of_the_execution_options(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["toonlab", "plain", "x"])
    call(plain, "x")
    assert received.pop() == ("x", 2, ExecutionOptions(command="toonlab plain x"))


def test_a_command_receives_the_options_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["toonlab"])
    words = "x --count 3 --jobs 4 --storage a://b --stale-after 6 --runs there --device cpu --tracking-uri c://d"
    call(plain, *words.split())
    name, count, options = received.pop()
    assert (name, count) == ("x", 3)
    expected = ExecutionOptions(Path("there"), "cpu", 4, "a://b", 6, command="toonlab", tracking_uri="c://d")
    assert options == expected


def test_an_option_of_the_commands_own_keeps_its_text() -> None:
    shown = call(own, "--help")
    assert "Its own text." in shown
    assert "An Optuna storage" not in shown
    assert "Cells at once" in shown
    call(own, "--storage", "a://b")
    storage, options = received.pop()
    assert storage == options.storage == "a://b"


def test_the_command_line_can_be_typed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["/usr/bin/toonlab", "train", "my recipe.yaml", "observers={mlflow: {}}"])
    assert command_line() == "toonlab train 'my recipe.yaml' 'observers={mlflow: {}}'"


def test_overrides_are_parsed_as_yaml() -> None:
    assert parsed(None) == {}
    texts = ["train.steps=400", "critics.patch=null", "a.b=[1, x]", "train.steps=4"]
    assert parsed(texts) == {"train.steps": 4, "critics.patch": None, "a.b": [1, "x"]}
    with pytest.raises(ToonlabError, match="expected key=value"):
        parsed(["train.steps"])
