"""Axes with a row for each variant: its label above, and points, a mean and an interval below."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from toonlab.report.format import shown

from .colors import INK, PAPER, RULE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_ROW, _FOOT, _LETTER = 44, 62, 6.2  # px: a row, the axis below, a letter about
_LABEL, _CONTENT = -0.3, 0.12  # where they stand in a row
_GROUND = {"facecolor": PAPER, "edgecolor": "none", "pad": 1.5}  # below text, so that no line crosses it


def height(rows: int) -> float:
    """Of a figure with so many rows, in px."""
    return _ROW * rows + _FOOT


def row_axes(figure: Figure, labels: Sequence[str]) -> Axes:
    """The axes, with the first label on top."""
    axes = figure.add_subplot()
    axes.set_ylim(len(labels) - 0.5, -0.5)
    axes.set_yticks([])
    axes.grid(visible=True, axis="x")
    axes.margins(x=0.06)
    letters = int(figure.get_figwidth() * 72 / _LETTER) - 20  # what stands at the right has its room
    for row, label in enumerate(labels):
        axes.text(0, row + _LABEL, cut(shown(label), letters), transform=_mixed(axes), va="center", bbox=_GROUND)
        if row:
            axes.axhline(row - 0.5, color=RULE, linewidth=0.8)
    return axes


def at_right(axes: Axes, row: int, text: str, color: str = INK) -> None:
    """Text at the end of a row's label."""
    axes.text(1, row + _LABEL, text, transform=_mixed(axes), va="center", ha="right", color=color, bbox=_GROUND)


def points(axes: Axes, row: int, values: Sequence[float], color: str) -> None:
    """A dot for each value, in a group `row-3`."""
    places = [row + _CONTENT] * len(values)
    axes.scatter(values, places, s=36, color=color, alpha=0.6, linewidths=0, gid=f"row-{row}")


def circle(axes: Axes, row: int, value: float, color: str) -> None:
    """A hollow point."""
    axes.plot([value], [row + _CONTENT], "o", markersize=8, markerfacecolor=PAPER, markeredgecolor=color)


def mean(axes: Axes, row: int, value: float, bounds: Sequence[float] | None, color: str) -> None:
    """A diamond, and a bar where there is an interval."""
    place = row + _CONTENT
    if bounds:
        axes.plot(bounds, [place, place], color=color, linewidth=1.6, solid_capstyle="butt", zorder=2.5)
        axes.plot(bounds, [place, place], "|", color=color, markersize=9, markeredgewidth=1.6, zorder=2.5)
    axes.plot([value], [place], "D", color=color, markersize=7, markeredgecolor=PAPER, markeredgewidth=1.2, zorder=3)


def cut(text: str, letters: int) -> str:
    """With an ellipsis where it is too long."""
    return text if len(text) <= letters else text[: max(letters - 1, 1)] + "…"


def _mixed(axes: Axes) -> Any:
    from matplotlib.transforms import blended_transform_factory

    return blended_transform_factory(axes.transAxes, axes.transData)
