"""What follows from the trials of a search."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from toonlab.studies.results.results import SearchTrial, TrialState
from toonlab.studies.results.searches import edges, expected, front, ranked


def trial(number: int, value: float | None, state: TrialState = "complete", **params: Any) -> SearchTrial:
    return SearchTrial(number, params, state=state, value=value)


def test_complete_trials_are_ranked_and_of_equals_the_earlier_is_first() -> None:
    trials = [trial(0, 0.3), trial(1, None, "pruned"), trial(2, 0.7), trial(3, 0.7)]
    assert [each.number for each in ranked(trials, higher=True)] == [2, 3, 0]
    assert [each.number for each in ranked(trials, higher=False)] == [0, 2, 3]


def test_a_front_is_what_no_other_trial_surpasses() -> None:
    chance, directions = Random(0), {"f1": "maximize", "loss": "minimize"}
    values = [{"f1": f1, "loss": f1 + chance.randrange(4)} for f1 in chance.choices(range(9), k=40)]
    trials = [SearchTrial(n, {}, values=each) for n, each in enumerate(values)]
    found = front([*trials, SearchTrial(40, {}, state="pruned")], directions)
    points = [(each["f1"], -each["loss"]) for each in values]

    def surpassed(own: tuple[int, int]) -> bool:
        return any(other != own and other[0] >= own[0] and other[1] >= own[1] for other in points)

    assert {points[n] for n in found} == {point for point in points if not surpassed(point)}
    assert len({points[n] for n in found}) == len(found) > 1
    assert [points[n][0] for n in found] == sorted((points[n][0] for n in found), reverse=True)


def test_pruned_and_failed_trials_count_as_the_worst_and_infeasible_ones_do_not() -> None:
    trials = [trial(0, 0.3), trial(1, None, "pruned"), trial(2, 0.7), trial(3, None, "failed")]
    points = expected([*trials, trial(4, None, "infeasible")], higher=True)
    assert [point.trials for point in points] == [1, 2, 3, 4]
    assert points[0].value == pytest.approx((0.3 + 0.3 + 0.7 + 0.3) / 4)
    assert expected(trials[1:2], higher=True) == []


def bounds(low: float, high: float, **given: Any) -> dict[str, Any]:
    return {"choices": None, "low": low, "high": high, "step": None, "log": False, "integer": False, **given}


@pytest.mark.parametrize(
    ("given", "values", "edge"),
    [
        (bounds(0, 1), [0.98], "high"),
        (bounds(0, 1), [0.04], "low"),
        (bounds(0, 1), [0.9], None),
        (bounds(1e-4, 1e-2, log=True), [1.1e-4], "low"),
        (bounds(1e-4, 1e-2, log=True), [5e-4], None),  # a linear scale would call it low
        (bounds(1, 2, integer=True), [2], None),  # of two values, each would be an edge
        (bounds(1, 8, integer=True), [8], "high"),
        (bounds(16, 64, step=16, integer=True), [64], "high"),
        ({"choices": [1, 2, 3, 4, 5]}, [5], None),
        (bounds(0, 1), [0.5, 0.99, 0.99, *[0.5] * 27], "high"),  # most of the best tenth
        (bounds(0, 1), [0.5, 0.99, 0.5, *[0.99] * 27], None),
        (bounds(0, 1), [1.4], "high"),  # the default, outside of the range
        (bounds(0, 1), [], None),
    ],
)
def test_an_edge_is_where_the_best_lie_at_the_end_of_a_range(
    given: dict[str, Any], values: list[float], edge: str | None
) -> None:
    best = [trial(n, 1 - n / 100, lr=value) for n, value in enumerate(values)]
    assert edges(best, {"lr": given}).get("lr") == edge
