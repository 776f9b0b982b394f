"""The pages that are written from the code when the site is built: nothing in them is written twice."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from . import commands, names, parts, recipes

PAGES: Mapping[str, Callable[[], str]] = {
    "reference/hooks.md": names.hooks,
    "reference/kinds.md": names.kinds,
    "reference/python.md": names.python,
    "reference/ops.md": names.ops,
    "reference/parts.md": parts.parts,
    "reference/commands.md": commands.commands,
    "reference/sections.md": recipes.sections,
    "reference/recipes.md": recipes.recipes,
}
