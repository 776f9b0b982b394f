"""Charts of a search: its history, which parameter matters, and all parameters side by side; `heatmap` has the map."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import accumulate
from math import log10, nan
from typing import TYPE_CHECKING, Any, NamedTuple

from toonlab.report.format import number
from toonlab.report.search import Search, Trial, value_text
from toonlab.utils.text import several

from .chart import ACCENT, INK, OPEN, PAPER, RULE, SOFT, Chart, Tips, line_style, note
from .heatmap import heat_map

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_NARROW = 4  # axes side by side that one column of the page has room for


def charts(search: Search) -> Iterator[Chart]:
    """All that the trials allow."""
    numeric = [path for path, space in search.record["space"].items() if space.get("choices") is None]
    if search.complete and len(numeric) >= 2:
        yield heat_map(search, numeric[0], numeric[1])
    if search.front:
        yield front(search)
    yield history(search)
    if search.complete and len(search.names) >= 2:
        yield parallel(search)
    if search.record.get("importances"):
        yield importances(search)


# -- history


def history(search: Search) -> Chart:
    """Each trial's value in the order of their numbers, and the best so far."""

    def draw(figure: Figure) -> Tips:
        axes = figure.add_subplot()
        tips: dict[str, Sequence[str]] = {}
        if search.default:
            value = search.default["value"]
            axes.axhline(value, color=SOFT, linewidth=1, linestyle=(0, (4, 3)))
            note(axes, "default", (1, value), (0, 3), xycoords=("axes fraction", "data"), ha="right", color=SOFT)
        for state, fill, edge in (("complete", ACCENT, ACCENT), ("pruned", "none", OPEN)):
            gid = f"trials-{state}"
            points = [(trial, value) for trial in search.trials if (value := _value(trial, state)) is not None]
            xs, ys = [trial["number"] for trial, _ in points], [value for _, value in points]
            axes.scatter(xs, ys, s=26, facecolors=fill, edgecolors=edge, gid=gid)
            said = [f"{number(value, search.digits)} ({search.text(trial['params'])})" for trial, value in points]
            tips[gid] = [f"trial {place}: {text}" for place, text in zip(xs, said, strict=True)]
        done = sorted((trial["number"], trial["value"]) for trial in search.complete)
        best_so_far = list(accumulate((value for _, value in done), max if search.higher else min))
        axes.step([place for place, _ in done], best_so_far, where="post", color=INK, linewidth=1.4)
        axes.locator_params(axis="x", integer=True)
        axes.set(xlabel="trial", ylabel=search.metric)
        return tips

    best = [f"trial {trial['number']} with {number(trial['value'], search.digits)}" for trial in search.complete[:3]]
    return Chart(
        name="history",
        title="The search, trial by trial",
        caption="Line: the best so far. Hollow: stopped early, at its last evaluation. The others have no value.",
        description=f"{several(len(search.trials), 'trial')}; the best: {', '.join(best) or 'none'}.",
        draw=draw,
    )


def _value(trial: Trial, state: str) -> float | None:
    """The value of a trial in a state; of one that was stopped early, at its last evaluation."""
    if trial["state"] != state:
        return None
    given: Mapping[str, float] = trial["intermediate"]
    return trial["value"] if state == "complete" else given[max(given, key=float)] if given else None


# -- the front of several objectives


def front(search: Search) -> Chart:
    """The trials by their first two objectives, the front as a line, and where its points are on fresh seeds."""
    across, up, *_ = search.record["objectives"]
    found, points = search.found, [trial["values"] for trial in search.front]
    new = {
        gain.label: (x, y)
        for gain in search.gains
        if (x := found.mean(across, gain.label)) is not None and (y := found.mean(up, gain.label)) is not None
    }

    def draw(figure: Figure) -> Tips:
        axes = figure.add_subplot(xlabel=across, ylabel=up)
        done = search.complete
        xs, ys = ([trial["values"][name] for trial in done] for name in (across, up))
        axes.scatter(xs, ys, s=26, color=OPEN, alpha=0.6, linewidths=0, gid="trials")
        axes.plot([p[across] for p in points], [p[up] for p in points], "o-", color=ACCENT, linewidth=1.4, markersize=5)
        for gain in search.gains:
            if gain.label in new:
                old = gain.trial["values"]
                axes.plot([old[across], new[gain.label][0]], [old[up], new[gain.label][1]], color=RULE, linewidth=1)
                axes.plot(*new[gain.label], "D", color=INK, markersize=5)
        return {"trials": [f"trial {trial['number']}: {search.text(trial['params'])}" for trial in done]}

    return Chart(
        name="front",
        title=f"{up} against {across}",
        caption="Line: trials that no other surpasses. Diamonds: the same on fresh seeds and the test split.",
        description=f"{several(len(points), 'trial')} of {len(search.complete)} on the front.",
        draw=draw,
    )


# -- the expected best


