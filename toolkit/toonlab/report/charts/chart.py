"""Charts: matplotlib's figures, drawn for a desktop's and for a phone's width."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .colors import INK, RULE, SOFT
from .svg import Tips, embeddable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDE, NARROW = 572, 348  # px: half of a desktop page, and a phone's
_STYLE: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "toonlab",
    "figure.dpi": 72,
    "savefig.transparent": True,
    "font.size": 11.5,
    "text.color": INK,
    "text.parse_math": False,
    "axes.edgecolor": RULE,
    "axes.labelcolor": SOFT,
    "axes.facecolor": "none",
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.unicode_minus": True,
    "axes.formatter.useoffset": False,
    "grid.color": RULE,
    "grid.linewidth": 0.8,
    "xtick.color": RULE,
    "ytick.color": RULE,
    "xtick.labelcolor": SOFT,
    "ytick.labelcolor": SOFT,
    "ytick.major.size": 0,
    "xtick.major.size": 3,
    "xtick.labelsize": 11,
    "ytick.labelsize": 11,
    "lines.linewidth": 1.8,
    "hatch.color": RULE,
}

Draw = Callable[["Figure"], Tips | None]


@dataclass(frozen=True)
class Chart:
    """A figure of a page.

    Args:
        name: for ids.
        title: above it.
        caption: one line below it.
        description: what can be seen, for those who don't see it.
        draw: draws into a figure of the width that it has; may return, by the group id of a collection of points, what
            each of them says when it is pointed at.
        height: of the figure in px.
        span: of the page's two columns.
    """

    name: str
    title: str
    caption: str
    description: str
    draw: Draw
    height: float = 300
    span: int = 1

    def svgs(self) -> dict[str, str]:
        """`wide` and `narrow`: the same for a desktop and for a phone, so that text has its size on both."""
        gap = 28
        widths = {"wide": WIDE * self.span + gap * (self.span - 1), "narrow": NARROW}
        own = re.sub(r"[^\w-]+", "-", self.name)
        return {name: self.svg(f"{own}-{name}", width) for name, width in widths.items()}

    def svg(self, name: str, width: float) -> str:
        from matplotlib import rc_context
        from matplotlib.figure import Figure
        from matplotlib.layout_engine import ConstrainedLayoutEngine

        file = io.StringIO()
        with rc_context(_STYLE), warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # glyphs that its own font lacks are the browser's to draw
            layout = ConstrainedLayoutEngine(w_pad=2 / 72, h_pad=2 / 72)
            figure = Figure(figsize=(width / 72, self.height / 72), layout=layout)
            tips = self.draw(figure)
            figure.savefig(file, format="svg", metadata={"Date": None})
        return embeddable(file.getvalue(), name, self.title, self.description, tips or {})


def note(axes: Axes, text: str, at: tuple[float, float], shift: tuple[float, float], **style: Any) -> None:
    """Small text beside a point, `shift` px away from it; `xycoords` says what the point is given in."""
    axes.annotate(text, at, xytext=shift, textcoords="offset points", **{"fontsize": 10.5, **style})
