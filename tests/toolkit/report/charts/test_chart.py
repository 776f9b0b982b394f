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

from toonlab.report.charts.chart import ACCENT, SERIES, Chart
from toonlab.report.page import TEMPLATE

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