def expected(searches: Sequence[Search]) -> Chart:
    """The best value that may be expected of so many trials, of each search."""
    higher, digits = searches[0].higher, max(search.digits for search in searches)

    def draw(figure: Figure) -> None:
        axes = figure.add_subplot(xlabel="trials", ylabel=searches[0].metric)
        for place, search in enumerate(searches):
            points = list(search.expected.values())
            xs, low, high = ([point[key] for point in points] for key in ("trials", "low", "high"))
            style = line_style(place)
            axes.fill_between(xs, low, high, color=style["color"], alpha=0.13, linewidth=0)
            axes.plot(xs, [point["value"] for point in points], label=search.name, linewidth=1.8, **style)
        axes.locator_params(axis="x", integer=True)
        if len(searches) > 1:
            axes.legend(loc="lower right" if higher else "upper right", frameon=False, fontsize=10.5)

    ends = [f"{s.name} {number(list(s.expected.values())[-1]['value'], digits)}" for s in searches]
    return Chart(
        name="expected",
        title="The expected best by budget",
        caption="By the trials' distribution (Dodge et al. 2019); band: 95 %, by resampling. Pruned trials count as "
        "the worst complete one.",
        description=f"The expected best of all trials: {', '.join(ends)}.",
        draw=draw,
    )


# -- importances


def importances(search: Search) -> Chart:
    """How much of the values' variance each parameter accounts for, as Optuna estimates it."""
    named = {search.names.get(path, path): share for path, share in search.record["importances"].items()}
    named = dict(sorted(named.items(), key=lambda item: item[1]))

    def draw(figure: Figure) -> None:
        axes = figure.add_subplot()
        bars = axes.barh(list(named), list(named.values()), color=ACCENT, height=0.5)
        axes.bar_label(bars, fmt="{:.0%}", padding=6, fontsize=10.5)
        axes.tick_params(axis="y", labelcolor=INK)
        axes.set(xlim=(0, max(1e-9, *named.values()) * 1.18), xticks=[])
        axes.grid(visible=False)
        axes.spines.bottom.set_visible(False)

    shares = [f"{name} {share:.0%}" for name, share in reversed(named.items())]
    return Chart(
        name="importances",
        title="Which parameter matters",
        caption="Share of the trials' variance that each accounts for, by Optuna's estimate; few trials make it rough.",
        description=f"Importances: {', '.join(shares)}.",
        draw=draw,
        height=max(130, 46 * len(named) + 20),
    )


# -- parallel coordinates


class _Scale(NamedTuple):
    """A parameter or the metric: heights of the complete trials' values, 0 to 1, and its ticks with their texts."""

    name: str
    heights: Sequence[float]
    ticks: Sequence[tuple[float, str]]


def parallel(search: Search) -> Chart:
    """A line for each complete trial, from parameter to parameter to its value."""
    best, values = search.complete[0], [trial["value"] for trial in search.complete]
    logged = {path: bool(space.get("log")) for path, space in search.record["space"].items()}
    given = {path: [trial["params"].get(path) for trial in search.complete] for path in logged}
    scales = [_scale(search.names[path], own, logged[path]) for path, own in given.items()]
    scales.append(_scale(search.metric, values, text=partial(number, digits=search.digits)))

    def draw(figure: Figure) -> None:
        axes = figure.add_subplot()
        for place in reversed(range(len(values))):  # by rank: a colour map's ends would drown in a light or a dark page
            strength = 0.12 + 0.6 * (1 - place / len(values)) ** 2
            style: Any = (
                {"color": ACCENT, "linewidth": 1.5, "alpha": strength} if place else {"color": INK, "linewidth": 3}
            )
            axes.plot([scale.heights[place] for scale in scales], **style)
        for column, scale in enumerate(scales):
            axes.axvline(column, color=RULE, linewidth=1.2)
            _ticks(axes, column, scale, last=column == len(scales) - 1)
        axes.set_xticks(range(len(scales)), [one.name for one in scales], rotation=25 if len(scales) > 5 else 0)
        axes.set(yticks=[], ylim=(-0.06, 1.06))
        axes.grid(visible=False)
        axes.spines.bottom.set_visible(False)

    return Chart(
        name="parallel",
        title="All parameters side by side",
        caption="A line for each complete trial, stronger where it is better; the thick one is the best.",
        description=f"The best trial: {search.text(best['params'])}, {number(best['value'], search.digits)}.",
        draw=draw,
        span=1 if len(scales) <= _NARROW else 2,
    )


def _scale(name: str, values: Sequence[Any], log: bool = False, text: Callable[[Any], str] = value_text) -> _Scale:
    """Numbers lie between the least and the most, at equal distances or at those of their logarithms if `log`."""
    present = [value for value in values if value is not None]
    if present and all(isinstance(value, int | float) and not isinstance(value, bool) for value in present):
        of: Callable[[float], float] = log10 if log else float
        low, high = min(present), max(present)
        span = of(high) - of(low) or 1
        heights = [nan if value is None else (of(value) - of(low)) / span for value in values]
        return _Scale(name, heights, [(0, text(low)), (1, text(high))] if high > low else [(0, text(low))])
    texts = sorted({value_text(value) for value in values})
    at = {text: place / max(len(texts) - 1, 1) for place, text in enumerate(texts)}
    return _Scale(name, [at[value_text(value)] for value in values], [(height, text) for text, height in at.items()])


def _ticks(axes: Axes, column: int, scale: _Scale, last: bool) -> None:
    ground = {"facecolor": PAPER, "edgecolor": "none", "pad": 1, "alpha": 0.8}
    side, shift = ("right", -6) if last else ("left", 6)
    for height, text in scale.ticks:
        note(axes, text, (column, height), (shift, 0), va="center", ha=side, bbox=ground)
