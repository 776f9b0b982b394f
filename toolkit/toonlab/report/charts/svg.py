"""SVG files of matplotlib as elements of a page: text stays text, and the page decides on colours and size."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from xml.etree import ElementTree

_SVG, _LINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"
Tips = Mapping[str, Sequence[str]]


def embeddable(text: str, name: str, title: str, description: str, tips: Tips, colors: Mapping[str, str]) -> str:
    """An SVG file's text as an element of a page.

    Only ids that are referred to are kept; matplotlib's hash salt tells those of two figures apart. `series-3` becomes
    an attribute `data-series`. Numbers are rounded to hundredths of a pixel.

    Args:
        name: the beginning of the ids of title and description.
        tips: the id of a group of points -> a tooltip for each point.
        colors: a colour in the file -> its colour on the page.
    """
    ElementTree.register_namespace("", _SVG)
    ElementTree.register_namespace("xlink", _LINK)
    root = ElementTree.fromstring(text)
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
    return _colored(ElementTree.tostring(root, encoding="unicode"), colors)


def _add_tooltips(group: ElementTree.Element, tips: Sequence[str]) -> None:
    points = list(group.iter(f"{{{_SVG}}}use")) or list(group.iter(f"{{{_SVG}}}path"))  # a single one is drawn in place
    for point, tip in zip(points, tips, strict=False):
        ElementTree.SubElement(point, f"{{{_SVG}}}title").text = tip


def _colored(text: str, colors: Mapping[str, str]) -> str:
    text = re.sub(r"#[0-9a-f]{6}", lambda color: colors.get(color[0], color[0]), text)
    text = re.sub(r"(font: (?:\w+ )?[\d.]+px) [^;\"]+", r"\1 var(--sans)", text)
    return re.sub(r"font-family: [^;\"]+", "font-family: var(--sans)", text)
