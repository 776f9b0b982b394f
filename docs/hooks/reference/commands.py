"""Every command with its arguments and options, those of toonlab's own plugins among them."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Iterator
from typing import Any

import typer

from toonlab.cli.app import app
from toonlab.registry import metadata, schema

from .text import code, docstring, table

INTRODUCTION = """\
# Commands

`toonlab COMMAND --help` prints the same. A mistake ends with exit code 2 and a
[line](../errors.md) that says what to do.
"""


def commands() -> str:
    text = [INTRODUCTION]
    for name, command in walk():
        text += _command(name, command)
    return "\n\n".join(text)


def walk() -> Iterator[tuple[str, Any]]:
    """Every command by its whole name, such as `plugins doctor`."""
    root = typer.main.get_command(app)
    context = typer.Context(root, info_name="toonlab")
    for name in root.list_commands(context):
        command = root.commands.get(name) or _of_plugin(name)
        yield name, command
        for below, inner in getattr(command, "commands", {}).items():
            yield f"{name} {below}", inner


def _of_plugin(name: str) -> Any:
    """A plugin's command, imported."""
    (entry,) = (entry for entry in metadata.entries(metadata.COMMANDS) if entry.name == name)
    application = typer.Typer(add_completion=False)
    application.command(name)(entry.point.load())
    return typer.main.get_command(application)


def _command(name: str, command: Any) -> Iterator[str]:
    function = inspect.unwrap(command.callback)
    types = typing.get_type_hints(function)
    shown = [one for one in command.params if not one.hidden]
    usage = ["[OPTIONS]" if any(map(_is_option, shown)) else "", *(_usage(one) for one in shown if not _is_option(one))]
    yield f"## toonlab {name} {{: #{name.replace(' ', '-')} }}"
    yield f"```text\ntoonlab {name} {' '.join(filter(None, usage))}\n```"
    yield docstring(function)[0]
    if shown:
        rows = [_row(one, schema.type_name(types.get(one.name, str))) for one in shown]
        yield table(("argument or option", "type", "default", "meaning"), rows)


def _is_option(parameter: Any) -> bool:
    return bool(parameter.param_type_name == "option")


def _usage(argument: Any) -> str:
    name = argument.metavar or argument.name.upper()
    return name if argument.nargs == 1 or name.endswith("...") else f"{name}..."


def _row(parameter: Any, kind: str) -> tuple[str, ...]:
    names = ", ".join(parameter.opts) if _is_option(parameter) else _usage(parameter)
    return code(names), code(kind.removesuffix(" | null")), _default(parameter), parameter.help or ""


def _default(parameter: Any) -> str:
    if parameter.required:
        return "must be given"
    return "" if parameter.default in (None, False, "") else code(parameter.default)
