"""Recipes: a YAML file that is one complete method, checked against the catalogue.

`read` follows `extends`, `load` lays `--at` files and dotted overrides over it, and `resolve` fills in every default
and reports all errors together.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from toonlab.errors import RecipeError, ToonlabError
from toonlab.registry.catalogue import Catalogue
from toonlab.utils import paths, yaml

from .resolve import exists, resolve
from .resolve_parts import lookup
from .spec import Recipe, Tree


def load(
    name: str | Path,
    catalogue: Catalogue,
    overrides: Sequence[str | tuple[str, Any]] = (),
    at: Sequence[str] = (),
    shared: Mapping[str, Any] | None = None,
    near: Path | None = None,
) -> Recipe:
    """Read, override, complete and check a recipe.

    Args:
        name: a name on the shelf, or a path.
        overrides: `critics.patch.sampler.patch_size=48`, or the same as a pair.
        at: files of overrides, each applied where its path exists (`tiny`, or a path).
        shared: overrides of an experiment, likewise applied where their path exists, after `at`.
        near: the file that names the recipe, for paths relative to it.

    Raises:
        RecipeError: with everything that is wrong.
    """
    path = paths.find(str(name), "baselines", near)
    return _complete(read(path), lineage(path), str(name), catalogue, overrides, at, shared, near)


def from_data(
    data: Mapping[str, Any],
    name: str,
    catalogue: Catalogue,
    overrides: Sequence[str | tuple[str, Any]] = (),
    at: Sequence[str] = (),
) -> Recipe:
    """The same for a recipe as data, as a file would have it; what it `extends` is a name on the shelf or a path."""
    own, parent = dict(data), data.get("extends")
    own.pop("extends", None)
    if parent is None:
        return _complete(merge({}, own), [name], name, catalogue, overrides, at)
    path = _parent(parent, name, None)
    return _complete(merge(read(path), own), [name, *lineage(path)], name, catalogue, overrides, at)


def _complete(
    tree: Tree,
    names: Sequence[str],
    source: str,
    catalogue: Catalogue,
    overrides: Sequence[str | tuple[str, Any]],
    at: Sequence[str],
    shared: Mapping[str, Any] | None = None,
    near: Path | None = None,
) -> Recipe:
    """The recipe of a tree, whose `names` are its own and those of what it extends."""
    for overlay in at:
        lay(tree, overrides_of(paths.find(overlay, "baselines/at", near), names), catalogue)
    lay(tree, shared or {}, catalogue)
    for override in overrides:
        dotted, value = parse_override(override) if isinstance(override, str) else override
        for target in expand(tree, dotted):
            assign(tree, target, value)
    recipe, problems = resolve(tree, names[0], catalogue)
    if recipe is None:
        raise RecipeError(source, problems)
    return recipe


def lay(tree: Tree, overrides: Mapping[str, Any], catalogue: Catalogue) -> set[str]:
    """Apply each override where its path exists, in place; returns those that found a place."""
    placed = set()
    for dotted, value in overrides.items():
        for target in expand(tree, dotted):
            if exists(tree, target, catalogue):
                assign(tree, target, value)
                placed.add(dotted)
    return placed


def overrides_of(path: Path, names: Sequence[str]) -> dict[str, Any]:
    """The overrides of an `--at` file for a recipe: dotted path -> value, in their order.

    What stands under `only: {animegan: {…}}` is for that recipe and those that extend it, and comes last.

    Args:
        names: the recipe's, and those of what it extends (`lineage`).
    """
    given = yaml.load_file(path)
    only = given.pop("only", None) or {}
    if not isinstance(only, dict) or not all(isinstance(overrides, dict) for overrides in only.values()):
        raise ToonlabError(f"{path}: only: got {only!r}, expected recipes' names, each with its overrides")
    parts = [given, *(only.get(name, {}) for name in reversed(names))]
    return {str(dotted): value for part in parts for dotted, value in part.items() if dotted != "about"}


def read(path: Path) -> Tree:
    """A recipe's tree with what it `extends` merged in."""
    tree: Tree = {}
    for ancestor in reversed(_ancestry(path)):
        own = yaml.load_file(ancestor)
        own.pop("extends", None)
        tree = merge(tree, own)
    return tree


