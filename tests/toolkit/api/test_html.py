"""HTML for notebooks: complete by itself, and every text escaped."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from xml.etree import ElementTree

from matplotlib.figure import Figure
from PIL import Image

from toonlab.api import html
from toonlab.report.charts.chart import Chart


def test_links_are_relative_where_the_path_is(tmp_path: Path) -> None:
    assert html.link(Path("runs/a&b.html")) == '<a href="runs/a&amp;b.html" target="_blank">runs/a&amp;b.html</a>'
    assert f'href="{(tmp_path / "x").as_uri()}"' in html.link(tmp_path / "x")


def test_a_picture_is_within_the_page(tmp_path: Path) -> None:
    Image.new("RGB", (3, 2)).save(tmp_path / "a.png")
    (uri,) = re.findall(r'src="data:image/png;base64,([^"]+)"', html.picture(tmp_path / "a.png", 'the "grid"'))
    assert base64.b64decode(uri) == (tmp_path / "a.png").read_bytes()
    assert 'alt="the &quot;grid&quot;"' in html.picture(tmp_path / "a.png", 'the "grid"')


def test_a_chart_has_colours_of_its_own_and_no_style_for_the_page() -> None:
    def draw(figure: Figure) -> None:
        figure.add_subplot().plot([0, 1], [1, 0])

    text = html.svg(Chart("learning", "Title", "", "A line.", draw))
    assert text.startswith('<svg width="508"')
    assert "var(--" not in text
    assert "<style" not in text
    ElementTree.fromstring(text)
