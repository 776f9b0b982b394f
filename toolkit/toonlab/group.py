"""The command group: plugins' commands beside toonlab's own, and a user's mistakes as one line."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import typer
from typer.core import TyperGroup

from .errors import DivergedError, ToonlabError


class Group(TyperGroup):
    """toonlab's own commands and, by the entry points `toonlab.commands`, those of plugins."""

    def list_commands(self, ctx: Any) -> list[str]:
        return [*super().list_commands(ctx), *sorted(_plugin_commands())]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        own = super().get_command(ctx, cmd_name)
        return own or (_stub(entry) if (entry := _plugin_commands().get(cmd_name)) else None)

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except ToonlabError as error:
            print("\n".join(f"error: {line}" for line in str(error).splitlines()), file=sys.stderr)
            ctx.exit(1 if isinstance(error, DivergedError) else 2)
        except KeyboardInterrupt as interrupt:
            print(str(interrupt) or "interrupted", file=sys.stderr)
            ctx.exit(128 + getattr(interrupt, "number", 2))  # as a shell tells that a signal ended it


def _plugin_commands() -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group="toonlab.commands")}


def _stub(entry: EntryPoint) -> Any:
    """A command that imports its plugin only when it is called."""

    def run(ctx: typer.Context) -> None:
        try:
            function = entry.load()
        except Exception as error:
            raise ToonlabError(
                f"command {entry.name!r} of {_source(entry)}: {type(error).__name__}: {error}"
            ) from error
        _command(entry.name, function).main(ctx.args, prog_name=f"toonlab {entry.name}", standalone_mode=False)

    about = f"A command of the plugin {entry.value.partition('.')[0]} ({_source(entry)})."
    passed_on = {"ignore_unknown_options": True, "allow_extra_args": True}
    return _command(entry.name, run, help=about, context_settings=passed_on, add_help_option=False)


def _command(name: str, function: Callable[..., None], **settings: Any) -> Any:
    application = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    application.command(name, **settings)(function)
    return typer.main.get_command(application)


def _source(entry: EntryPoint) -> str:
    return f"{entry.dist.name} {entry.dist.version}" if entry.dist else entry.value
