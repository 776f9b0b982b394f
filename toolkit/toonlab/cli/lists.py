"""Lists of plugins and recipes: `plugins`, `plugins doctor`, `recipes`."""

from __future__ import annotations

import json
import sys
from contextlib import redirect_stdout
from typing import Annotated

import typer

AsJSON = Annotated[bool, typer.Option("--json", help="For programs.")]

plugins = typer.Typer(invoke_without_command=True)


@plugins.callback()
def list_plugins(context: typer.Context, as_json: AsJSON = False) -> None:
    """List every part by kind: parameters, types, constraints, defaults, search ranges, distribution."""
    if context.invoked_subcommand:
        return
    from toonlab.registry.catalogue import discover

    catalogue = discover()
    if as_json:
        print(json.dumps(catalogue.to_json(), indent=1))
        return
    from .listing import show_catalogue

    show_catalogue(catalogue)


@plugins.command()
def doctor(context: typer.Context, as_json: AsJSON = False) -> None:
    """Check the installed plugins: their sources, their hooks and their problems; exit code 1 if there are any."""
    from toonlab.registry.doctor import examine, show_diagnosis

    with redirect_stdout(sys.stderr):  # what plugins print when they are imported
        found = examine(_commands(context))
    if as_json or (context.parent and context.parent.params["as_json"]):
        print(json.dumps(found.to_json(), indent=1))
    else:
        show_diagnosis(found)
    raise typer.Exit(1 if found.problems else 0)


def _commands(context: typer.Context) -> frozenset[str]:
    """toonlab's own, without those of plugins."""
    root = context.find_root().command
    return frozenset(getattr(root, "commands", ()))


def recipes() -> None:
    """List the recipes, the experiments and the files for --at."""
    from .listing import show_recipes

    show_recipes()
