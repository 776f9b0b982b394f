"""Charts with a row for each variant: every seed, the paired differences, the gains of a search on fresh seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Any

from toonlab.report.findings import Findings
from toonlab.report.format import difference_text, number, places, signed
from toonlab.report.search import Gain
from toonlab.report.summary import SYMBOLS
from toonlab.utils.text import shown

from .chart import ACCENT, BETTER, INK, OPEN, PAPER, RULE, SERIES, SOFT, WORSE, Chart, Tips, note

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WORD_COLORS = {"better": BETTER, "worse": WORSE}
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


def row_chart(
    rows: Sequence[Row],
    xlabel: str,
    about: tuple[str, str, str, str],
    zero: bool = False,
    photo: float | None = None,
) -> Chart:
    """A chart of the rows, the first on top.

    Args:
        about: name, title, caption and description of the chart.
        zero: draw a line at zero.
        photo: the unmodified photo's value, which is a line where it leaves room for the others.
    """

    def draw(figure: Figure) -> Tips:
        axes = figure.add_subplot(xlabel=xlabel, ylim=(len(rows) - 0.5, -0.5), yticks=[])
        axes.grid(visible=True, axis="x")
        axes.margins(x=0.06)
        letters = int(figure.get_figwidth() * 72 / _LETTER) - 20  # what stands at the right has its room
        if zero:
            axes.axvline(0, color=INK, linewidth=1)
        if photo is not None and _near(photo, [value for row in rows for value in row.points.values()]):
            axes.axvline(photo, color=SOFT, linewidth=1, linestyle=(0, (2, 3)))
            note(axes, "photo", (photo, 1), (0, 2), xycoords=("data", "axes fraction"), ha="center", color=SOFT)
        for place, row in enumerate(rows):
            if place:
                axes.axhline(place - 0.5, color=RULE, linewidth=0.8)
            _draw_row(axes, place, row, letters)
        return {f"row-{place}": list(row.points) for place, row in enumerate(rows)}

    return Chart(*about, draw, height=_ROW * len(rows) + _FOOT)


def _near(value: float, others: Sequence[float]) -> bool:
    span = max(others) - min(others)
    return min(others) - span <= value <= max(others) + span


def _draw_row(axes: Axes, place: int, row: Row, letters: int) -> None:
    above: Any = {"transform": axes.get_yaxis_transform(), "va": "center", "bbox": _GROUND}
    height, (of_text, color, of_points) = place + _CONTENT, row.colors
    axes.text(0, place + _LABEL, cut(shown(row.label), letters), **above)
    axes.text(1, place + _LABEL, row.text, ha="right", color=of_text, **above)
    if row.points:
        dots: Any = {"s": 36, "color": of_points, "alpha": 0.6, "linewidths": 0, "gid": f"row-{place}"}
        axes.scatter(list(row.points.values()), [height] * len(row.points), **dots)
    if row.circle is not None:
        axes.plot([row.circle], [height], "o", markersize=8, markerfacecolor=PAPER, markeredgecolor=OPEN)
    if row.interval:
        axes.plot(row.interval, [height] * 2, color=color, linewidth=1.6, solid_capstyle="butt", zorder=2.5)
        axes.plot(row.interval, [height] * 2, "|", color=color, markersize=9, markeredgewidth=1.6, zorder=2.5)
    diamond: Any = {"markersize": 7, "markeredgecolor": PAPER, "markeredgewidth": 1.2, "zorder": 3}
    axes.plot([row.mean], [height], "D", color=color, **diamond)


def cut(text: str, letters: int) -> str:
    """With an ellipsis where it is too long."""
    return text if len(text) <= letters else text[: max(letters - 1, 1)] + "…"


def seeds(found: Findings, metric: str) -> Chart:
    """Every seed's value, with each variant's mean and standard deviation."""
    digits, better = found.digits(metric), "more" if found.higher(metric) else "less"
    rows = []
    for place, label in enumerate(found.labels):
        if by_seed := found.by_seed(metric, label):
            mean, colors = fmean(by_seed.values()), (INK, INK, SERIES[place % len(SERIES)])
            points = {f"seed {seed}: {number(value, digits)}": value for seed, value in by_seed.items()}
            sd = stdev(by_seed.values()) if len(by_seed) > 1 else 0.0
            rows.append(Row(label, number(mean, digits), mean, (mean - sd, mean + sd) if sd else None, points, colors))
    return row_chart(
        rows,
        f"{metric}  ({better} is better)",
        (
            f"seeds-{metric}",
            f"{metric}, every seed",
            "A dot for each seed; the diamond is the mean, the bar its standard deviation to either side.",
            f"Means of {metric}: {', '.join(f'{shown(row.label)} {row.text}' for row in rows)}.",
        ),
        photo=found.results.photo.get(metric),
    )


def differences(found: Findings, metric: str) -> Chart:
    """The differences to the baseline, with their intervals; of the primary metric, with words."""
    baseline, digits = shown(found.results.baseline_text), found.digits(metric)
    rows, said = [], []
    for label in found.labels:
        if one := found.difference(label, metric):
            word = found.verdict(label) if metric == found.primary else ""
            by_seed, colors = found.paired(metric, label), (WORD_COLORS.get(word, OPEN),) * 3
            points = {f"seed {seed}: {signed(value, digits)}": value for seed, value in by_seed.items()}
            text = f"{SYMBOLS[word]} {word}" if word else signed(one.median, digits)
            rows.append(Row(label, text, one.median, one.interval, points, colors))
            said.append(", ".join(filter(None, [f"{shown(label)} {difference_text(one, digits)}", word])))
    intervals = ", with its interval over seeds and scenes" if any(row.interval for row in rows) else ""
    return row_chart(
        rows,
        f"difference to {cut(baseline, 30)}  ({'better →' if found.higher(metric) else '← better'})",
        (
            f"differences-{metric}",
            f"{metric}, difference to {baseline}",
            f"A dot for each seed; the diamond is the typical difference{intervals}.",
            f"Differences of {metric} to {baseline}: {'; '.join(said)}.",
        ),
        zero=True,
    )


def survived(gains: Sequence[Gain], metric: str) -> Chart:
    """What the best trials gained over the default in the search, and on fresh seeds."""
    digits = places(gain.trial["value"] for gain in gains)
    rows = []
    for gain in gains:
        if new := gain.confirmed:
            text = f"{signed(gain.searched, digits)} → {signed(new.median, digits)}"
            rows.append(Row(gain.label, text, new.median, new.interval, circle=gain.searched))
    return row_chart(
        rows,
        f"{metric}, difference to the default",
        (
            "survived",
            "What survived of the gains",
            "Circle: gain over the default in the search. Diamond and bar: on fresh seeds, with interval.",
            f"Gains in the search, and on fresh seeds: {'; '.join(f'{shown(r.label)} {r.text}' for r in rows)}.",
        ),
        zero=True,
    )
