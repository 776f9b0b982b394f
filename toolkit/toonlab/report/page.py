"""The page of a study: one self-contained HTML file that works offline."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from toonlab.studies.results.tables import PHOTO
from toonlab.utils import text, yaml

from . import TEMPLATE, checkpoints, format, search, summary, table, votes
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
    "budgets": "Equal budgets",
    "search": "The search",
    "table": "The table",
    "seeds": "Every seed",
    "factors": "Factors",
    "pictures": "Sample pictures",
    "votes": "Votes",
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
    searches = search.searches_of(found)
    own = [each for each in searches if not each.record["control"]]
    context = {
        "found": found,
        "results": found.results,
        "budgets": searches if len(searches) > 1 else [],
        "points": [n for n in search.POINTS if any(n in each.expected for each in searches)],
        "together": _together(searches),
        "sentences": _sentences(found, searches),
        "experiment": yaml.dump(dict(found.results.asked)) if found.results.asked else "",
        "exports": exports,
        "trials": any(each.complete for each in own),
        "search": [(each, _search(each, place, alone=len(searches) == 1)) for place, each in enumerate(own)],
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
    environment.filters["shown"] = text.shown
    environment.filters["value_text"] = search.value_text
    environment.globals |= {
        "format": format,
        "tables": table,
        "vote_texts": votes,
        "symbols": summary.SYMBOLS,
        "photo": PHOTO,
    }
    return environment


def _sentences(found: Findings, searches: list[search.Search]) -> list[tuple[str, str]]:
    """The three sentences with their names, and with no-break spaces in `p = 0.025` and `95 %`."""
    texts = search.sentences(searches) if searches else summary.sentences(found)
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
        "votes": votes.votes(found) if found.results.metrics else None,
        "checkpoints": checkpoints.audit(found) if found.finished and found.results.kind == "compare" else None,
        "learning": [*learning.learning(found), *filter(None, [learning.cost(found)])],
        "interactive": True,
        "series": [key(n, label) for n, label in enumerate(found.labels) if found.values(found.primary, label)],
        "failures": [cell for cell in found.results.cells if cell.status in ("failed", "stopped")],
        "reproducibility": reproducibility(found.results),
    }


def _seeds(found: Findings, metric: str) -> list[Chart]:
    if not found.ranked(metric):
        return []
    compared = [rows.differences(found, metric)] if found.differences.get(metric) else []
    return [rows.seeds(found, metric), *compared]


def _together(searches: list[search.Search]) -> list[Chart]:
    """The charts that show searches together."""
    curved = [each for each in searches if len(each.expected) > 1]
    return [*([search_charts.expected(curved)] if curved else []), *_survived(searches)]


def _survived(searches: list[search.Search]) -> list[Chart]:
    gains = [gain for each in searches for gain in each.gains if gain.confirmed]
    return [rows.survived(gains, searches[0].metric)] if gains else []


def _search(searched: search.Search, place: int, *, alone: bool) -> list[Chart]:
    """The charts of a recipe's search, the narrow ones first, so that none leaves a hole."""
    charts = [*search_charts.charts(searched), *(_together([searched]) if alone else [])]
    return [replace(c, name=f"{c.name}-{place}" if place else c.name) for c in sorted(charts, key=lambda c: c.span)]


def key(place: int, label: str) -> dict[str, Any]:
    """How a variant is drawn, for the key of the curves."""
    dash = line_style(place)["linestyle"]
    dashes = "" if isinstance(dash, str) else " ".join(str(2 * part) for part in dash[1])
    return {"number": place, "label": label, "color": place % len(SERIES), "dash": dashes}
