"""Arguments of a Python call as a recipe's file or a command line has them."""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from toonlab.errors import ToonlabError

_SCALARS = (str, bool, int, float, type(None))


def pairs(overrides: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Overrides as the pairs that `key=value` on the command line gives.

    A dotted name keeps its value as it is. A section, `train={"steps": 400}`, becomes one pair for each value in it. A
    part, which is a mapping with `use`, and an empty mapping are single values.
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
    """A value as YAML gives it: paths become text, tuples become lists, NumPy's numbers become Python's.

    Raises:
        ToonlabError: if the value is no such data; the text begins with `where`.
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
        return [plain(inside, f"{where}.{index}") for index, inside in enumerate(value)]
    text = "numbers, text, lists and mappings, as in a recipe's file; a part is given by its name"
    raise ToonlabError(f"{where}: got {value!r}, expected {text}")


def names(value: str | os.PathLike[str] | Sequence[str | os.PathLike[str]]) -> list[str]:
    """One name or path, or several, as a list."""
    return [os.fspath(value)] if isinstance(value, str | os.PathLike) else [os.fspath(name) for name in value]


def call(function: str, subject: Any, options: Mapping[str, Any], overrides: Mapping[str, Any]) -> str:
    """The call that a run's files record: `toonlab.train('ctss', at='tiny', train={'steps': 400})`.

    A recipe or an experiment as data stands as `{…}`; options that are None or empty are left out.
    """
    given = {name: value for name, value in options.items() if value not in (None, (), [])} | dict(overrides)
    data = {name: plain(value, name) for name, value in given.items()}
    dotted = {name: value for name, value in data.items() if not name.isidentifier()}
    words = ["{…}" if isinstance(subject, Mapping) else repr(os.fspath(subject))]
    words += [f"{name}={value!r}" for name, value in data.items() if name not in dotted]
    words += [f"**{dotted!r}"] if dotted else []
    return f"toonlab.{function}({', '.join(words)})"
