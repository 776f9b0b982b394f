"""Axes with a row for each variant."""

import pytest
from matplotlib.figure import Figure

from toonlab.report.charts import row_axes


def figure(width: float = 368) -> Figure:
    return Figure(figsize=(width / 72, 2))


def test_the_first_label_is_on_top() -> None:
    axes = row_axes.row_axes(figure(), ["first", "second"])
    low, high = axes.get_ylim()
    assert (low, high) == (1.5, -0.5)
    heights = {text.get_text(): text.get_position()[1] for text in axes.texts}
    assert heights["first"] < heights["second"]
    assert row_axes.height(3) - row_axes.height(2) == row_axes.height(2) - row_axes.height(1) > 20


@pytest.mark.parametrize(("width", "letters"), [(368, 39), (572, 72)])
def test_labels_are_cut_to_the_figures_width(width: float, letters: int) -> None:
    axes = row_axes.row_axes(figure(width), ["x" * 100])
    (label,) = (text.get_text() for text in axes.texts)
    assert len(label) == letters
    assert label.endswith("…")


def test_cut() -> None:
    assert [row_axes.cut("abcdef", n) for n in (6, 4, 1, 0)] == ["abcdef", "abc…", "a…", "a…"]


def test_an_interval_is_a_bar_with_ends_around_a_diamond() -> None:
    axes = row_axes.row_axes(figure(), ["a"])
    row_axes.mean(axes, 0, 0.5, (0.4, 0.6), "#010101")
    bar, ends, diamond = axes.lines
    assert list(bar.get_xdata()) == list(ends.get_xdata()) == [0.4, 0.6]
    assert list(diamond.get_xdata()) == [0.5]
    row_axes.mean(axes, 0, 0.5, None, "#010101")
    assert len(axes.lines) == 4


def test_points_and_circles_are_below_the_label() -> None:
    axes = row_axes.row_axes(figure(), ["a", "b"])
    row_axes.points(axes, 1, [0.25, 0.75], "#010101")
    row_axes.circle(axes, 1, 0.5, "#010101")
    (collection,) = axes.collections
    assert collection.get_gid() == "row-1"
    label = next(text for text in axes.texts if text.get_text() == "b").get_position()[1]
    assert all(label < y < 1.5 for _, y in collection.get_offsets())
    assert label < axes.lines[-1].get_ydata()[0] < 1.5