def lineage(path: Path) -> list[str]:
    """The names of a recipe and of what it extends, itself first."""
    return [ancestor.stem for ancestor in _ancestry(path)]


def _ancestry(path: Path, seen: tuple[Path, ...] = ()) -> list[Path]:
    """A recipe's file and those that it extends."""
    if path.resolve() in seen:
        raise ToonlabError(f"{path}: extends itself: {' -> '.join(p.stem for p in (*seen, path))}")
    parent = yaml.load_file(path).get("extends")
    if parent is None:
        return [path]
    # A recipe may extend one of its own name from the shelf: its own file is not what it means.
    near = path if path.stem != parent else None
    return [path, *_ancestry(_parent(parent, path, near), (*seen, path.resolve()))]


def _parent(parent: Any, source: Path | str, near: Path | None) -> Path:
    """The file that a recipe extends."""
    if not isinstance(parent, str):
        raise ToonlabError(f"{source}: extends: got {parent!r}, expected the name or the path of one recipe")
    return paths.find(parent, "baselines", near)


def merge(base: Tree, over: Mapping[str, Any]) -> Tree:
    """Mappings merge, everything else replaces; a changed `use` drops the old part's other keys."""
    merged = dict(base)
    for key, value in over.items():
        old = merged.get(key)
        if isinstance(old, dict) and isinstance(value, dict) and not _changes_use(key, old, value):
            merged[key] = merge(old, value)
        else:
            merged[key] = copy.deepcopy(value)
    return merged


def _changes_use(key: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    return "use" in new and new["use"] != old.get("use", key)


def parse_override(text: str) -> tuple[str, Any]:
    """`train.steps=400` -> ("train.steps", 400); the value is YAML."""
    dotted, equals, value = text.partition("=")
    if not equals or not dotted or dotted.startswith(".") or dotted.endswith("."):
        raise ToonlabError(f"{text!r}: expected key=value, such as train.steps=400 or critics.patch=null")
    return dotted, yaml.load(value, dotted)


def expand(tree: Tree, dotted: str) -> list[str]:
    """The paths that a path with `*` stands for."""
    head, star, tail = dotted.partition(".*")
    if not star:
        return [dotted]
    there = lookup(tree, head)
    names = there if isinstance(there, dict) else ()
    return [path for name in names if there[name] is not None for path in expand(tree, f"{head}.{name}{tail}")]


def assign(tree: Tree, dotted: str, value: Any) -> None:
    """Set the value at a path; mappings on the way are made, a part given by name alone becomes `{use: name}`."""
    *way, last = dotted.split(".")
    here: Any = tree
    above = ""
    for key in way:
        here = _child(here, key, dotted)
        above = key
    if isinstance(here, list):
        here[_index(here, last, dotted)] = value
    elif last == "use" and value != here.get("use", above):
        here.clear()
        here["use"] = value
    elif isinstance(here.get(last), dict) and isinstance(value, dict):
        here[last] = merge({last: here[last]}, {last: value})[last]
    else:
        here[last] = copy.deepcopy(value)


def _child(here: Any, key: str, dotted: str) -> Any:
    place: Any = _index(here, key, dotted) if isinstance(here, list) else key
    child = here[place] if isinstance(here, list) else here.get(key)
    if isinstance(child, str):
        child = here[place] = {"use": child}
    elif child is None:
        child = here[place] = {}
    if not isinstance(child, dict | list):
        raise ToonlabError(f"{dotted}: {key!r} is {child!r}, which has nothing below it")
    return child


def _index(here: list[Any], key: str, dotted: str) -> int:
    if not key.isdigit() or int(key) >= len(here):
        raise ToonlabError(f"{dotted}: {key!r} is not a position in a list of {len(here)}")
    return int(key)
