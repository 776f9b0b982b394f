"""Recipes' trees by dotted paths: `critics.patch.sampler.k`, `stages.0.epochs`, `critics.*.weight`."""

import copy
from collections.abc import Mapping
from typing import Any

from toonlab.errors import ToonlabError, nearest

Tree = dict[str, Any]
_ABSENT = object()


class DottedTree:
    """A tree of mappings and lists, as YAML gives it, that is read and changed by dotted paths; `root` is its top."""

    def __init__(self, root: Tree) -> None:
        self.root = root

    def get(self, path: str, default: Any = None) -> Any:
        """The value at a path, or `default` where there is none."""
        here: Any = self.root
        for key in path.split("."):
            if (here := _step(here, key)) is _ABSENT:
                return default
        return here

    def __contains__(self, path: str) -> bool:
        return self.get(path, _ABSENT) is not _ABSENT

    def __getitem__(self, path: str) -> Any:
        """The value at a path.

        Raises:
            ToonlabError: if there is none, with the first key that is missing and the nearest one.
        """
        here: Any = self.root
        for key in path.split("."):
            above, here = here, _step(here, key)
            if here is _ABSENT:
                known = map(str, above) if isinstance(above, Mapping) else ()
                raise ToonlabError(f"the recipe has no such path; at {key!r}: {nearest(key, known)}")
        return here

    def expand(self, path: str) -> list[str]:
        """The paths that a path with `*` stands for: one for each name of the mapping that is not null."""
        above, star, below = path.partition(".*")
        if not star:
            return [path]
        found = self.get(above)
        names = [name for name, value in found.items() if value is not None] if isinstance(found, Mapping) else ()
        return [expanded for name in names for expanded in self.expand(f"{above}.{name}{below}")]

    def set(self, path: str, value: Any) -> None:
        """Set the value at a path (without `*`), in place; resolution drops a part that is null.

        Mappings on the way are created, and a part given by its name alone becomes `{use: name}`. A mapping is merged
        into one that is there, as `merge` does it; a new `use` drops the keys of the part that it replaces.

        Raises:
            ToonlabError: if the path leads below a number, or past the end of a list.
        """
        *above, last = path.split(".")
        here: Any = self.root
        for key in above:
            here = _child(here, key, path)
        if isinstance(here, list):
            here[_position(here, last, path)] = copy.deepcopy(value)
        elif last == "use" and above and value != here.get("use", above[-1]):
            here.clear()
            here["use"] = value
        else:
            here[last] = merge({last: here.get(last)}, {last: value})[last]


def merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> Tree:
    """A new tree of `base` with `over` on top: mappings merge, everything else replaces.

    A part's mapping whose `use` changes is replaced, since the old part's parameters are none of the new one's.
    """
    merged = dict(base)
    for key, value in over.items():
        old = merged.get(key)
        if isinstance(old, dict) and isinstance(value, dict) and value.get("use") in (None, old.get("use", key)):
            merged[key] = merge(old, value)
        else:
            merged[key] = copy.deepcopy(value)
    return merged


def _step(here: Any, key: str) -> Any:
    if isinstance(here, list) and key.isdigit() and int(key) < len(here):
        return here[int(key)]
    return here.get(key, _ABSENT) if isinstance(here, Mapping) else _ABSENT


def _child(here: Any, key: str, path: str) -> Any:
    """The mapping or list under a key; one is created where there is none."""
    place: Any = _position(here, key, path) if isinstance(here, list) else key
    child = _step(here, key)
    if child is _ABSENT or child is None:
        child = here[place] = {}
    elif isinstance(child, str):
        child = here[place] = {"use": child}
    elif isinstance(child, int | float) and path.endswith((".weight.critic", ".weight.generator")):  # one for both
        child = here[place] = {"critic": child, "generator": child}
    if not isinstance(child, dict | list):
        raise ToonlabError(f"{path}: {key!r} is {child!r}, which has nothing below it")
    return child


def _position(here: list[Any], key: str, path: str) -> int:
    if not key.isdigit() or int(key) >= len(here):
        raise ToonlabError(f"{path}: {key!r} is not a position in a list of {len(here)}")
    return int(key)
