"""A resolved recipe as flat parameters."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

_LONGEST = 6000  # characters: MLflow's limit for a value


def flatten(recipe: Mapping[str, Any]) -> dict[str, str]:
    """Dotted paths and values: `{"critics": {"patch": {"k": 4}}}` -> `{"critics.patch.k": "4"}`.

    Text is kept; other values, including lists and empty mappings, are written as JSON. Values longer than MLflow's
    limit of 6000 characters are cut. `observers` is left out: it does not affect what a run computes, and may hold a
    password.
    """
    computed = {key: value for key, value in recipe.items() if key != "observers"}
    return {path: _text(value) for path, value in _leaves(computed)}


def _leaves(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in tree.items():
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _text(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
