"""SVG files of matplotlib as elements of a page."""

import re
from xml.etree import ElementTree

from toonlab.report.charts.svg import embeddable

NAMESPACE = "{http://www.w3.org/2000/svg}"
FILE = """<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="9pt" height="9pt"
 version="1.1" viewBox="0 0 9 9"><metadata>made by</metadata>
<defs><path id="m1" d="M 0 0.123456 L 1.000004 2"/><clipPath id="p1"><rect x="1.23456"/></clipPath></defs>
<g id="unused"><g id="dots"><use xlink:href="#m1" style="fill: #0b5c9e"/><use xlink:href="#m1"/></g>
<g id="series-3-mean" clip-path="url(#p1)"><path d="M 1 2" style="stroke: #0a0a03"/></g>
<text style="font: 11px 'DejaVu Sans', sans-serif; fill: #010101">f1 &lt; 2</text></g></svg>"""
COLORS = {"#0a0a03": "var(--series-3)", "#010101": "var(--ink)"}


def embedded(name: str = "one") -> str:
    return embeddable(FILE, name, "A title", "A description", {"dots": ["seed 0", "seed 1"], "other": ["x"]}, COLORS)


def test_the_page_decides_on_the_size() -> None:
    root = ElementTree.fromstring(embedded())
    assert root.get("viewBox") == "0 0 9 9"
    assert not {"width", "height", "version"} & set(root.keys())
    assert root.find(f"{NAMESPACE}metadata") is None


def test_it_is_an_image_with_a_name_and_a_description() -> None:
    root = ElementTree.fromstring(embedded())
    assert root.get("role") == "img"
    by_id = {element.get("id"): element.text for element in root.iter() if element.get("id")}
    assert [by_id[name] for name in (root.get("aria-labelledby") or "").split()] == ["A title", "A description"]


def test_points_have_their_tooltips() -> None:
    uses = list(ElementTree.fromstring(embedded()).iter(f"{NAMESPACE}use"))
    assert [[title.text for title in use] for use in uses] == [["seed 0"], ["seed 1"]]


def test_a_single_point_that_is_drawn_in_place_has_its_tooltip() -> None:
    file = '<svg xmlns="http://www.w3.org/2000/svg"><g id="dots"><path d="M 0 0"/></g></svg>'
    root = ElementTree.fromstring(embeddable(file, "n", "t", "d", {"dots": ["alone"]}, {}))
    assert [title.text for path in root.iter(f"{NAMESPACE}path") for title in path] == ["alone"]


def test_series_are_attributes_and_only_ids_in_use_are_kept() -> None:
    text = embedded()
    assert re.findall(r'data-series="(\d+)"', text) == ["3"]
    assert set(re.findall(r' id="([^"]+)"', text)) == {"m1", "p1", "one-title", "one-description"}
    assert set(re.findall(r'href="#([^"]+)"', text)) == {"m1"}
    assert "url(#p1)" in text


def test_colours_and_fonts_are_variables_of_the_page() -> None:
    text = embedded()
    assert "stroke: var(--series-3)" in text
    assert "fill: var(--ink)" in text
    assert "font: 11px var(--sans)" in text
    assert "#0b5c9e" in text  # a colour of its own
    assert "DejaVu" not in text


def test_numbers_have_two_digits_after_the_point() -> None:
    text = embedded()
    assert "M 0 0.12 L 1.00 2" in text
    assert 'x="1.23"' in text
    assert "f1 &lt; 2" in text
