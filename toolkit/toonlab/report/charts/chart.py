"""Charts: matplotlib's figures as SVG, drawn at the width of a page's column, which is about a phone's."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from toonlab.report import TEMPLATE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMN, GAP = 368, 28  # px: a third of a desktop page, and the space between two columns
_NAMES = ("ink", "soft", "rule", "paper", "better", "worse", "open", "accent", *(f"series-{n}" for n in range(7)))
# stand-ins for the page's variables, which follow its light or dark scheme; not black, which matplotlib leaves out
_COLORS = {name: f"#0{n:x}0{n:x}0{n:x}" for n, name in enumerate(_NAMES, 1)}
INK, SOFT, RULE, PAPER, BETTER, WORSE, OPEN, ACCENT, *SERIES = _COLORS.values()
_VARIABLES = {color: f"var(--{name})" for name, color in _COLORS.items()}
MARKERS, DASHES = "osD^vPX", ("-", (0, (5, 2)), (0, (1.5, 1.5)), (0, (6, 2, 1.5, 2)))
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # letters that a name may have
_COLORED: Any = {
    **dict.fromkeys(["axes.edgecolor", "grid.color", "xtick.color", "ytick.color", "hatch.color"], RULE),
    **dict.fromkeys(["axes.labelcolor", "xtick.labelcolor", "ytick.labelcolor"], SOFT),
    "text.color": INK,
}
_SVG, _LINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"
Tips = Mapping[str, Sequence[str]]
Draw = Callable[["Figure"], Tips | None]


@dataclass(frozen=True)
class Chart:
    """A figure of a page.

    Args:
        name: for ids.
        title: above it.
        caption: one line below it.
        description: the figure in words, for screen readers.
        draw: draws into a figure; may return tooltips: the group id of a collection of points -> a text for each point.
        height: of the figure in px.
        span: of the page's columns; a figure of several is scrolled sideways on a phone.
    """

    name: str
    title: str
    caption: str
    description: str
    draw: Draw
    height: float = 280
    span: int = 1

    def svg(self, width: float | None = None) -> str:
        """An SVG element that scales with its container; `width` in px is that of its `viewBox`."""
        from matplotlib import rc_context
        from matplotlib.figure import Figure
        from matplotlib.layout_engine import ConstrainedLayoutEngine

        width = width or COLUMN * self.span + GAP * (self.span - 1)
        file, name = io.StringIO(), re.sub(r"[^\w-]+", "-", self.name)
        with rc_context({**_COLORED, "svg.hashsalt": name}, TEMPLATE / "charts.mplstyle"), warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # glyphs that its own font lacks are the browser's to draw
            layout = ConstrainedLayoutEngine(w_pad=2 / 72, h_pad=2 / 72)
            figure = Figure(figsize=(width / 72, self.height / 72), layout=layout)
            tips = self.draw(figure)
            figure.savefig(file, format="svg", metadata={"Date": None})
        return embeddable(file.getvalue(), name, self.title, self.description, tips or {})


def note(axes: Axes, text: str, at: tuple[float, float], shift: tuple[float, float], **style: Any) -> None:
    """Small text next to a point, `shift` px away from it; `xycoords` is the point's coordinate system."""
    axes.annotate(text, at, xytext=shift, textcoords="offset points", **{"fontsize": 10.5, **style})


def line_style(place: int) -> dict[str, Any]:
    """Colour and dashes of a variant's curves, by its place among the variants."""
    return {"color": SERIES[place % len(SERIES)], "linestyle": DASHES[place // len(SERIES) % len(DASHES)]}


def point_style(place: int) -> dict[str, Any]:
    """Colour and marker of a variant's points, by its place among the variants."""
    return {"color": SERIES[place % len(SERIES)], "marker": MARKERS[place % len(MARKERS)]}


# -- matplotlib's SVG files as elements of a page


def embeddable(text: str, name: str, title: str, description: str, tips: Tips) -> str:
    """An SVG file's text as an element of a page: text stays text, and the page decides on colours and size.

    Only ids that are referred to are kept; matplotlib's hash salt tells those of two figures apart. `series-3` becomes
    an attribute `data-series`. Numbers are rounded to hundredths of a pixel.

    Args:
        name: the beginning of the ids of title and description.
        tips: the id of a group of points -> a tooltip for each point.
    """
    ElementTree.register_namespace("", _SVG)
    ElementTree.register_namespace("xlink", _LINK)
    root = ElementTree.fromstring(_NO_XML.sub("\ufffd", text))
    for metadata in root.findall(f"{{{_SVG}}}metadata"):
        root.remove(metadata)
    for key in ("width", "height", "version"):
        root.attrib.pop(key, None)
    used = set(re.findall(r'(?:href="|url\()#([^")]+)', text))
    for element in root.iter():
        own = element.get("id", "")
        _add_tooltips(element, tips.get(own, ()))
        if series := re.fullmatch(r"series-(\d+)(-.*)?", own):
            element.set("data-series", series[1])
        if own not in used:
            element.attrib.pop("id", None)
        for key in {"d", "x", "y", "transform"}.intersection(element.keys()):
            element.set(key, re.sub(r"(\.\d{2})\d+", r"\1", " ".join(element.attrib[key].split())))
    for place, (tag, key, content) in enumerate((("title", "title", title), ("desc", "description", description))):
        root.insert(place, ElementTree.Element(f"{{{_SVG}}}{tag}", {"id": f"{name}-{key}"}))
        root[place].text = content
    root.attrib |= {"role": "img", "aria-labelledby": f"{name}-title {name}-description"}
    return _colored(ElementTree.tostring(root, encoding="unicode"))


def _add_tooltips(group: ElementTree.Element, tips: Sequence[str]) -> None:
    points = list(group.iter(f"{{{_SVG}}}use")) or list(group.iter(f"{{{_SVG}}}path"))  # a single one is drawn in place
    for point, tip in zip(points, tips, strict=False):
        ElementTree.SubElement(point, f"{{{_SVG}}}title").text = tip


def _colored(text: str) -> str:
    text = re.sub(r"#[0-9a-f]{6}", lambda color: _VARIABLES.get(color[0], color[0]), text)
    text = re.sub(r"(font: (?:\w+ )?[\d.]+px) [^;\"]+", r"\1 var(--sans)", text)
    return re.sub(r"font-family: [^;\"]+", "font-family: var(--sans)", text)
