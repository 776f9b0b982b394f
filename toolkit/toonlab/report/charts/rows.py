"""Charts with a row for each variant: every seed, the paired differences, the gains of a search on fresh seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import TYPE_CHECKING, Any

from toonlab.report.findings import Findings
from toonlab.report.format import difference_text, number, places, shown, signed
from toonlab.report.search import Gain
from toonlab.report.summary import SYMBOLS

from .chart import ACCENT, BETTER, INK, OPEN, PAPER, RULE, SERIES, SOFT, WORSE, Chart, note
from .svg import Tips

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

VERDICT_COLORS = {"better": BETTER, "worse": WORSE, "inconclusive": OPEN, "untested": OPEN}
_ROW, _FOOT, _LETTER = 44, 62, 6.2  # px: a row, the axis below, a letter about
_LABEL, _CONTENT = -0.3, 0.12  # where they stand in a row
_GROUND = {"facecolor": PAPER, "edgecolor": "none", "pad": 1.5}  # below text, so that no line crosses it


@dataclass(frozen=True)
class Row:
    """A variant: its label and a text above; below, a dot for each value, and a diamond with a bar for the mean.

    Args:
        points: the tooltip of each dot -> its place.
        colors: of the text, of the mean, and of the dots.
        circle: the place of a hollow point.
    """

    label: str
    text: str
    mean: float
    interval: Sequence[float] | None
    points: Mapping[str, float] = field(default_factory=dict)
    colors: tuple[str, str, str] = (INK, ACCENT, INK)
    circle: float | None = None


def draw_rows(figure: Figure, rows: Sequence[Row], xlabel: str, line: float | None = None) -> tuple[Axes, Tips]:
    """Axes with the first row on top, and the tooltips of its dots, by row; `line` is the place of a vertical line."""
    axes = figure.add_subplot()
    axes.set(xlabel=xlabel, ylim=(len(rows) - 0.5, -0.5), yticks=[])
    axes.grid(visible=True, axis="x")
    axes.margins(x=0.06)
    letters = int(figure.get_figwidth() * 72 / _LETTER) - 20  # what stands at the right has its room
    if line is not None:
        axes.axvline(line, color=INK, linewidth=1)
    for place, row in enumerate(rows):
        if place:
            axes.axhline(place - 0.5, color=RULE, linewidth=0.8)
        above: Any = {"transform": axes.get_yaxis_transform(), "va": "center", "bbox": _GROUND}
        axes.text(0, place + _LABEL, cut(shown(row.label), letters), **above)
        axes.text(1, place + _LABEL, row.text, ha="right", color=row.colors[0], **above)
        _draw_values(axes, place, row)
    return axes, {f"row-{place}": list(row.points) for place, row in enumerate(rows)}


def _draw_values(axes: Axes, place: int, row: Row) -> None:
    height, (_, color, of_points) = place + _CONTENT, row.colors
    if row.points:
        dots: Any = {"s": 36, "color": of_points, "alpha": 0.6, "linewidths": 0, "gid": f"row-{place}"}
        axes.scatter(list(row.points.values()), [height] * len(row.points), **dots)
    if row.circle is not None:
        axes.plot([row.circle], [height], "o", markersize=8, markerfacecolor=PAPER, markeredgecolor=OPEN)
    if row.interval:
        axes.plot(row.interval, [height] * 2, color=color, linewidth=1.6, solid_capstyle="butt", zorder=2.5)
        axes.plot(row.interval, [height] * 2, "|", color=color, markersize=9, markeredgewidth=1.6, zorder=2.5)
    edge: Any = {"markeredgecolor": PAPER, "markeredgewidth": 1.2}
    axes.plot([row.mean], [height], "D", color=color, markersize=7, zorder=3, **edge)


def cut(text: str, letters: int) -> str:
    """With an ellipsis where it is too long."""
    return text if len(text) <= letters else text[: max(letters - 1, 1)] + "…"


def seeds(found: Findings, metric: str) -> Chart:
    """Every seed's value, with each variant's mean and its 95 % interval."""
    from toonlab.stats.paired import describe

    digits = found.digits(metric)
    rows = [
        Row(
            label=label,
            text=number(fmean(values.values()), digits),
            mean=fmean(values.values()),
            interval=describe(list(values.values())).interval,
            points={f"seed {seed}: {number(value, digits)}": value for seed, value in values.items()},
            colors=(INK, INK, SERIES[place % len(SERIES)]),
        )
        for place, label in enumerate(found.labels)
        if (values := found.by_seed(metric, label))
    ]

    def draw(figure: Figure) -> Tips:
        axes, tips = draw_rows(figure, rows, f"{metric}  ({'more' if found.higher(metric) else 'less'} is better)")
        _photo(axes, found, metric)
        return tips

    return Chart(
        name=f"seeds-{metric}",
        title=f"{metric}, every seed",
        caption="A dot for each seed; the diamond is the mean, the bar its 95 % t interval (from three seeds on).",
        description=f"Means of {metric}: {', '.join(f'{shown(row.label)} {row.text}' for row in rows)}.",
        draw=draw,
        height=_ROW * len(rows) + _FOOT,
    )


def differences(found: Findings, metric: str) -> Chart:
    """The paired differences to the baseline, with their intervals."""
    baseline, digits = shown(found.results.baseline or ""), found.digits(metric)
    compared = {label: one for label in found.labels if (one := found.difference(label, metric))}
    rows = [
        Row(
            label=label,
            text=f"{SYMBOLS[one.verdict]} {one.verdict}",
            mean=one.mean,
            interval=one.interval,
            points={f"seed {seed}: {signed(value, digits)}": value for seed, value in by_seed.items()},
            colors=(VERDICT_COLORS[one.verdict],) * 3,
        )
        for label, one in compared.items()
        if (by_seed := found.paired(metric, label))
    ]
    better = "better →" if found.higher(metric) else "← better"
    said = [f"{shown(label)} {difference_text(one, digits)}, {one.verdict}" for label, one in compared.items()]
    return Chart(
        name=f"differences-{metric}",
        title=f"{metric}, difference to {baseline}",
        caption="Seed by seed, with mean and 95 % interval; words are corrected for the number of tests, bars are not.",
        description=f"Differences of {metric} to {baseline}: {'; '.join(said)}.",
        draw=lambda figure: draw_rows(figure, rows, f"difference to {cut(baseline, 30)}  ({better})", line=0)[1],
        height=_ROW * len(rows) + _FOOT,
    )


def survived(gains: Sequence[Gain], metric: str) -> Chart:
    """What the best trials gained over the default in the search, and on fresh seeds."""
    digits = places(gain.trial["value"] for gain in gains)
    rows = [
        Row(
            label=gain.label,
            text=f"{signed(gain.searched, digits)} → {signed(gain.confirmed.mean, digits)}",
            mean=gain.confirmed.mean,
            interval=gain.confirmed.interval,
            circle=gain.searched,
        )
        for gain in gains
        if gain.confirmed
    ]
    said = [f"{shown(row.label)} {row.text}" for row in rows]
    return Chart(
        name="survived",
        title="What survived of the gains",
        caption="Circle: gain over the default in the search. Diamond and bar: on fresh seeds, with 95 % interval.",
        description=f"Gains in the search, and on fresh seeds: {'; '.join(said)}.",
        draw=lambda figure: draw_rows(figure, rows, f"{metric}, difference to the default", line=0)[1],
        height=_ROW * len(rows) + _FOOT,
    )


def _photo(axes: Axes, found: Findings, metric: str) -> None:
    """The unmodified photo's value as a line, where it leaves room for the others."""
    value = found.results.photo.get(metric)
    others = [value for label in found.labels for value in found.values(metric, label)]
    span = max(others) - min(others)
    if value is None or not min(others) - span <= value <= max(others) + span:
        return
    axes.axvline(value, color=SOFT, linewidth=1, linestyle=(0, (2, 3)))
    note(axes, "photo", (value, 1), (0, 2), xycoords=("data", "axes fraction"), ha="center", color=SOFT)
