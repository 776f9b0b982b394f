"""Parallel coordinates of a search: all parameters side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from math import log10, nan
from typing import TYPE_CHECKING, Any

from toonlab.report.format import number
from toonlab.report.search import Search, value_text

from .chart import Chart, note
from .colors import ACCENT, INK, PAPER, RULE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


_NARROW = 4  # axes that one column of the page has room for


@dataclass(frozen=True)
class _Axis:
    """The heights of values between 0 and 1, and the ticks with their texts."""

    name: str
    heights: Sequence[float]
    ticks: Sequence[tuple[float, str]]


def parallel(search: Search) -> Chart:
    """A line for each complete trial, from parameter to parameter to its value."""
    given = {path: [trial["params"].get(path) for trial in search.complete] for path in search.names}
    logged = {path: bool(search.record["space"][path].get("log")) for path in given}
    scales = [_axis(search.names[path], values, log=logged[path]) for path, values in given.items()]
    scales.append(_axis(search.metric, [trial["value"] for trial in search.complete], search.digits))

    def draw(figure: Figure) -> None:
        axes = figure.add_subplot()
        _lines(axes, search, scales)
        for column, one in enumerate(scales):
            axes.axvline(column, color=RULE, linewidth=1.2)
            _ticks(axes, column, one.ticks, last=column == len(scales) - 1)
        turned = 25 if len(scales) > 5 else 0
        axes.set_xticks(range(len(scales)), [one.name for one in scales], rotation=turned)
        axes.set(yticks=[], ylim=(-0.06, 1.06))
        axes.grid(visible=False)
        axes.spines.bottom.set_visible(False)

    best = search.complete[0]
    return Chart(
        name="parallel",
        title="All parameters side by side",
        caption="A line for each complete trial, stronger where it is better; the thick one is the best.",
        description=f"The best trial: {search.text(best['params'])}, {number(best['value'], search.digits)}.",
        draw=draw,
        span=1 if len(scales) <= _NARROW else 2,
    )


def _axis(name: str, values: Sequence[Any], digits: int | None = None, log: bool = False) -> _Axis:
    present = [value for value in values if value is not None]
    if present and all(isinstance(value, int | float) and not isinstance(value, bool) for value in present):
        scale: Callable[[float], float] = log10 if log else float
        low, high = scale(min(present)), scale(max(present))

        def height(value: float | None) -> float:
            return nan if value is None else (scale(value) - low) / ((high - low) or 1)

        text = value_text if digits is None else partial(number, digits=digits)
        ticks = [(height(end), text(end)) for end in dict.fromkeys((min(present), max(present)))]
        return _Axis(name, list(map(height, values)), ticks)
    texts = sorted({value_text(value) for value in values})
    places = {text: index / max(len(texts) - 1, 1) for index, text in enumerate(texts)}
    return _Axis(name, [places[value_text(value)] for value in values], [(p, text) for text, p in places.items()])


def _lines(axes: Axes, search: Search, scales: Sequence[_Axis]) -> None:
    """The strength of a line is its trial's rank: a colour map's ends would drown in a light or a dark page."""
    count = len(search.complete)
    for place in reversed(range(count)):
        heights = [one.heights[place] for one in scales]
        strength = 0.12 + 0.6 * (1 - place / count) ** 2
        axes.plot(
            heights, color=ACCENT if place else INK, linewidth=1.5 if place else 3, alpha=strength if place else 1
        )


def _ticks(axes: Axes, column: int, ticks: Sequence[tuple[float, str]], last: bool) -> None:
    ground = {"facecolor": PAPER, "edgecolor": "none", "pad": 1, "alpha": 0.8}
    side, shift = ("right", -6) if last else ("left", 6)
    for height, text in ticks:
        note(axes, text, (column, height), (shift, 0), va="center", ha=side, bbox=ground)
