"""Charts of a search: its history, the expected best, and which parameter matters; `heatmap` has the map."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING

from toonlab.report.format import number
from toonlab.report.search import Search, Trial
from toonlab.utils.text import several

from .chart import ACCENT, INK, OPEN, RULE, SOFT, Chart, Tips, line_style, note
from .heatmap import heat_map

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def charts(search: Search) -> Iterator[Chart]:
    """All that the trials allow."""
    stepped = [path for path, space in search.record["space"].items() if space.get("step") or space.get("integer")]
    if search.complete and len(stepped) >= 2 and (chart := heat_map(search, *stepped[:2])):
        yield chart
    if search.front:
        yield front(search)
    yield history(search)
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
