"""What a caller gives in Python, as what a recipe's file or a command line would have."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from toonlab.errors import ToonlabError
from toonlab.utils import yaml

_SCALARS = (str, bool, int, float, type(None))


def pairs(overrides: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Overrides as the pairs that `key=value` on the command line means.

    A dotted name means itself, with whatever its value is. The value of a section, `train={"steps": 400}`, stands for
    a pair for each value in it; a mapping with `use`, or an empty one, is such a value: a part.
    """
    found: list[tuple[str, Any]] = []
    for name, value in overrides.items():
        if not name or name.startswith(".") or name.endswith("."):
            raise ToonlabError(f"{name!r}: expected a dotted name, such as train.steps")
        found += [(name, plain(value, name))] if "." in name else _leaves(name, plain(value, name))
    return found


def _leaves(dotted: str, value: Any) -> Iterator[tuple[str, Any]]:
    if not isinstance(value, dict) or not value or "use" in value:
        yield dotted, value
        return
    for key, inside in value.items():
        yield from _leaves(f"{dotted}.{key}", inside)


def plain(value: Any, where: str) -> Any:
    """A value as YAML would give it: paths become text, tuples lists, numpy's numbers Python's.

    Raises:
        ToonlabError: if it is anything else than such data.
    """
    if isinstance(value, np.generic | np.ndarray):
        return plain(value.tolist(), where)
    if isinstance(value, _SCALARS):
        return value
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Mapping):
        return {key: plain(inside, f"{where}.{key}") for key, inside in value.items()}
    if isinstance(value, list | tuple | range):
        return [plain(inside, f"{where}.{place}") for place, inside in enumerate(value)]
    text = "numbers, text, lists and mappings, as in a recipe's file; a part is given by its name"
    raise ToonlabError(f"{where}: got {value!r}, expected {text}")


def names(given: str | os.PathLike[str] | Sequence[str | os.PathLike[str]]) -> list[str]:
    """One name or path, or several, as a list."""
    return [os.fspath(given)] if isinstance(given, str | os.PathLike) else [os.fspath(name) for name in given]


def command_line(command: str, what: str, options: Mapping[str, Any], overrides: Sequence[tuple[str, Any]]) -> str:
    """What could be typed for the same: `toonlab train ctss --at tiny train.steps=400`; options of None are left out.

    Of an option with several values there are several.
    """
    words = ["toonlab", command, what]
    for option, values in options.items():
        for value in values if isinstance(values, list) else [values]:
            words += [f"--{option}", str(value)] if value is not None else []
    return shlex.join([*words, *(f"{dotted}={_text(value)}" for dotted, value in overrides)])


def _text(value: Any) -> str:
    if isinstance(value, str):
        try:
            return value if yaml.load(value, "") == value else json.dumps(value)
        except ToonlabError:
            return json.dumps(value)
    return json.dumps(value)
