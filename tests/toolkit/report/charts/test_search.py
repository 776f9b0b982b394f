"""Charts of a search show what its trials allow, and nothing where there is nothing."""

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from toonlab.report.charts.search import charts, expected, front
from toonlab.report.findings import Findings
from toonlab.report.search import searches_of
from toonlab.studies.results.results import SearchResult, StudyResults

search_result = TypeAdapter(SearchResult).validate_python

SPACE = {"a.k": {"low": 1, "high": 4, "step": 1, "choices": None}, "a.size": {"low": 8, "high": 24, "step": 8}}


def drawn(folder: Path, trials: list[tuple[dict[str, Any], str, float | None]], **others: Any) -> dict[str, str]:
    """name -> SVG."""
    told = [
        {"number": n, "params": p, "state": state, "value": value, "intermediate": {"1": 0.1, "20": 0.25}}
        for n, (p, state, value) in enumerate(trials)
    ]
    record = {"recipe": "r", "objective": {"metric": "f1", "direction": "maximize"}, "space": SPACE}
    record |= {"seeds_per_trial": 1, "default": trials[0][0], "trials": told, "importances": {}, **others}
    (search,) = searches_of(
        Findings(StudyResults("s", folder, [], "tune", metrics=["f1"], search=search_result(record)))
    )
    return {chart.name: chart.svg(508) for chart in charts(search)}


def texts(svg: str) -> list[str]:
    return re.findall(r"<text[^>]*>([^<]+)</text>", svg)


@pytest.fixture
def trials() -> list[tuple[dict[str, Any], str, float | None]]:
    return [
        ({"a.k": 2, "a.size": 8}, "complete", 0.511),
        ({"a.k": 2, "a.size": 8}, "complete", 0.533),
        ({"a.k": 4, "a.size": 16}, "complete", 0.611),
        ({"a.k": 1, "a.size": 24}, "pruned", None),
        ({"a.k": 4, "a.size": 24}, "infeasible", None),
    ]


def test_a_field_of_the_map_is_the_mean_of_its_trials(
    tmp_path: Path, trials: list[tuple[dict[str, Any], str, float | None]]
) -> None:
    found = drawn(tmp_path, trials, importances={"a.k": 0.75, "a.size": 0.25})
    assert list(found) == ["heat-map", "history", "importances"]
    written = texts(found["heat-map"])
    assert {"0.522", "0.611", "k", "size"} <= set(written)
    assert [level for level in ("8", "16", "24") if level in written] == [
        "8",
        "16",
        "24",
    ]
    assert {"75%", "25%"} <= set(texts(found["importances"]))
    assert "The best trial is at k 4, size 16: 0.611." in found["heat-map"]


def test_the_history_tells_of_every_trial_with_a_value(
    tmp_path: Path, trials: list[tuple[dict[str, Any], str, float | None]]
) -> None:
    tips = re.findall(r"<title>(trial [^<]+)</title>", drawn(tmp_path, trials)["history"])
    assert tips == [
        "trial 0: 0.511 (k 2, size 8)",
        "trial 1: 0.533 (k 2, size 8)",
        "trial 2: 0.611 (k 4, size 16)",
        "trial 3: 0.250 (k 1, size 24)",
    ]


def test_parameters_without_steps_and_choices_have_no_map(tmp_path: Path) -> None:
    space = {"a.k": {"low": 0.0, "high": 1.0, "step": None}, "a.size": {"low": 1e-4, "high": 1, "log": True}}
    many = [({"a.k": i / 40, "a.size": 10 ** -(i / 10)}, "complete", i / 40) for i in range(12)]
    assert list(drawn(tmp_path, many, space=space)) == ["history"]
    chosen = {"a.k": {"choices": ["x", None]}, "a.size": {"low": 8, "high": 24, "step": 8}}
    some = [({"a.k": "x", "a.size": 8}, "complete", 0.5), ({"a.k": None, "a.size": 16}, "complete", 0.6)]
    assert list(drawn(tmp_path, some, space=chosen)) == ["history"]


def test_trials_without_a_value_leave_the_history_alone(tmp_path: Path) -> None:
    assert list(drawn(tmp_path, [({"a.k": 2, "a.size": 8}, "failed", None)])) == ["history"]


def test_the_expected_best_is_a_curve_for_each_search(budgeted: StudyResults, figure: Any, texts: Any) -> None:
    searches = searches_of(Findings(budgeted))
    chart = expected(searches)
    lines = figure(chart).axes[0].lines
    assert [list(line.get_ydata()) for line in lines] == [[p["value"] for p in s.expected.values()] for s in searches]
    assert {"ctss", "ctss (random)", "plain", "trials"} <= set(texts(chart))
    ends = ["ctss 0.634", "ctss (random) 0.634", "plain 0.538"]
    assert chart.description == f"The expected best of all trials: {', '.join(ends)}."


def test_a_front_is_a_line_with_where_its_points_are_on_fresh_seeds(fronted: StudyResults, figure: Any) -> None:
    (search,) = searches_of(Findings(fronted))
    chart = front(search)
    points, to, there = figure(chart).axes[0].lines
    assert [list(points.get_xdata()), list(points.get_ydata())] == [[0.65, 0.6], [0.3, 0.5]]
    assert (to.get_xdata()[0], to.get_ydata()[0]) == (0.65, 0.3)
    assert there.get_xdata()[0] == pytest.approx(0.66)
    assert chart.description == "2 trials of 3 on the front."
    assert [each.name for each in charts(search)][:2] == ["heat-map", "front"]
