"""Results as HTML for a notebook: nothing but text, tables and pictures, which carry everything within themselves."""

from __future__ import annotations

import base64
import re
from functools import cache
from html import escape
from pathlib import Path

from toonlab.report.charts.learning import learning
from toonlab.report.export import as_table
from toonlab.report.findings import Findings
from toonlab.report.page import TEMPLATE

_WIDTH = 508  # px of a chart
_LEFT, _RIGHT = "text-align: left", "text-align: right"


def table(found: Findings) -> str:
    """The table of a report, and the notes below it."""
    return as_table(found).html()


def paragraph(*parts: str) -> str:
    """A line of text; `parts` are HTML."""
    return f"<p>{' · '.join(parts)}</p>"


def bold(text: str) -> str:
    return f"<b>{escape(text)}</b>"


def text(given: str) -> str:
    return escape(given)


def link(path: Path) -> str:
    """A link to a file: relative, as it was given, so that Jupyter finds it beside the notebook."""
    target = path.as_uri() if path.is_absolute() else path.as_posix()
    return f'<a href="{escape(target)}" target="_blank">{escape(str(path))}</a>'


def picture(path: Path, about: str) -> str:
    """A PNG file within the page."""
    uri = "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode()
    return f'<p><img src="{uri}" alt="{escape(about)}"></p>'


def curve(found: Findings) -> str | None:
    """The learning curve over steps as an SVG, in the colours of a light page; None where there is nothing to draw."""
    chart = next(learning(found), None)
    if chart is None:
        return None
    svg = re.sub(r"var\(--([\w-]+)\)", lambda variable: _variables()[variable[1]], chart.svg(_WIDTH))
    rules = re.findall(r"<style[^>]*>\*\{(.*?)\}</style>", svg)  # matplotlib's, which would hold for the whole page
    style = "; ".join([f"background: {_variables()['paper']}", *rules])
    svg = re.sub(r"<style.*?</style>", "", svg)
    return svg.replace("<svg", f'<svg width="{_WIDTH}" height="{chart.height:g}" style="{style}"', 1)


@cache
def _variables() -> dict[str, str]:
    """The variables of a report's page, of its light scheme."""
    light = (TEMPLATE / "style.css").read_text(encoding="utf-8").partition("@media")[0]
    return {name: value.replace('"', "'") for name, value in re.findall(r"--([\w-]+): ([^;]+);", light)}
