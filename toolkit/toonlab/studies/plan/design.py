"""Factors of an experiment: which levels each of its cells has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any, Literal

Design = Literal["full", "one-at-a-time", "leave-one-out"]
Levels = dict[str, Any]


def combinations(factors: Mapping[str, Sequence[Any]], design: Design) -> Iterator[Levels]:
    """The levels of each variant, the one that the others are measured against first.

    - `full`: every combination of levels.
    - `one-at-a-time`: the recipe as it is, then every level of every factor by itself.
    - `leave-one-out`: all changes at once (each factor has one level), then all but one; what is left out stays as the
      recipe has it.
    """
    if design == "full":
        for combination in product(*factors.values()):
            yield dict(zip(factors, combination, strict=True))
    elif design == "one-at-a-time":
        yield {}
        for path, levels in factors.items():
            for level in levels:
                yield {path: level}
    else:
        all_of_them = {path: levels[0] for path, levels in factors.items()}
        yield all_of_them
        for left_out in factors if len(factors) > 1 else ():
            yield {path: level for path, level in all_of_them.items() if path != left_out}
