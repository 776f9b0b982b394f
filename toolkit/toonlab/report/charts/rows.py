"""Charts with a row for each variant: every seed, the paired differences, the gains of a search on fresh seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import TYPE_CHECKING

from toonlab.report.findings import Findings
from toonlab.report.format import interval, number, places, shown, signed
from toonlab.report.search import Gain
from toonlab.report.summary import SYMBOLS

from . import row_axes
from .chart import Chart, note
from .colors import ACCENT, INK, OPEN, SERIES, SOFT, VERDICT_COLORS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def seeds(found: Findings, metric: str) -> Chart:
    """Every seed's value, with each variant's mean and its 95 % interval."""
    from toonlab.stats.paired import describe

    labels = [label for label in found.labels if found.values(metric, label)]
    digits = found.digits(metric)
    means = {label: number(fmean(found.values(metric, label)), digits) for label in labels}

    def draw(figure: Figure) -> Mapping[str, Sequence[str]]:
        axes = row_axes.row_axes(figure, labels)
        tips: dict[str, Sequence[str]] = {}
        _photo(axes, found, metric)
        for row, label in enumerate(labels):
            by_seed = found.by_seed(metric, label)
            values, color = list(by_seed.values()), SERIES[found.labels.index(label) % len(SERIES)]
            tips[f"row-{row}"] = [f"seed {seed}: {number(value, digits)}" for seed, value in by_seed.items()]
            row_axes.points(axes, row, values, color)
            row_axes.mean(axes, row, fmean(values), describe(values).interval, INK)
            row_axes.at_right(axes, row, means[label])
        axes.set_xlabel(f"{metric}  ({'more' if found.higher(metric) else 'less'} is better)")
        return tips

    return Chart(
        name=f"seeds-{metric}",
        title=f"{metric}, every seed",
        caption="A dot for each seed; the diamond is the mean, the bar its 95 % t interval (from three seeds on).",
        description=f"Means of {metric}: {', '.join(f'{shown(label)} {mean}' for label, mean in means.items())}.",
        draw=draw,
        height=row_axes.height(len(labels)),
    )


def differences(found: Findings, metric: str) -> Chart:
    """The paired differences to the baseline, with their intervals."""
    baseline, compared = shown(found.results.baseline or ""), found.differences.get(metric, {})
    labels = [label for label in found.labels if label in compared]
    digits = found.digits(metric)

    def draw(figure: Figure) -> Mapping[str, Sequence[str]]:
        axes = row_axes.row_axes(figure, labels)
        tips: dict[str, Sequence[str]] = {}
        axes.axvline(0, color=INK, linewidth=1)
        for row, label in enumerate(labels):
            by_seed, verdict = found.paired(metric, label), found.verdict(label, metric)
            color = VERDICT_COLORS[verdict]
            tips[f"row-{row}"] = [f"seed {seed}: {signed(value, digits)}" for seed, value in by_seed.items()]
            row_axes.points(axes, row, list(by_seed.values()), color)
            row_axes.mean(axes, row, compared[label].mean, compared[label].interval, color)
            row_axes.at_right(axes, row, f"{SYMBOLS[verdict]} {verdict}", color)
        better = "better →" if found.higher(metric) else "← better"
        axes.set_xlabel(f"difference to {row_axes.cut(baseline, 30)}  ({better})")
        return tips

    def described(label: str) -> str:
        bounds = compared[label].interval
        between = f" ({interval(bounds, digits)})" if bounds else ""
        return f"{shown(label)} {signed(compared[label].mean, digits)}{between}, {found.verdict(label, metric)}"

    return Chart(
        name=f"differences-{metric}",
        title=f"{metric}, difference to {baseline}",
        caption="Seed by seed, with mean and 95 % interval; words are corrected for the number of tests, bars are not.",
        description=f"Differences of {metric} to {baseline}: {'; '.join(map(described, labels))}.",
        draw=draw,
        height=row_axes.height(len(labels)),
    )


def survived(gains: Sequence[Gain], metric: str) -> Chart:
    """What the best trials gained over the default in the search, and on fresh seeds."""
    digits = places(gain.trial["value"] for gain in gains)
    known = [(gain.label, gain.searched, gain.confirmed) for gain in gains if gain.confirmed]
    texts = [f"{signed(old, digits)} → {signed(new.mean, digits)}" for _, old, new in known]

    def draw(figure: Figure) -> None:
        axes = row_axes.row_axes(figure, [label for label, *_ in known])
        axes.axvline(0, color=INK, linewidth=1)
        for row, ((_, old, new), text) in enumerate(zip(known, texts, strict=True)):
            row_axes.circle(axes, row, old, OPEN)
            row_axes.mean(axes, row, new.mean, new.interval, ACCENT)
            row_axes.at_right(axes, row, text)
        axes.set_xlabel(f"{metric}, difference to the default")

    said = [f"{shown(label)} {text}" for (label, *_), text in zip(known, texts, strict=True)]
    return Chart(
        name="survived",
        title="What survived of the gains",
        caption="Circle: gain over the default in the search. Diamond and bar: on fresh seeds, with 95 % interval.",
        description=f"Gains in the search, and on fresh seeds: {'; '.join(said)}.",
        draw=draw,
        height=row_axes.height(len(known)),
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
