"""The page of a study: one self-contained HTML file that works offline."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from toonlab.studies.results.tables import PHOTO
from toonlab.utils import yaml

from . import TEMPLATE, checkpoints, format, search, summary, table
from .charts import learning, rows
from .charts import search as search_charts
from .charts.chart import SERIES, Chart, line_style
from .factors import factorials
from .findings import Findings
from .gallery import gallery
from .reproducibility import reproducibility

if TYPE_CHECKING:
    from jinja2 import Environment

_TITLES = {
    "search": "The search",
    "table": "The table",
    "seeds": "Every seed",
    "factors": "Factors",
    "pictures": "Sample pictures",
    "checkpoints": "Choice of the checkpoint",
    "learning": "Learning and cost",
    "failures": "Unfinished runs",
    "reproducibility": "Reproducibility",
}


def page(found: Findings, exports: Mapping[str, str], inputs: str) -> str:
    """The whole page as HTML.

    Args:
        exports: the table for other programs, see `table.exports`.
        inputs: the fingerprint of what the page is made of.
    """
    searched = search.search_of(found)
    context = {
        "found": found,
        "results": found.results,
        "searched": searched,
        "sentences": _sentences(found, searched),
        "experiment": yaml.dump(dict(found.results.asked)) if found.results.asked else "",
        "exports": exports,
        "search": _search(searched) if searched else [],
        **_sections(found),
        "style": (TEMPLATE / "style.css").read_text(encoding="utf-8"),
        "script": (TEMPLATE / "script.js").read_text(encoding="utf-8"),
        "version": version("toonlab"),
        "inputs": inputs,
    }
    titles = {**_TITLES, "table": "The confirmation"} if context["search"] else _TITLES
    sections = {anchor: title for anchor, title in titles.items() if context[anchor]}
    return templates().get_template("report.html.j2").render(sections=sections, **context)


def templates() -> Environment:
    """The templates of pages, with what they use."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    loader = FileSystemLoader(TEMPLATE)
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.filters["shown"] = format.shown
    environment.filters["value_text"] = search.value_text
    environment.globals |= {"format": format, "tables": table, "symbols": summary.SYMBOLS, "photo": PHOTO}
    return environment


def _sentences(found: Findings, searched: search.Search | None) -> list[tuple[str, str]]:
    """The three sentences with their names, and with no-break spaces in `p = 0.025` and `95 %`."""
    texts = search.sentences(searched) if searched else summary.sentences(found)
    unbroken = [re.sub(r"(p [=<]) |(?<=\d) (?=%)", lambda gap: gap[0].replace(" ", "\xa0"), text) for text in texts]
    return list(zip(("Question", "Result", "Limits"), unbroken, strict=True))


def _sections(found: Findings) -> dict[str, Any]:
    """What each section shows, by its anchor; nothing, where the page has no such section."""
    others = [name for name in found.results.metrics[1:] if name not in found.costs]
    pictures = gallery(found.results)
    return {
        "table": found.results.rows if found.finished else [],
        "seeds": _seeds(found, found.primary),
        "others": [chart for name in others for chart in _seeds(found, name)],
        "factors": list(factorials(found)),
        "pictures": pictures if pictures.scenes or pictures.missing else None,
        "checkpoints": checkpoints.audit(found) if found.finished and found.results.kind == "compare" else None,
        "learning": [*learning.learning(found), *filter(None, [learning.cost(found)])],
        "series": [_key(n, label) for n, label in enumerate(found.labels) if found.values(found.primary, label)],
        "failures": [cell for cell in found.results.cells if cell.status in ("failed", "stopped")],
        "reproducibility": reproducibility(found.results),
    }


def _seeds(found: Findings, metric: str) -> list[Chart]:
    if not found.ranked(metric):
        return []
    compared = [rows.differences(found, metric)] if found.differences.get(metric) else []
    return [rows.seeds(found, metric), *compared]


def _search(searched: search.Search) -> list[Chart]:
    """The search's charts, the narrow ones first, so that none leaves a hole."""
    gains = [gain for gain in searched.gains if gain.confirmed]
    survived = [rows.survived(gains, searched.metric)] if gains else []
    return sorted([*search_charts.charts(searched), *survived], key=lambda chart: chart.span)


def _key(place: int, label: str) -> dict[str, Any]:
    """How a variant is drawn, for the key of the curves."""
    dash = line_style(place)["linestyle"]
    dashes = "" if isinstance(dash, str) else " ".join(str(2 * part) for part in dash[1])
    return {"number": place, "label": label, "color": place % len(SERIES), "dash": dashes}
