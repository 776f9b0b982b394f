"""What follows from the trials of a search: their order, the expected best by budget, and edges that were hit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import log
from typing import TYPE_CHECKING, Any, Literal

from toonlab.stats.expected_best import ExpectedBest, expected_best

if TYPE_CHECKING:
    from .results import SearchTrial

End = Literal["low", "high"]
_EDGE = 0.05  # of a range, at either end
_FEW = 4  # values of a range, of which every other one would be an edge


def ranked(trials: Sequence[SearchTrial], *, higher: bool) -> list[SearchTrial]:
    """The complete trials, the best first; of equals, the earlier."""
    complete = [trial for trial in trials if trial.state == "complete" and trial.value is not None]
    return sorted(complete, key=lambda trial: ((-1 if higher else 1) * (trial.value or 0.0), trial.number))


def front(trials: Sequence[SearchTrial], directions: Mapping[str, str]) -> list[int]:
    """The numbers of the complete trials that no other one surpasses, the best of the first objective first.

    One surpasses another if it is at least as good in every objective, and better in one. Of equals, the first counts.
    """
    signs = {name: 1 if direction == "maximize" else -1 for name, direction in directions.items()}
    points = {t.number: [sign * t.values[name] for name, sign in signs.items()] for t in trials if t.values}
    order = sorted(points, key=lambda number: points[number], reverse=True)  # none is surpassed by a later one
    kept = list[int]()
    for number in order:
        if not any(all(a >= b for a, b in zip(points[n], points[number], strict=True)) for n in kept):
            kept.append(number)
    return kept


def expected(trials: Sequence[SearchTrial], *, higher: bool) -> list[ExpectedBest]:
    """The expected best value by the number of trials, infeasible ones not counted.

    Pruned and failed trials count, as the worst complete one: they have cost a trial, and are never the best.
    """
    complete = [trial.value or 0.0 for trial in ranked(trials, higher=higher)]
    without = sum(trial.state in ("pruned", "failed") for trial in trials)
    return expected_best([*complete, *complete[-1:] * without], higher=higher)


def edges(best_first: Sequence[SearchTrial], space: Mapping[str, Mapping[str, Any]]) -> dict[str, End]:
    """Dotted path -> `low` or `high`, where the best trial or most of the best tenth lie at the end of its range.

    The end is its last twentieth, on a logarithmic scale where the search has one. Choices have no ends.
    """
    best = best_first[: max(1, len(best_first) // 10)]
    return {path: end for path, given in space.items() if (end := next(_ends(best, path, given), None))}


def _ends(best: Sequence[SearchTrial], path: str, given: Mapping[str, Any]) -> Iterator[End]:
    if given.get("choices") is not None or not best:
        return
    low, high = given["low"], given["high"]
    step = given["step"] or given["integer"]
    if high == low or (step and (high - low) / step < _FEW - 1):
        return
    of = log if given["log"] else float
    values = [trial.params[path] for trial in best if isinstance(trial.params.get(path), int | float)]
    places = [(of(value) - of(low)) / (of(high) - of(low)) for value in values if value > 0 or not given["log"]]
    by_end: dict[End, list[bool]] = {"low": [p <= _EDGE for p in places], "high": [p >= 1 - _EDGE for p in places]}
    for end, near in by_end.items():
        if near and (near[0] or 2 * sum(near) > len(near)):
            yield end
