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
    words = "x --count 3 --jobs 4 --executor local --runs there --device cpu --tracking-uri c://d"
    call(plain, *words.split())
    name, count, options = received.pop()
    assert (name, count) == ("x", 3)
    given = {"jobs": 4, "device": "cpu"}
    expected = ExecutionOptions(Path("there"), {"use": "local"}, given, command="toonlab", tracking_uri="c://d")
    assert options == expected


@pytest.mark.parametrize(
    ("words", "executor"),
    [
        ("--scheduler tcp://host:8786", {"use": "dask", "scheduler": "tcp://host:8786"}),
        ("--scheduler cluster.json", {"use": "dask", "scheduler": "cluster.json"}),
        ('--executor {"use":"local","jobs":2}', {"use": "local", "jobs": 2}),
        ("--executor dask --scheduler tcp://host:8786", {"use": "dask", "scheduler": "tcp://host:8786"}),
        ("", {}),
    ],
)
def test_an_executor_is_named_or_follows_from_a_scheduler(words: str, executor: dict[str, Any]) -> None:
    call(plain, "x", *words.split())
    assert received.pop()[-1].executor == executor


def test_an_executor_that_has_no_scheduler_is_not_given_one() -> None:
    application = typer.Typer()
    application.command()(plain)
    words = ["x", "--executor", "local", "--scheduler", "tcp://host:8786"]
    with pytest.raises(ToonlabError, match=r"--scheduler tcp://host:8786: the executor 'local' has none"):
        CliRunner().invoke(application, words, catch_exceptions=False)


def test_the_command_line_can_be_typed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["/usr/bin/toonlab", "train", "my recipe.yaml", "observers={mlflow: {}}"])
    assert command_line() == "toonlab train 'my recipe.yaml' 'observers={mlflow: {}}'"


def test_overrides_are_kept_as_they_were_typed() -> None:
    assert parsed(None) == {}
    texts = ["train.steps=400", "critics.patch=null", "a.b=[1, x]", "train.steps=4"]
    assert parsed(texts) == {"train.steps": "4", "critics.patch": "null", "a.b": "[1, x]"}
    with pytest.raises(ToonlabError, match="expected key=value"):
        parsed(["train.steps"])
