"""Charts of a search show what its trials allow, and nothing where there is nothing."""

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from toonlab.report.charts.search import charts, expected, front, parallel
from toonlab.report.findings import Findings
from toonlab.report.search import Search, searches_of
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
    assert list(found) == ["heat-map", "history", "parallel", "importances"]
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


def test_parameters_without_steps_are_points_and_choices_have_no_map(tmp_path: Path) -> None:
    space = {"a.k": {"low": 0.0, "high": 1.0, "step": None}, "a.size": {"low": 1e-4, "high": 1, "log": True}}
    many = [({"a.k": i / 40, "a.size": 10 ** -(i / 10)}, "complete", i / 40) for i in range(30)]
    assert "A point" not in drawn(tmp_path, many, space=space)["heat-map"]
    assert "0.001" in texts(drawn(tmp_path, many, space=space)["heat-map"])
    chosen = {"a.k": {"choices": ["x", None]}, "a.size": {"low": 8, "high": 24, "step": 8}}
    some = [({"a.k": "x", "a.size": 8}, "complete", 0.5), ({"a.k": None, "a.size": 16}, "complete", 0.6)]
    found = drawn(tmp_path, some, space=chosen)
    assert list(found) == ["history", "parallel"]
    assert {"x", "off"} <= set(texts(found["parallel"]))


def test_trials_without_a_value_leave_the_history_alone(tmp_path: Path) -> None:
    assert list(drawn(tmp_path, [({"a.k": 2, "a.size": 8}, "failed", None)])) == ["history"]


# -- parallel coordinates: a line for each trial, from parameter to parameter


def parameters(folder: Path, space: dict[str, Any], trials: list[tuple[dict[str, Any], float]]) -> Search:
    told = [{"number": n, "params": p, "state": "complete", "value": v} for n, (p, v) in enumerate(trials)]
    record = {"recipe": "r", "objective": {"metric": "f1", "direction": "maximize"}, "space": space, "default": {}}
    (found,) = searches_of(
        Findings(
            StudyResults(
                "s",
                folder,
                [],
                "tune",
                metrics=["f1"],
                search=search_result({**record, "trials": told}),
            )
        )
    )
    return found


def test_values_lie_between_the_least_and_the_most(tmp_path: Path, figure: Any, texts: Any) -> None:
    space = {"k": {"low": 1, "high": 9}, "mode": {"choices": ["a", None, "c"]}}
    trials = [({"k": 1, "mode": "a"}, 0.5), ({"k": 5, "mode": None}, 0.7), ({"k": 9, "mode": "c"}, 0.6)]
    chart = parallel(parameters(tmp_path, space, trials))
    *others, best = [list(line.get_ydata()) for line in figure(chart).axes[0].lines[:3]]
    assert best == pytest.approx([0.5, 1, 1])  # "off" is the last of the choices
    assert sorted(others) == [pytest.approx([0, 0, 0]), pytest.approx([1, 0.5, 0.5])]
    assert {"k", "mode", "f1", "1", "9", "a", "off", "c", "0.500", "0.700"} <= set(texts(chart))
    assert chart.description == "The best trial: k 5, mode off, 0.700."
    assert chart.span == 1


def test_a_logarithmic_parameter_has_a_logarithmic_axis(tmp_path: Path, figure: Any) -> None:
    space = {"lr": {"low": 1e-4, "high": 1, "log": True}, "k": {"low": 1, "high": 3}}
    trials = [({"lr": 1e-4, "k": 1}, 0.1), ({"lr": 1e-2, "k": 2}, 0.3), ({"lr": 1.0, "k": 3}, 0.2)]
    best = figure(parallel(parameters(tmp_path, space, trials))).axes[0].lines[2]
    assert list(best.get_ydata()) == pytest.approx([0.5, 0.5, 1])


def test_a_parameter_that_a_trial_lacks_interrupts_its_line(tmp_path: Path, figure: Any) -> None:
    space = {"k": {"low": 1, "high": 3}, "size": {"low": 8, "high": 16}}
    lines = figure(parallel(parameters(tmp_path, space, [({"k": 1, "size": 8}, 0.1), ({"k": 3}, 0.3)]))).axes[0].lines
    assert str(lines[1].get_ydata()[1]) == "nan"


def test_many_parameters_take_two_columns(tmp_path: Path) -> None:
    space = {f"p{n}": {"low": 0, "high": 1} for n in range(5)}
    assert parallel(parameters(tmp_path, space, [(dict.fromkeys(space, 0.5), 0.1)])).span == 2


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
