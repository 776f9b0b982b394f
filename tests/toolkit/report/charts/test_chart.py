"""Figures become part of a page: their text is text, their colours are the page's, and no id meets another."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.figure import Figure
from skimage.color import deltaE_ciede2000, rgb2lab

from toonlab.report import TEMPLATE
from toonlab.report.charts.chart import ACCENT, SERIES, Chart, embeddable

NAMESPACE = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def chart() -> Chart:
    def draw(figure: Figure) -> Mapping[str, Sequence[str]]:
        axes = figure.add_subplot()
        axes.scatter([0, 1], [0.5, 0.7512345], color=ACCENT, gid="points")
        axes.plot([0, 1], color=SERIES[3], gid="series-3-mean")
        axes.set_xlabel("cost in $ and lines <&> 0.123456")
        return {"points": ["seed 0: 0.5000000", "seed 1"]}

    return Chart("one", "A <title>", "Caption.", "What is & seen", draw)


def test_text_stays_text_and_is_told_to_those_who_do_not_see(chart: Chart) -> None:
    root = ElementTree.fromstring(chart.svg(500))
    assert root.get("role") == "img"
    title, description = root[0], root[1]
    assert (title.text, description.text) == ("A <title>", "What is & seen")
    assert root.get("aria-labelledby") == f"{title.get('id')} {description.get('id')}"
    assert "cost in $ and lines <&> 0.123456" in [text.text for text in root.iter(f"{NAMESPACE}text")]
    assert [tip.text for use in root.iter(f"{NAMESPACE}use") for tip in use] == ["seed 0: 0.5000000", "seed 1"]


def test_colours_are_the_pages_own(chart: Chart) -> None:
    text = chart.svg(500)
    assert "var(--accent)" in text
    assert "var(--series-3)" in text
    assert not re.search("#0[0-9a-f]0[0-9a-f]0[0-9a-f]", text)
    assert "DejaVu" not in text
    assert len(re.findall(r'data-series="3"', text)) == 1


def test_ids_of_two_figures_never_meet_and_each_is_referred_to(chart: Chart) -> None:
    both = [chart.svg(), replace(chart, name="the other").svg()]
    ids = [set(re.findall(r' id="([^"]+)"', text)) for text in both]
    assert not ids[0] & ids[1]
    for text, own in zip(both, ids, strict=True):
        used = set(re.findall(r'(?:url\(|href=")#([^")]+)', text))
        assert own == used | {name for name in own if name.endswith(("-title", "-description"))}


def test_a_figure_is_as_wide_as_its_columns_and_scales_with_its_container(chart: Chart) -> None:
    widths = [ElementTree.fromstring(replace(chart, span=span).svg()) for span in (1, 2)]
    assert [root.get("viewBox") for root in widths] == ["0 0 368 280", "0 0 764 280"]
    assert not any(root.get("width") or root.get("height") for root in widths)


# -- colours: series are told apart by colour-blind readers too, in the light and in the dark scheme

# Machado, Oliveira and Fernandes, "A Physiologically-based Model for Simulation of Color Vision Deficiency", 2009,
# table 1, severity 1.0; for linear RGB
SEEN_BY = {
    "most people": np.eye(3),
    "protanopes": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopes": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopes": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


def lab(color: str, seen: object) -> np.ndarray:
    encoded = np.array([int(color[place : place + 2], 16) for place in (1, 3, 5)]) / 255
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    other = np.clip(np.array(seen) @ linear, 0, 1)
    return rgb2lab(np.where(other <= 0.0031308, other * 12.92, 1.055 * other ** (1 / 2.4) - 0.055)[None, None])[0, 0]


@pytest.mark.parametrize("who", list(SEEN_BY))
@pytest.mark.parametrize("scheme", [0, 1])
def test_any_two_series_differ(scheme: int, who: str) -> None:
    style = (TEMPLATE / "style.css").read_text()
    colors = re.findall(r"--series-\d: (#\w{6})", style)[7 * scheme : 7 * scheme + 7]
    assert len(set(colors)) == 7
    seen = [lab(color, SEEN_BY[who]) for color in colors]
    assert min(float(deltaE_ciede2000(one, other)) for one, other in combinations(seen, 2)) > 10


# -- SVG files of matplotlib as elements of a page

FILE = """<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="9pt" height="9pt"
 version="1.1" viewBox="0 0 9 9"><metadata>made by</metadata>
<defs><path id="m1" d="M 0 0.123456 L 1.000004 2"/><clipPath id="p1"><rect x="1.23456"/></clipPath></defs>
<g id="unused"><g id="dots"><use xlink:href="#m1" style="fill: #0b5c9e"/><use xlink:href="#m1"/></g>
<g id="series-3-mean" clip-path="url(#p1)"><path d="M 1 2" style="stroke: #0c0c0c"/></g>
<text style="font: 11px 'DejaVu Sans', sans-serif; fill: #010101">f1 &lt; 2</text></g></svg>"""


def embedded(name: str = "one") -> str:
    return embeddable(FILE, name, "A title", "A description", {"dots": ["seed 0", "seed 1"], "other": ["x"]})


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


def test_letters_that_xml_cannot_hold_are_replaced() -> None:
    text = embeddable(FILE.replace("f1 &lt; 2", "f1\0\x1b \uffff漫\n"), "n", "t", "d", {})
    assert "f1\ufffd\ufffd \ufffd漫\n" in text


def test_points_have_their_tooltips() -> None:
    uses = list(ElementTree.fromstring(embedded()).iter(f"{NAMESPACE}use"))
    assert [[title.text for title in use] for use in uses] == [["seed 0"], ["seed 1"]]


def test_a_single_point_that_is_drawn_in_place_has_its_tooltip() -> None:
    file = '<svg xmlns="http://www.w3.org/2000/svg"><g id="dots"><path d="M 0 0"/></g></svg>'
    root = ElementTree.fromstring(embeddable(file, "n", "t", "d", {"dots": ["alone"]}))
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
