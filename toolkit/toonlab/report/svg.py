"""matplotlib's figures as SVG within a page: text stays text, and colours follow the page's light or dark scheme."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Colours that stand for the page's variables; black would not do, as matplotlib writes nothing for it.
INK, SOFT, RULE, PAPER = "#010101", "#020202", "#030303", "#040404"
BETTER, WORSE, OPEN, ACCENT = "#050505", "#060606", "#070707", "#080808"
SERIES = tuple(f"#0a0a0{number}" for number in range(7))
_VARIABLES = {
    **{INK: "ink", SOFT: "soft", RULE: "rule", PAPER: "paper", BETTER: "better", WORSE: "worse"},
    **{OPEN: "open", ACCENT: "accent", **{color: f"series-{number}" for number, color in enumerate(SERIES)}},
}
MARKERS, DASHES = "osD^vPX", ("-", (0, (5, 2)), (0, (1.5, 1.5)), (0, (6, 2, 1.5, 2)))
VERDICT_COLORS = {"better": BETTER, "worse": WORSE, "inconclusive": OPEN, "untested": OPEN, "baseline": SOFT}

WIDE, NARROW = 508, 348  # px: half of a desktop page, and a phone's
_SVG, _LINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"
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

Tips = Mapping[str, Sequence[str]]
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
        return {name: self.svg(f"{self.name}-{name}", width) for name, width in widths.items()}

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


def embeddable(text: str, name: str, title: str, description: str, tips: Tips) -> str:
    """An SVG file's text as an element of a page.

    Ids begin with `name`, so that two figures don't share one; `series-3` becomes an attribute `data-series`.
    """
    ElementTree.register_namespace("", _SVG)
    ElementTree.register_namespace("xlink", _LINK)
    root = ElementTree.fromstring(text)
    for metadata in root.findall(f"{{{_SVG}}}metadata"):
        root.remove(metadata)
    for key in ("width", "height", "version"):
        root.attrib.pop(key, None)
    root.set("role", "img")
    root.set("aria-labelledby", f"{name}-title {name}-description")
    for group in root.iter(f"{{{_SVG}}}g"):
        _tell(group, tips)
        if (series := re.fullmatch(r"series-(\d+)(-.*)?", group.get("id", ""))) is not None:
            group.set("data-series", series[1])
    _rename(root, name)
    _shorten(root)
    for place, (tag, content) in enumerate((("title", title), ("desc", description))):
        element = ElementTree.Element(f"{{{_SVG}}}{tag}", {"id": f"{name}-{'description' if place else 'title'}"})
        element.text = content
        root.insert(place, element)
    return _colored(ElementTree.tostring(root, encoding="unicode"))


def _tell(group: ElementTree.Element, tips: Tips) -> None:
    points = list(group.iter(f"{{{_SVG}}}use")) or list(group.iter(f"{{{_SVG}}}path"))  # a single one is drawn in place
    for point, tip in zip(points, tips.get(group.get("id", ""), ()), strict=False):
        ElementTree.SubElement(point, f"{{{_SVG}}}title").text = tip


def _rename(root: ElementTree.Element, name: str) -> None:
    """Give the ids that something refers to the figure's name, and take the others away."""
    link, kept = f"{{{_LINK}}}href", set()
    for element in root.iter():
        if (target := element.get(link, "")).startswith("#"):
            kept.add(target[1:])
            element.set(link, f"#{name}-{target[1:]}")
        for key, value in element.attrib.items():
            if used := re.findall(r"url\(#([^)]+)\)", value):
                kept.update(used)
                element.set(key, value.replace("url(#", f"url(#{name}-"))
    for element in root.iter():
        if (own := element.attrib.pop("id", None)) in kept:
            element.set("id", f"{name}-{own}")


def _shorten(root: ElementTree.Element) -> None:
    """A hundredth of a pixel is as much as can be seen."""
    for element in root.iter():
        for key in ("d", "x", "y", "transform"):
            if key in element.attrib:
                element.set(key, re.sub(r"(\.\d{2})\d+", r"\1", " ".join(element.attrib[key].split())))


def _colored(text: str) -> str:
    text = re.sub(r"#0[0-9a-f]0[0-9a-f]0[0-9a-f]", lambda color: _variable(color[0]), text)
    text = re.sub(r"(font: (?:\w+ )?[\d.]+px) [^;\"]+", r"\1 var(--sans)", text)
    return re.sub(r"font-family: [^;\"]+", "font-family: var(--sans)", text)


def _variable(color: str) -> str:
    return f"var(--{_VARIABLES[color]})" if color in _VARIABLES else color
