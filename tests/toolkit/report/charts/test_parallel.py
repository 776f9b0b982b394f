"""Parallel coordinates: a line for each trial, from parameter to parameter."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from toonlab.report.charts.parallel import parallel
from toonlab.report.findings import find
from toonlab.report.search import Search, search_of
from toonlab.studies.results.results import StudyResults
from toonlab.studies.results.search_result import SearchResult


def search(folder: Path, space: dict[str, Any], trials: list[tuple[dict[str, Any], float]]) -> Search:
    told = [{"number": n, "params": p, "state": "complete", "value": v} for n, (p, v) in enumerate(trials)]
    record = {"recipe": "r", "objective": {"metric": "f1", "direction": "maximize"}, "space": space, "default": {}}
    found = search_of(
        find(
            StudyResults(
                "s", folder, [], "tune", metrics=["f1"], search=SearchResult.from_json({**record, "trials": told})
            )
        )
    )
    assert found is not None
    return found


def test_values_lie_between_the_least_and_the_most(tmp_path: Path, figure: Any, texts: Any) -> None:
    space = {"k": {"low": 1, "high": 9}, "mode": {"choices": ["a", None, "c"]}}
    trials = [({"k": 1, "mode": "a"}, 0.5), ({"k": 5, "mode": None}, 0.7), ({"k": 9, "mode": "c"}, 0.6)]
    chart = parallel(search(tmp_path, space, trials))
    *others, best = [list(line.get_ydata()) for line in figure(chart).axes[0].lines[:3]]
    assert best == pytest.approx([0.5, 1, 1])  # "off" is the last of the choices
    assert sorted(others) == [pytest.approx([0, 0, 0]), pytest.approx([1, 0.5, 0.5])]
    assert {"k", "mode", "f1", "1", "9", "a", "off", "c", "0.500", "0.700"} <= set(texts(chart))
    assert chart.description == "The best trial: k 5, mode off, 0.700."
    assert chart.span == 1


def test_a_logarithmic_parameter_has_a_logarithmic_axis(tmp_path: Path, figure: Any) -> None:
    space = {"lr": {"low": 1e-4, "high": 1, "log": True}, "k": {"low": 1, "high": 3}}
    trials = [({"lr": 1e-4, "k": 1}, 0.1), ({"lr": 1e-2, "k": 2}, 0.3), ({"lr": 1.0, "k": 3}, 0.2)]
    best = figure(parallel(search(tmp_path, space, trials))).axes[0].lines[2]
    assert list(best.get_ydata()) == pytest.approx([0.5, 0.5, 1])


def test_a_parameter_that_a_trial_lacks_interrupts_its_line(tmp_path: Path, figure: Any) -> None:
    space = {"k": {"low": 1, "high": 3}, "size": {"low": 8, "high": 16}}
    lines = figure(parallel(search(tmp_path, space, [({"k": 1, "size": 8}, 0.1), ({"k": 3}, 0.3)]))).axes[0].lines
    assert str(lines[1].get_ydata()[1]) == "nan"


def test_many_parameters_take_two_columns(tmp_path: Path) -> None:
    space = {f"p{n}": {"low": 0, "high": 1} for n in range(5)}
    assert parallel(search(tmp_path, space, [(dict.fromkeys(space, 0.5), 0.1)])).span == 2
