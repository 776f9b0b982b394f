"""Results as HTML for a notebook: links, pictures and charts that need no other file."""

import base64
import re
from functools import cache
from html import escape
from pathlib import Path

from toonlab.report import TEMPLATE
from toonlab.report.charts.chart import Chart

_WIDTH = 508  # px of a chart


def paragraph(*parts: str) -> str:
    """A line of text; `parts` are HTML."""
    return f"<p>{' · '.join(parts)}</p>"


def link(path: Path) -> str:
    """A link to a file; a relative path stays relative to the notebook."""
    target = path.as_uri() if path.is_absolute() else path.as_posix()
    return f'<a href="{escape(target)}" target="_blank">{escape(str(path))}</a>'


def picture(path: Path, about: str) -> str:
    """A PNG file within the page."""
    uri = "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode()
    return f'<p><img src="{uri}" alt="{escape(about)}"></p>'


def svg(chart: Chart) -> str:
    """A chart of the report as an SVG, in the colours of a light page."""
    found = re.sub(r"var\(--([\w-]+)\)", lambda variable: _variables()[variable[1]], chart.svg(_WIDTH))
    rules = re.findall(r"<style[^>]*>\*\{(.*?)\}</style>", found)  # matplotlib's, which would hold for the whole page
    style = "; ".join([f"background: {_variables()['paper']}", *rules])
    found = re.sub(r"<style.*?</style>", "", found)
    return found.replace("<svg", f'<svg width="{_WIDTH}" height="{chart.height:g}" style="{style}"', 1)


@cache
def _variables() -> dict[str, str]:
    """The CSS variables of the report's light scheme."""
    light = (TEMPLATE / "style.css").read_text(encoding="utf-8").partition("@media")[0]
    return {name: value.replace('"', "'") for name, value in re.findall(r"--([\w-]+): ([^;]+);", light)}
