"""The map of a search: means of fields, frames, and marks of trials without a value."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from toonlab.report.charts.heatmap import heat_map, scale
from toonlab.report.findings import Findings
from toonlab.report.search import Search, searches_of
from toonlab.studies.results.results import SearchResult, StudyResults

search_result = TypeAdapter(SearchResult).validate_python

SPACE = {"k": {"low": 1, "high": 3, "step": 1}, "size": {"low": 8, "high": 32, "step": 8}}
Trials = Sequence[tuple[int, float, str, float | None]]  # k, size, state, value
TRIALS: Trials = [
    (1, 8, "complete", 0.4),
    (2, 16, "complete", 0.5),
    (2, 16, "complete", 0.7),
    (3, 24, "pruned", None),
    (3, 32, "infeasible", None),
]


def search(folder: Path, trials: Trials = TRIALS, space: Any = SPACE, direction: str = "maximize") -> Search:
    told = [
        {"number": n, "params": {"k": k, "size": size}, "state": state, "value": value}
        for n, (k, size, state, value) in enumerate(trials)
    ]
    record = {"recipe": "r", "objective": {"metric": "f1", "direction": direction}, "space": space}
    record |= {"default": told[0]["params"], "trials": told}
    (found,) = searches_of(
        Findings(StudyResults("s", folder, [], "tune", metrics=["f1"], search=search_result(record)))
    )
    return found


def test_every_level_has_its_row_and_column(tmp_path: Path, figure: Any) -> None:
    axes = figure(heat_map(search(tmp_path), "k", "size")).axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["1", "2", "3"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["8", "16", "24", "32"]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("k", "size")


def test_fields_have_the_mean_of_their_trials(tmp_path: Path, figure: Any) -> None:
    axes = figure(heat_map(search(tmp_path), "k", "size")).axes[0]
    assert {text.get_position(): text.get_text() for text in axes.texts} == {(0, 0): "0.400", (1, 1): "0.600"}


def test_infeasible_and_stopped_trials_have_their_marks(tmp_path: Path, figure: Any) -> None:
    axes = figure(heat_map(search(tmp_path), "k", "size")).axes[0]
    marks = {(line.get_xdata()[0], line.get_ydata()[0]): line.get_marker() for line in axes.lines}
    assert marks == {(2, 2): ".", (2, 3): "x"}


def test_frames_are_at_the_best_trial_and_the_default(tmp_path: Path, figure: Any) -> None:
    axes = figure(heat_map(search(tmp_path), "k", "size")).axes[0]
    frames = {
        (round(patch.get_x() + 0.48), round(patch.get_y() + 0.46)): patch.get_linestyle()
        for patch in axes.patches
        if not patch.get_fill()
    }
    assert frames == {(0, 0): "--", (1, 1): "-"}


@pytest.mark.parametrize("direction", ["maximize", "minimize"])
def test_bright_is_good(tmp_path: Path, direction: str) -> None:
    norm, colors = scale(search(tmp_path, direction=direction))
    low, high = (sum(colors(norm(value))[:3]) for value in (0.4, 0.7))
    assert (high > low) == (direction == "maximize")


def test_many_levels_take_two_columns_and_more_have_no_map(tmp_path: Path) -> None:
    trials: Trials = [(1, 8.0 + n, "complete", n / 40) for n in range(40)]
    few, wide, fine = (
        heat_map(
            search(tmp_path, trials[:count], {"size": {"low": 8, "high": 8 + count - 1, "step": 1}, "k": SPACE["k"]}),
            "size",
            "k",
        )
        for count in (8, 12, 40)
    )
    assert few
    assert wide
    assert (few.span, wide.span) == (1, 2)
    assert fine is None


def test_a_single_value_has_a_colour(tmp_path: Path, figure: Any) -> None:
    axes = figure(heat_map(search(tmp_path, [(1, 8, "complete", 0.4)]), "k", "size")).axes[0]
    assert [text.get_text() for text in axes.texts] == ["0.400"]
