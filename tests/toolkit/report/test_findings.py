"""Means, ranks, words and differences of a study."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from toonlab.report.findings import Findings

Made = Callable[..., Findings]
BASE, UP = [0.50, 0.52, 0.48], [0.60, 0.62, 0.585]


def test_values_are_by_seed_and_finite(made: Made) -> None:
    found = made({"a": {3: 0.5, 1: 0.7, 2: float("nan")}, "b": {}, "c": [0.1]}, failed=1)
    assert list(found.by_seed("lines", "a").items()) == [(1, 0.7), (3, 0.5)]
    assert found.values("lines", "a") == [0.7, 0.5]
    assert found.mean("lines", "a") == pytest.approx(0.6)
    assert found.mean("lines", "b") is None
    assert found.seeds == [0, 1, 2, 3, 900]
    assert len(found.finished) == 4
    assert found.columns == ["lines", "seconds"]


def test_ranks_follow_the_direction_of_a_metric(made: Made) -> None:
    values = {"a": [0.5], "b": [0.9], "c": [0.7]}
    assert made(values).ranked("lines") == ["b", "c", "a"]
    assert made(values, higher={"lines": False}).ranked("lines") == ["a", "c", "b"]
    assert not made(values).higher("seconds")


def test_several_equal_means_are_all_the_best(made: Made) -> None:
    assert made({"a": [0.5, 0.7], "b": [0.7, 0.5], "c": [0.1]}).best("lines") == {"a", "b"}


def test_costs_with_a_caveat_have_no_best_and_metrics_have(made: Made) -> None:
    found = made({"a": [0.5], "b": [0.7]})
    assert found.costs == {"seconds"}
    assert found.best("seconds") == {"a", "b"}
    doubted = Findings(replace(found.results, caveats={"seconds": "shared", "lines": "chance"}))
    assert doubted.best("seconds") == set()
    assert doubted.best("lines") == {"b"}


def test_costs_are_what_outcomes_call_so(made: Made) -> None:
    results = made({"a": [0.5]}).results
    cell = replace(results.cells[0], outcome={**(results.cells[0].outcome or {}), "costs": {"seconds_per_step": 0.1}})
    assert Findings(replace(results, cells=[cell])).costs == {"seconds", "seconds_per_step"}


def test_words_are_of_the_primary_metric_and_intervals_of_all(made: Made) -> None:
    base = [0.5, 0.52, 0.48, 0.51, 0.49, 0.5, 0.5, 0.5]
    found = made({"plain": base, "up": [v + 0.1 for v in base], "late": {0: 0.9}, "never": {70: 0.9}}, baseline="plain")
    assert [found.verdict(label) for label in ("plain", "up", "late", "never")] == [
        "baseline",
        "better",
        "undecided",
        "",
    ]
    assert found.paired("lines", "late") == pytest.approx({0: 0.4})
    assert found.differences["lines"]["up"].interval == pytest.approx((0.1, 0.1))
    assert found.difference("up", "seconds").seeds == 0  # they do not vary here
    assert found.difference("never") is None


def test_guards_have_the_intervals_that_the_words_rest_on(made: Made) -> None:
    study = made({"plain": [0.5] * 8, "up": [v / 10 for v in range(5, 13)]}, baseline="plain").results
    cells = [
        replace(c, outcome={**(c.outcome or {}), "metrics": {"lines": v, "surfaces": v, "colours": v, "psnr": v}})
        for c, v in ((c, c.values["lines"]) for c in study.cells)
    ]
    metrics, guards = ["lines", "surfaces", "colours", "psnr"], ["surfaces", "colours"]
    found = Findings(replace(study, cells=cells, metrics=metrics, guards=guards))
    assert found.difference("up", "psnr").interval == pytest.approx((0, 0.7))
    assert found.difference("up", "surfaces") == found.results.verdicts["up"].guards["surfaces"]
    alone = Findings(replace(found.results, guards=["surfaces"]))
    assert alone.difference("up", "surfaces").interval == alone.difference("up").interval


def test_without_a_baseline_nothing_is_compared(made: Made) -> None:
    found = made({"a": BASE, "b": UP})
    assert found.differences == {}
    assert found.verdict("b") == ""
