"""SVG files of matplotlib as elements of a page: text stays text, colours are the page's, ids are unique."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from xml.etree import ElementTree

from .colors import VARIABLES

_SVG, _LINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"
Tips = Mapping[str, Sequence[str]]


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
        _add_tooltips(group, tips)
        if (series := re.fullmatch(r"series-(\d+)(-.*)?", group.get("id", ""))) is not None:
            group.set("data-series", series[1])
    _rename(root, name)
    _shorten(root)
    for place, (tag, content) in enumerate((("title", title), ("desc", description))):
        element = ElementTree.Element(f"{{{_SVG}}}{tag}", {"id": f"{name}-{'description' if place else 'title'}"})
        element.text = content
        root.insert(place, element)
    return _colored(ElementTree.tostring(root, encoding="unicode"))


def _add_tooltips(group: ElementTree.Element, tips: Tips) -> None:
    points = list(group.iter(f"{{{_SVG}}}use")) or list(group.iter(f"{{{_SVG}}}path"))  # a single one is drawn in place
    for point, tip in zip(points, tips.get(group.get("id", ""), ()), strict=False):
        ElementTree.SubElement(point, f"{{{_SVG}}}title").text = tip


def _rename(root: ElementTree.Element, name: str) -> None:
    """Prefix the ids that are referred to with the figure's name, and remove the others."""
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
    """Round numbers to hundredths of a pixel."""
    for element in root.iter():
        for key in ("d", "x", "y", "transform"):
            if key in element.attrib:
                element.set(key, re.sub(r"(\.\d{2})\d+", r"\1", " ".join(element.attrib[key].split())))


def _colored(text: str) -> str:
    text = re.sub(r"#0[0-9a-f]0[0-9a-f]0[0-9a-f]", lambda color: _variable(color[0]), text)
    text = re.sub(r"(font: (?:\w+ )?[\d.]+px) [^;\"]+", r"\1 var(--sans)", text)
    return re.sub(r"font-family: [^;\"]+", "font-family: var(--sans)", text)


def _variable(color: str) -> str:
    return f"var(--{VARIABLES[color]})" if color in VARIABLES else color
