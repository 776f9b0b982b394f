"""Charts of a search: its history, and which parameter matters; `heatmap` and `parallel` have the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from toonlab.report.format import number, several
from toonlab.report.search import Search, Trial

from .chart import Chart, note
from .colors import ACCENT, INK, OPEN, SOFT
from .heatmap import heat_map
from .parallel import parallel

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def charts(search: Search) -> Iterator[Chart]:
    """All that the trials allow."""
    numeric = [path for path, space in search.record["space"].items() if space.get("choices") is None]
    if search.complete and len(numeric) >= 2:
        yield heat_map(search, numeric[0], numeric[1])
    yield history(search)
    if search.complete and len(search.names) >= 2:
        yield parallel(search)
    if search.record.get("importances"):
        yield importances(search)


# -- history


def history(search: Search) -> Chart:
    """Each trial's value in the order of their numbers, and the best so far."""

    def draw(figure: Figure) -> Mapping[str, Sequence[str]]:
        axes = figure.add_subplot()
        tips: dict[str, Sequence[str]] = {}
        if search.default:
            _default(axes, search.default["value"])
        for state, fill, edge in (("complete", ACCENT, ACCENT), ("pruned", "none", OPEN)):
            points = _points(search, state)
            tips[f"trials-{state}"] = [tip for *_, tip in points]
            xs, ys = [number for number, *_ in points], [value for _, value, _ in points]
            axes.scatter(xs, ys, s=26, facecolors=fill, edgecolors=edge, gid=f"trials-{state}")
        axes.step(*_best_so_far(search), where="post", color=INK, linewidth=1.4)
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


def _default(axes: Axes, value: float) -> None:
    axes.axhline(value, color=SOFT, linewidth=1, linestyle=(0, (4, 3)))
    note(axes, "default", (1, value), (0, 3), xycoords=("axes fraction", "data"), ha="right", color=SOFT)


def _points(search: Search, state: str) -> list[tuple[int, float, str]]:
    """Number, value and tip of the trials in a state."""
    points = []
    for trial in search.trials:
        value = trial["value"] if state == "complete" else _last(trial)
        if trial["state"] == state and value is not None:
            tip = f"trial {trial['number']}: {number(value, search.digits)} ({search.text(trial['params'])})"
            points.append((trial["number"], value, tip))
    return points


def _last(trial: Trial) -> float | None:
    given = trial.get("intermediate") or {}
    return float(given[max(given, key=float)]) if given else None


def _best_so_far(search: Search) -> tuple[list[int], list[float]]:
    best: Callable[[float, float], float] = max if search.higher else min
    numbers: list[int] = []
    values: list[float] = []
    for trial in sorted(search.complete, key=lambda trial: trial["number"]):
        numbers.append(trial["number"])
        values.append(best(values[-1], trial["value"]) if values else trial["value"])
    return numbers, values


# -- importances


def importances(search: Search) -> Chart:
    """How much of the values' variance each parameter accounts for, as Optuna estimates it."""
    shares = sorted(search.record["importances"].items(), key=lambda item: item[1])
    named = [(search.names.get(path, path), share) for path, share in shares]

    def draw(figure: Figure) -> None:
        axes = figure.add_subplot()
        axes.barh(range(len(named)), [share for _, share in named], color=ACCENT, height=0.5)
        for row, (_, share) in enumerate(named):
            note(axes, f"{share:.0%}", (share, row), (6, 0), va="center")
        axes.set_yticks(range(len(named)), [name for name, _ in named])
        axes.tick_params(axis="y", labelcolor=INK)
        axes.set(xlim=(0, max(1e-9, max(share for _, share in named)) * 1.18), xticks=[])
        axes.grid(visible=False)
        axes.spines.bottom.set_visible(False)

    return Chart(
        name="importances",
        title="Which parameter matters",
        caption="Share of the trials' variance that each accounts for, by Optuna's estimate; few trials make it rough.",
        description=f"Importances: {', '.join(f'{name} {share:.0%}' for name, share in reversed(named))}.",
        draw=draw,
        height=max(130, 46 * len(named) + 20),
    )
