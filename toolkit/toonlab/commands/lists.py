"""What there is: `plugins`, `recipes`."""

from __future__ import annotations

import json
from typing import Annotated

import typer


def plugins(
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """List every part by kind: parameters, types, constraints, defaults, search ranges, distribution."""
    from toonlab.plugins import discover

    catalogue = discover()
    if as_json:
        print(json.dumps(catalogue.to_json(), indent=1))
        return
    from toonlab.listing import show_catalogue

    show_catalogue(catalogue)


def recipes() -> None:
    """List the recipes, the experiments and the files for --at."""
    from toonlab.listing import show_shelf

    show_shelf()
