"""Charts with a row for each variant."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from matplotlib.figure import Figure

from toonlab.report.charts.rows import Row, cut, differences, row_chart, seeds, survived
from toonlab.report.findings import Findings
from toonlab.report.search import searches_of
from toonlab.studies.results.results import StudyResults

BASE = [0.50, 0.52, 0.48]


@pytest.fixture
def findings(made: Callable[..., Findings]) -> Findings:
    return made({"plain": BASE, "up": [0.60, 0.62, 0.585], "late": {1: 0.9}, "none": {}}, baseline="plain")


def points(axes: Any, row: int) -> list[tuple[float, float]]:
    (found,) = [c for c in axes.collections if c.get_gid() == f"row-{row}"]
    return [tuple(point) for point in found.get_offsets().tolist()]


def test_every_seed_is_a_point_of_its_row(findings: Findings, figure: Any, texts: Any, tips: Any) -> None:
    chart = seeds(findings, "lines")
    axes = figure(chart).axes[0]
    assert [x for x, _ in points(axes, 0)] == BASE
    assert [x for x, _ in points(axes, 2)] == [0.9]
    assert all(0 < y < 0.5 for _, y in points(axes, 0))
    assert tips(chart) == [
        "seed 0: 0.500", "seed 1: 0.520", "seed 2: 0.480", "seed 0: 0.600", "seed 1: 0.620", "seed 2: 0.585",
        "seed 1: 0.900",
    ]  # fmt: skip
    assert {"plain", "up", "late", "0.500", "0.602", "0.900"} <= set(texts(chart))
    assert any(text.startswith("lines") and "more is better" in text for text in texts(chart))
    assert "none" not in texts(chart)
    assert chart.description == "Means of lines: plain 0.500, up 0.602, late 0.900."


def test_the_photo_is_a_line_where_it_is_near_the_others(findings: Findings, texts: Any) -> None:
    for value, near in ((0.55, True), (0.05, False)):
        cells = [
            replace(cell, outcome={**(cell.outcome or {}), "photo": {"lines": value}})
            for cell in findings.results.cells
        ]
        found = Findings(replace(findings.results, cells=cells))
        assert ("photo" in texts(seeds(found, "lines"))) == near


def test_differences_have_words_and_point_to_better(made: Callable[..., Findings], figure: Any, texts: Any) -> None:
    values = {"plain": BASE * 3, "up": [0.60, 0.62, 0.585] * 3, "late": {1: 0.9}}
    findings = made(values, baseline="plain")
    chart = differences(findings, "lines")
    assert [round(x, 6) for x, _ in points(figure(chart).axes[0], 0)] == [0.1, 0.1, 0.105] * 3
    written = texts(chart)
    assert {"up", "late", "▲ better", "≈ undecided"} <= set(written)
    assert any("better →" in text for text in written)
    assert "up +0.100 (+0.100 to +0.105), better; late +0.380, undecided." in chart.description
    assert chart.caption.endswith("with its interval over seeds and scenes.")
    few = differences(made({"plain": BASE, "up": [0.60, 0.62, 0.585]}, baseline="plain"), "lines")
    assert few.caption.endswith("the diamond is the typical difference.")
    less = Findings(replace(findings.results, higher={"lines": False}))
    written = texts(differences(less, "lines"))
    assert "▼ worse" in written
    assert any("← better" in text for text in written)


def test_differences_of_other_metrics_have_no_words(findings: Findings, texts: Any) -> None:
    written = texts(differences(findings, "seconds"))
    assert "+0.000" in written
    assert not any("undecided" in text for text in written)


def test_gains_are_shown_in_the_search_and_on_fresh_seeds(
    searched: Callable[..., StudyResults], figure: Any, texts: Any
) -> None:
    (search,) = searches_of(Findings(searched([0.02, 0.03, 0.025])))
    chart = survived(search.gains, "f1")
    assert "+0.050 → +0.025" in texts(chart)
    assert "ctss (k 8, patch_size 16) +0.050 → +0.025" in chart.description
    places = [line.get_xdata()[0] for line in figure(chart).axes[0].lines if len(line.get_xdata()) == 1]
    assert places == pytest.approx([0.05, 0.025])


# -- their axes


def drawn(*given: Row, width: float = 368) -> Any:
    figure = Figure(figsize=(width / 72, 2))
    row_chart(given, "f1", ("", "", "", "")).draw(figure)
    return figure.axes[0]


def test_the_first_label_is_on_top(made: Callable[..., Findings]) -> None:
    axes = drawn(Row("first", "", 0.5, None), Row("second", "", 0.5, None))
    assert axes.get_ylim() == (1.5, -0.5)
    heights = {text.get_text(): text.get_position()[1] for text in axes.texts}
    assert heights["first"] < heights["second"]
    two, three, four = (seeds(made(dict.fromkeys(names, BASE)), "lines").height for names in ("ab", "abc", "abcd"))
    assert three - two == four - three > 20


@pytest.mark.parametrize(("width", "letters"), [(368, 39), (572, 72)])
def test_labels_are_cut_to_the_figures_width(width: float, letters: int) -> None:
    label, _ = (text.get_text() for text in drawn(Row("x" * 100, "", 0.5, None), width=width).texts)
    assert len(label) == letters
    assert label.endswith("…")


def test_cut() -> None:
    assert [cut("abcdef", n) for n in (6, 4, 1, 0)] == ["abcdef", "abc…", "a…", "a…"]


def test_an_interval_is_a_bar_with_ends_around_a_diamond() -> None:
    bar, ends, diamond = drawn(Row("a", "", 0.5, (0.4, 0.6))).lines
    assert list(bar.get_xdata()) == list(ends.get_xdata()) == [0.4, 0.6]
    assert list(diamond.get_xdata()) == [0.5]
    assert len(drawn(Row("a", "", 0.5, None)).lines) == 1


def test_points_and_circles_are_below_the_label() -> None:
    axes = drawn(Row("a", "", 0.5, None), Row("b", "", 0.5, None, {"seed 0": 0.25, "seed 1": 0.75}, circle=0.5))
    (collection,) = axes.collections
    assert collection.get_gid() == "row-1"
    label = next(text for text in axes.texts if text.get_text() == "b").get_position()[1]
    assert all(label < y < 1.5 for _, y in collection.get_offsets())
    assert label < axes.lines[-2].get_ydata()[0] < 1.5
