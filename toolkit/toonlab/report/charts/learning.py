"""Learning curves, and quality against cost."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from math import inf, isfinite
from statistics import fmean
from typing import TYPE_CHECKING

from toonlab.report.findings import Findings
from toonlab.report.format import number
from toonlab.report.history import LOSS, Records, histories
from toonlab.utils.text import several, shown

from .chart import PAPER, Chart, Tips, line_style, note, point_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_OVER = {"steps": "step", "seconds": "seconds"}  # the axis across -> its key in a record


def learning(found: Findings) -> Iterator[Chart]:
    """The primary metric over steps and over seconds; the generator's loss where runs were evaluated only once."""
    yield from learning_charts(found.labels, found.primary, histories(found.results))


def learning_charts(labels: Sequence[str], primary: str, runs: Sequence[tuple[str, Records]]) -> Iterator[Chart]:
    """The charts of some runs, whose labels are among `labels`: their order decides the colours."""
    for name in (primary, LOSS):
        curves: defaultdict[str, list[Records]] = defaultdict(list)
        for label, records in runs:
            if len(curve := [record for record in records if name in record]) > 1:
                curves[label].append(curve)
        if curves:
            yield from (_learning(labels, curves, name, over) for over in _OVER)
            return


def _learning(labels: Sequence[str], curves: Mapping[str, Sequence[Records]], name: str, over: str) -> Chart:
    curves = {label: curves[label] for label in labels if label in curves}
    seeds, key = max(map(len, curves.values())), _OVER[over]

    def draw(figure: Figure) -> None:
        axes = figure.add_subplot()
        for label, own in curves.items():
            gid, style = f"series-{labels.index(label)}", line_style(labels.index(label))
            for curve in own if seeds > 1 else ():
                xs, ys = [record[key] for record in curve], [record[name] for record in curve]
                axes.plot(xs, ys, **style, gid=f"{gid}-seed", linewidth=0.8, alpha=0.3)
            axes.plot(*_mean(own, key, name), **style, gid=f"{gid}-mean")
        axes.set(xlabel=over, ylabel=name)
        if name == LOSS and all(record[name] > 0 for own in curves.values() for curve in own for record in curve):
            axes.set_yscale("log")
            axes.yaxis.set_major_formatter("{x:g}")
            axes.yaxis.set_minor_formatter("")

    loss = "Methods' losses are made of different terms: compare shapes, not heights. " if name == LOSS else ""
    thin = f"Bold: mean of {several(seeds, 'seed')}; thin: each seed." if seeds > 1 else ""
    ends = [f"{shown(label)} {number(fmean(curve[-1][name] for curve in own))}" for label, own in curves.items()]
    return Chart(
        name=f"learning-{over}",
        title=f"{name} over {over}" if name != LOSS else f"The generator's loss over {over}",
        caption=f"{loss or 'As evaluated while training. '}{thin}",
        description=f"{name} over {over}; at the end {'; '.join(ends)}.",
        draw=draw,
    )


def _mean(curves: Sequence[Records], key: str, name: str) -> tuple[list[float], list[float]]:
    """Over seeds, at the steps that all of them have."""
    at: defaultdict[float, Records] = defaultdict(list)
    for record in (record for curve in curves for record in curve):
        at[record["step"]].append(record)
    whole = [at[step] for step in sorted(at) if len(at[step]) == len(curves)]
    return [fmean(r[key] for r in records) for records in whole], [fmean(r[name] for r in records) for records in whole]


# -- quality against cost


def cost(found: Findings) -> Chart | None:
    """The primary metric against the seconds of a training step."""
    points = _costs(found)
    if len(points) < 2 or not any(x for given in points.values() for x, _ in given):
        return None
    means = {label: (fmean(x for x, _ in given), fmean(y for _, y in given)) for label, given in points.items()}
    texts = {label: f"{number(y, found.digits(found.primary))} at {number(x)} s" for label, (x, y) in means.items()}
    said = [f"{shown(label)} {text}" for label, text in texts.items()]

    def draw(figure: Figure) -> Tips:
        axes = figure.add_subplot()
        tips: dict[str, Sequence[str]] = {}
        for label, given in points.items():
            place = found.labels.index(label)
            gid, style = f"series-{place}-cost", point_style(place)
            xs, ys = zip(*given, strict=True)
            axes.scatter(xs, ys, s=22, alpha=0.45, linewidths=0, gid=gid, **style)
            axes.scatter(*means[label], s=70, edgecolors=PAPER, gid=f"{gid}-mean", **style)
            tips |= {gid: [shown(label)] * len(given), f"{gid}-mean": [f"{shown(label)}: {texts[label]}"]}
        _name_points(figure, axes, means)
        axes.set(xlabel="seconds per training step", ylabel=found.primary)
        axes.margins(x=0.12, y=0.12)
        axes.locator_params(axis="x", nbins=6)
        return tips

    return Chart(
        name="cost",
        title=f"{found.primary} against cost",
        caption="Large: the mean over seeds; small: each seed. Methods without training cost nothing here.",
        description=f"{found.primary} against seconds per training step: {'; '.join(said)}.",
        draw=draw,
    )


def _costs(found: Findings) -> dict[str, list[tuple[float, float]]]:
    """label -> (seconds per step, quality) of each seed; methods without training take no seconds."""
    points: defaultdict[str, list[tuple[float, float]]] = defaultdict(list)
    for cell in found.finished:
        trained = (cell.outcome or {}).get("step", 0) > 0
        price = cell.values.get("seconds_per_step", None if trained else 0.0)
        if price is not None and isfinite(cell.values.get(found.primary, inf)):
            points[cell.variant.label].append((price, cell.values[found.primary]))
    return points


def _name_points(figure: Figure, axes: Axes, places: Mapping[str, tuple[float, float]]) -> None:
    """Write labels next to their points, where none covers another; the key has the others."""
    wide, high = (72 * side for side in figure.get_size_inches())
    (left, right), (low, top) = ((min(ends), max(ends)) for ends in zip(*places.values(), strict=True))
    taken: list[tuple[float, float, float]] = []  # left and right end, and height, in px
    for label, (x, y) in places.items():
        at = (x - left) / (right - left or 1) * wide * 0.7, (y - low) / (top - low or 1) * high * 0.6  # about
        length = 6.0 * len(shown(label))
        for dx, dy, side, begin in _BESIDE:
            start, height = at[0] + dx + begin * length, at[1] + dy
            inside = -0.1 * wide < start and start + length < 0.85 * wide
            if inside and all(start + length < a or b < start or abs(height - h) > 12 for a, b, h in taken):
                taken.append((start, start + length, height))
                note(axes, shown(label), (x, y), (dx, dy), va="center", ha=side)
                break


_BESIDE = ((9, 0, "left", 0.0), (-9, 0, "right", -1.0), (0, 12, "center", -0.5), (0, -12, "center", -0.5))
