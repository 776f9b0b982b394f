"""Recipes: a YAML file that is one complete method, checked against the catalogue.

`read` follows `extends`, `load` applies `--at` files and dotted overrides to it, and `resolve` fills in every default
and reports all errors together.
"""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from toonlab.errors import ToonlabError
from toonlab.registry.catalogue import Catalogue
from toonlab.registry.schema import Typed
from toonlab.utils import paths, yaml

from .dotted_tree import DottedTree, merge
from .resolve import exists, parameter_at, resolve
from .spec import Recipe

Override = str | tuple[str, Any]


@dataclass(frozen=True)
class Draft:
    """A recipe before defaults are filled in: its merged tree, its name, and the names of the recipes it extends."""

    names: tuple[str, ...]
    tree: DottedTree

    def apply_overlays(self, names: Sequence[str], catalogue: Catalogue, near: Path | None = None) -> None:
        """Apply `--at` files, in place; `only: {animegan: {…}}` is for that recipe and its descendants."""
        for file in [paths.find(name, "baselines/at", near) for name in names]:
            overrides = yaml.load_file(file)
            only = overrides.pop("only", None) or {}
            if not isinstance(only, dict) or not all(isinstance(own, dict) for own in only.values()):
                raise ToonlabError(f"{file}: only: got {only!r}, expected recipes' names, each with its overrides")
            for name in reversed(self.names):
                overrides |= only.get(name, {})
            self.apply_present({str(path): value for path, value in overrides.items() if path != "about"}, catalogue)

    def apply_present(self, overrides: Mapping[str, Any], catalogue: Catalogue) -> set[str]:
        """Apply each override where the recipe has its path, in place; returns the paths that it has."""
        present = set()
        for path, value in overrides.items():
            for target in self.tree.expand(path):
                if exists(self.tree.root, target, catalogue):
                    self.set(target, value, catalogue)
                    present.add(path)
        return present

    def apply(self, overrides: Sequence[Override], catalogue: Catalogue) -> None:
        """Apply overrides, in place, each as `key=value` or as a pair."""
        for override in overrides:
            path, value = parse_override(override) if isinstance(override, str) else override
            for target in self.tree.expand(path):
                self.set(target, value, catalogue)

    def set(self, path: str, value: Any, catalogue: Catalogue) -> None:
        """Set one value, in place; a typed one is read as the parameter there takes it."""
        if isinstance(value, Typed):
            tried = copy.deepcopy(self.tree)
            tried.set(path, str(value))
            parameter = parameter_at(tried.root, path, catalogue)
            value = parameter.read(value, path) if parameter else yaml.load(value, path)
        self.tree.set(path, value)

    def resolve(self, catalogue: Catalogue, source: str | None = None) -> Recipe:
        return resolve(self.tree.root, self.names[0], catalogue, source)


def load(
    name: str | Path,
    catalogue: Catalogue,
    overrides: Sequence[Override] = (),
    at: Sequence[str] = (),
    shared: Mapping[str, Any] | None = None,
    near: Path | None = None,
) -> Recipe:
    """Read, override, complete and check a recipe.

    Args: as for `overridden`.

    Raises:
        RecipeError: with everything that is wrong.
    """
    return overridden(name, catalogue, overrides, at, shared, near).resolve(catalogue, str(name))


def overridden(
    name: str | Path,
    catalogue: Catalogue,
    overrides: Sequence[Override] = (),
    at: Sequence[str] = (),
    shared: Mapping[str, Any] | None = None,
    near: Path | None = None,
) -> Draft:
    """A recipe with overrides, before defaults are filled in.

    Args:
        name: a recipe that `toonlab recipes` lists, or a path.
        catalogue: of parts.
        overrides: `critics.patch.sampler.patch_size=48`, or the same as a pair.
        at: files of overrides, each applied where its path exists (`tiny`, or a path).
        shared: overrides of an experiment, likewise applied where their path exists, after `at`.
        near: the file that names the recipe, for paths relative to it.
    """
    draft = read(paths.find(str(name), "baselines", near))
    draft.apply_overlays(at, catalogue, near)
    draft.apply_present(shared or {}, catalogue)
    draft.apply(overrides, catalogue)
    return draft


def from_data(
    data: Mapping[str, Any],
    name: str,
    catalogue: Catalogue,
    overrides: Sequence[Override] = (),
    at: Sequence[str] = (),
) -> Recipe:
    """`load` for a recipe as data, in the form of a file; it may extend a listed recipe or a path."""
    draft = _draft(data, name, name, None, ())
    draft.apply_overlays(at, catalogue)
    draft.apply(overrides, catalogue)
    return draft.resolve(catalogue)


def read(path: Path, below: tuple[Path, ...] = ()) -> Draft:
    """Read a recipe's file and the files that it extends, each once; `below` are those that extend it."""
    if path.resolve() in below:
        raise ToonlabError(f"{path}: extends itself: {' -> '.join(p.stem for p in (*below, path))}")
    return _draft(yaml.load_file(path), path.stem, path, path, (*below, path.resolve()))


def _draft(data: Mapping[str, Any], name: str, source: str | Path, near: Path | None, below: tuple[Path, ...]) -> Draft:
    """The draft of a recipe's data; `below` are the files that extend it, itself among them."""
    own = {key: value for key, value in data.items() if key != "extends"}
    parent = data.get("extends")
    if parent is None:
        return Draft((name,), DottedTree(merge({}, own)))
    if not isinstance(parent, str):
        raise ToonlabError(f"{source}: extends: got {parent!r}, expected the name or the path of one recipe")
    # A recipe may extend a listed one of its own name: that is not its own file.
    base = read(paths.find(parent, "baselines", None if parent == name else near), below)
    return Draft((name, *base.names), DottedTree(merge(base.tree.root, own)))


def parse_override(text: str) -> tuple[str, Typed]:
    """`train.steps=400` -> ("train.steps", Typed("400")): YAML, or text, as the parameter takes it."""
    path, equals, value = text.partition("=")
    if not equals or not path or path.startswith(".") or path.endswith("."):
        raise ToonlabError(f"{text!r}: expected key=value, such as train.steps=400 or critics.patch=null")
    return path, Typed(value)
