"""The heat map of a search: its trials by two parameters, brighter where they are better."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING, Any

from toonlab.report.format import number
from toonlab.report.search import Search, Trial, value_text

from .chart import Chart
from .colors import INK, OPEN, PAPER, WORSE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap, Normalize
    from matplotlib.figure import Figure

MOST = 24  # levels of a parameter that are drawn as fields; with more, trials are points
_NARROW = 8  # levels across that one column of the page has room for
_FRAMES = "Solid frame: the best trial; dashed: the default"


@dataclass(frozen=True)
class _Plane:
    """A search seen by two of its numeric parameters."""

    search: Search
    across: str
    up: str

    @property
    def names(self) -> tuple[str, str]:
        return self.search.names[self.across], self.search.names[self.up]

    def place(self, trial: Trial | None) -> tuple[float, float] | None:
        given = trial["params"] if trial else {}
        return (given[self.across], given[self.up]) if {self.across, self.up} <= given.keys() else None

    def levels(self, path: str) -> list[float]:
        """The levels that were tried, and the levels between them if the parameter has a step."""
        tried = {trial["params"][path] for trial in self.search.trials if path in trial["params"]}
        space = self.search.record["space"][path]
        step = space.get("step") or (1 if space.get("integer") else 0)
        if step and (space["high"] - space["low"]) / step < MOST:
            count = int((space["high"] - space["low"]) / step + 1e-9) + 1
            tried |= {space["low"] + step * index for index in range(count)}
        return sorted({round(level, 9): level for level in sorted(tried)}.values())


def heat_map(search: Search, across: str, up: str) -> Chart:
    """Fields with the mean of their trials; points where the parameters have no steps."""
    plane = _Plane(search, across, up)
    xs, ys = plane.levels(across), plane.levels(up)
    fields = max(len(xs), len(ys)) <= MOST
    best, value = plane.place(search.complete[0]), number(search.complete[0]["value"], search.digits)
    where = ", ".join(f"{name} {value_text(level)}" for name, level in zip(plane.names, best or (), strict=False))
    marks = f"Mean over a field's trials. {_FRAMES}; ×: infeasible; dot: stopped early."
    return Chart(
        name="heat-map",
        title=f"{search.metric} by {plane.names[0]} and {plane.names[1]}",
        caption=marks if fields else f"A point for each trial. {_FRAMES}.",
        description=f"The best trial is at {where}: {value}.",
        draw=lambda figure: _fields(figure, plane, xs, ys) if fields else _scattered(figure, plane),
        height=max(280, 26 * len(ys) + 80) if fields else 300,
        span=2 if fields and len(xs) > _NARROW else 1,
    )


def scale(search: Search) -> tuple[Normalize, Colormap]:
    """Colours of values: bright is good."""
    from matplotlib import colormaps
    from matplotlib.colors import Normalize

    values = [trial["value"] for trial in search.complete]
    low, high = min(values), max(values)
    return Normalize(low, high if high > low else low + 1e-9), colormaps["viridis" if search.higher else "viridis_r"]


# -- fields


def _fields(figure: Figure, plane: _Plane, xs: Sequence[float], ys: Sequence[float]) -> None:
    axes, search = figure.add_subplot(), plane.search
    norm, colors = scale(search)
    written = figure.get_figwidth() * 72 / len(xs) > 42
    at = {place: (_nearest(xs, place[0]), _nearest(ys, place[1])) for t in search.trials if (place := plane.place(t))}
    values: defaultdict[tuple[int, int], list[float]] = defaultdict(list)
    for trial in search.complete:
        if place := plane.place(trial):
            values[at[place]].append(trial["value"])
    for spot, found in values.items():
        _field(axes, spot, colors(norm(fmean(found))), number(fmean(found), search.digits) if written else "")
    for trial in search.trials:
        if (place := plane.place(trial)) and at[place] not in values:
            refused = trial["state"] in ("infeasible", "failed")
            axes.plot(*at[place], "x" if refused else ".", color=WORSE if refused else OPEN)
    for given, line in ((search.default, "--"), (search.complete[0], "-")):
        if place := plane.place(given):
            _frame(axes, at[place], line)
    axes.set(xlim=(-0.55, len(xs) - 0.45), ylim=(-0.55, len(ys) - 0.45), xlabel=plane.names[0], ylabel=plane.names[1])
    axes.set_xticks(range(len(xs)), [value_text(x) for x in xs], rotation=90 if len(xs) > 12 else 0)
    axes.set_yticks(range(len(ys)), [value_text(y) for y in ys])
    axes.grid(visible=False)
    _color_bar(figure, axes, norm, colors)


def _nearest(levels: Sequence[float], value: float) -> int:
    return min(range(len(levels)), key=lambda index: abs(levels[index] - value))


def _field(axes: Axes, spot: tuple[int, int], color: Any, text: str) -> None:
    from matplotlib.patches import Rectangle

    axes.add_patch(Rectangle((spot[0] - 0.48, spot[1] - 0.46), 0.96, 0.92, facecolor=color, linewidth=0))
    light = sum(part**2.2 * weight for part, weight in zip(color, (0.2126, 0.7152, 0.0722), strict=False)) > 0.18
    axes.text(*spot, text, ha="center", va="center", fontsize=10, color="#111111" if light else "#ffffff")


def _frame(axes: Axes, spot: tuple[int, int], line: str) -> None:
    from matplotlib.patches import Rectangle

    for color, width, style in ((PAPER, 5.0, "-"), (INK, 2.2, line)):
        corner = (spot[0] - 0.48, spot[1] - 0.46)
        axes.add_patch(Rectangle(corner, 0.96, 0.92, fill=False, edgecolor=color, linewidth=width, linestyle=style))


def _color_bar(figure: Figure, axes: Axes, norm: Normalize, colors: Colormap) -> None:
    from matplotlib.cm import ScalarMappable

    bar = figure.colorbar(ScalarMappable(norm, colors), ax=axes, shrink=0.9, aspect=28, pad=0.02)
    bar.outline.set_visible(False)
    bar.ax.tick_params(length=0)
    bar.ax.grid(visible=False)


# -- points


def _scattered(figure: Figure, plane: _Plane) -> None:
    axes, search = figure.add_subplot(), plane.search
    norm, colors = scale(search)
    places = [(place, trial) for trial in reversed(search.complete) if (place := plane.place(trial))]
    shades = [colors(norm(trial["value"])) for _, trial in places]
    axes.scatter([x for (x, _), _ in places], [y for (_, y), _ in places], s=60, color=shades, edgecolors=PAPER)
    for trial, line in ((search.default, "--"), (search.complete[0], "-")):
        if place := plane.place(trial):
            axes.scatter(*place, s=190, facecolors="none", edgecolors=INK, linewidths=1.8, linestyles=line, marker="s")
    for path, axis in ((plane.across, "x"), (plane.up, "y")):
        if search.record["space"][path].get("log"):
            axes.set(**{f"{axis}scale": "log"})
            getattr(axes, f"{axis}axis").set_major_formatter("{x:g}")
    axes.set(xlabel=plane.names[0], ylabel=plane.names[1])
    _color_bar(figure, axes, norm, colors)
