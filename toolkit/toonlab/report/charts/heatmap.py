"""The heat map of a search: its trials by two parameters, brighter where they are better."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING, Any

from toonlab.report.format import number
from toonlab.report.search import Search, Trial, value_text

from .chart import INK, OPEN, PAPER, WORSE, Chart

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap, Normalize
    from matplotlib.figure import Figure

MOST = 24  # levels of a parameter that are drawn as fields
_NARROW = 8  # levels across that one column of the page has room for


@dataclass(frozen=True)
class _Plane:
    """A search seen by two of its numeric parameters."""

    search: Search
    across: str
    up: str

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


def heat_map(search: Search, across: str, up: str) -> Chart | None:
    """Fields with the mean of their trials; None where the parameters have too many levels for fields."""
    plane, names = _Plane(search, across, up), (search.names[across], search.names[up])
    xs, ys = plane.levels(across), plane.levels(up)
    if max(len(xs), len(ys)) > MOST:
        return None
    best, value = plane.place(search.complete[0]), number(search.complete[0]["value"], search.digits)
    where = ", ".join(f"{name} {value_text(level)}" for name, level in zip(names, best or (), strict=False))

    def draw(figure: Figure) -> None:
        from matplotlib.cm import ScalarMappable

        axes, colors = figure.add_subplot(xlabel=names[0], ylabel=names[1]), ScalarMappable(*scale(search))
        _fields(axes, plane, colors, xs, ys, written=figure.get_figwidth() * 72 / len(xs) > 42)
        bar = figure.colorbar(colors, ax=axes, shrink=0.9, aspect=28, pad=0.02)
        bar.outline.set_visible(False)
        bar.ax.tick_params(length=0)
        bar.ax.grid(visible=False)

    return Chart(
        name="heat-map",
        title=f"{search.metric} by {names[0]} and {names[1]}",
        caption="Mean over a field's trials. Solid frame: the best trial; dashed: the default; ×: infeasible; dot: "
        "stopped early.",
        description=f"The best trial is at {where}: {value}.",
        draw=draw,
        height=max(280, 26 * len(ys) + 80),
        span=2 if len(xs) > _NARROW else 1,
    )


def scale(search: Search) -> tuple[Normalize, Colormap]:
    """Colours of values: bright is good."""
    from matplotlib import colormaps
    from matplotlib.colors import Normalize

    values = [trial["value"] for trial in search.complete]
    low, high = min(values), max(values)
    return Normalize(low, high if high > low else low + 1e-9), colormaps["viridis" if search.higher else "viridis_r"]


def _fields(axes: Axes, plane: _Plane, colors: Any, xs: Sequence[float], ys: Sequence[float], written: bool) -> None:
    search = plane.search
    at = {place: (_nearest(xs, place[0]), _nearest(ys, place[1])) for t in search.trials if (place := plane.place(t))}
    values: defaultdict[tuple[int, int], list[float]] = defaultdict(list)
    for trial in search.complete:
        if place := plane.place(trial):
            values[at[place]].append(trial["value"])
    for spot, found in values.items():
        color = colors.to_rgba(fmean(found))
        _rectangle(axes, spot, color=color, linewidth=0)
        light = sum(part**2.2 * weight for part, weight in zip(color, (0.2126, 0.7152, 0.0722), strict=False)) > 0.18
        text: Any = {"ha": "center", "va": "center", "fontsize": 10, "color": "#111111" if light else "#ffffff"}
        axes.text(*spot, number(fmean(found), search.digits) if written else "", **text)
    for trial in search.trials:
        if (place := plane.place(trial)) and at[place] not in values:
            refused = trial["state"] in ("infeasible", "failed")
            axes.plot(*at[place], "x" if refused else ".", color=WORSE if refused else OPEN)
    for given, line in ((search.default, "--"), (search.complete[0], "-")):
        if place := plane.place(given):
            _rectangle(axes, at[place], fill=False, edgecolor=PAPER, linewidth=5.0)
            _rectangle(axes, at[place], fill=False, edgecolor=INK, linewidth=2.2, linestyle=line)
    axes.set(xlim=(-0.55, len(xs) - 0.45), ylim=(-0.55, len(ys) - 0.45))
    axes.set_xticks(range(len(xs)), [value_text(x) for x in xs], rotation=90 if len(xs) > 12 else 0)
    axes.set_yticks(range(len(ys)), [value_text(y) for y in ys])
    axes.grid(visible=False)


def _nearest(levels: Sequence[float], value: float) -> int:
    return min(range(len(levels)), key=lambda index: abs(levels[index] - value))


def _rectangle(axes: Axes, spot: tuple[int, int], **style: Any) -> None:
    axes.barh(spot[1], 0.96, 0.92, left=spot[0] - 0.48, **style)
