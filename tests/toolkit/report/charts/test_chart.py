"""Figures become part of a page: their text is text, their colours are the page's, and no id meets another."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from matplotlib.figure import Figure

from toonlab.report.charts.chart import Chart
from toonlab.report.charts.colors import ACCENT, SERIES

NAMESPACE = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def chart() -> Chart:
    def draw(figure: Figure) -> Mapping[str, Sequence[str]]:
        axes = figure.add_subplot()
        axes.scatter([0, 1], [0.5, 0.7512345], color=ACCENT, gid="points")
        axes.plot([0, 1], color=SERIES[3], gid="series-3-mean")
        axes.set_xlabel("cost in $ and outline_f1 <&> 0.123456")
        return {"points": ["seed 0: 0.5000000", "seed 1"]}

    return Chart("one", "A <title>", "Caption.", "What is & seen", draw)


def test_text_stays_text_and_is_told_to_those_who_do_not_see(chart: Chart) -> None:
    root = ElementTree.fromstring(chart.svg(500))
    assert root.get("role") == "img"
    title, description = root[0], root[1]
    assert (title.text, description.text) == ("A <title>", "What is & seen")
    assert root.get("aria-labelledby") == f"{title.get('id')} {description.get('id')}"
    assert "cost in $ and outline_f1 <&> 0.123456" in [text.text for text in root.iter(f"{NAMESPACE}text")]
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
