"""The page of a study: one self-contained HTML file that works offline."""

from __future__ import annotations

import re
from importlib.metadata import version
from pathlib import Path
from typing import Any

from toonlab.utils import yaml

from . import search_summary, summary
from .charts import learning, rows
from .charts import search as search_charts
from .charts.chart import Chart
from .charts.colors import DASHES, SERIES
from .export import as_csv, as_latex, as_markdown, as_table, heading
from .factors import factorials
from .findings import Findings
from .format import listed, number, probability, shown
from .gallery import gallery
from .inputs import fingerprint, mark
from .reproducibility import reproducibility
from .search import Search, search_of, value_text
from .table import lines

TEMPLATE = Path(__file__).parent / "template"
_TITLES = {
    "search": "The search",
    "table": "The table",
    "seeds": "Every seed",
    "factors": "Factors",
    "pictures": "Sample pictures",
    "learning": "Learning and cost",
    "failures": "Unfinished runs",
    "reproducibility": "Reproducibility",
}


def page(found: Findings) -> str:
    """The whole page as HTML."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    loader = FileSystemLoader(TEMPLATE)
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.filters["shown"] = shown
    search = search_of(found)
    context = {
        **_head(found, search),
        **_table(found),
        **_charts(found, search),
        "gallery": gallery(found.results),
        "reproducibility": reproducibility(found.results),
        "failures": [cell for cell in found.results.cells if cell.status in ("failed", "stopped")],
        "style": (TEMPLATE / "style.css").read_text(encoding="utf-8"),
        "script": (TEMPLATE / "script.js").read_text(encoding="utf-8"),
        "version": version("toonlab"),
        "inputs": mark(fingerprint(found.results)),
        "number": number,
        "listed": listed,
        "p_text": lambda p: probability(p).removeprefix("p ").removeprefix("= "),
    }
    return environment.get_template("report.html.j2").render(sections=_sections(context), **context)


def _head(found: Findings, search: Search | None) -> dict[str, Any]:
    results = found.results
    summary_ = search_summary.sentences(search) if search else summary.sentences(found)
    return {
        "name": results.name,
        "kind": "toonlab · search" if search else "toonlab · comparison",
        "about": results.about,
        "sentences": list(zip(("Question", "Result", "Limits"), map(_unbroken, summary_), strict=True)),
        "experiment": yaml.dump(dict(results.asked)) if results.asked else "",
        "command": results.command,
        "seed_list": ", ".join(map(str, found.seeds)),
    }


def _unbroken(sentence: str) -> str:
    """With no-break spaces in `p = 0.025` and `95 %`."""
    return re.sub(r"(p [=<]) |(?<=\d) (?=%)", lambda gap: gap[0].replace(" ", "\N{NO-BREAK SPACE}"), sentence)


def _table(found: Findings) -> dict[str, Any]:
    results, rows_ = found.results, lines(found)
    details = [detail for line in rows_ for detail in line.details]
    return {
        "primary": found.primary,
        "baseline": results.baseline,
        "compared": bool(found.differences.get(found.primary)),
        "permuted": any(detail.p_permutation for detail in details),
        "lines": rows_ if found.finished else [],
        "name_width": min(max((len(shown(line.label)) for line in rows_), default=0) + 4, 32),
        "headings": [
            {"text": heading(found, name), "first": "descending" if found.higher(name) else "ascending"}
            for name in found.columns
        ],
        "notes": as_table(found).notes,
        "exports": {"CSV": as_csv(found), "Markdown": as_markdown(found), "LaTeX": as_latex(found)},
    }


def _charts(found: Findings, search: Search | None) -> dict[str, Any]:
    curves = [*learning.learning(found), *filter(None, [learning.cost(found)])]
    others = [name for name in found.results.metrics[1:] if name not in found.costs]
    return {
        "search": _search(search) if search else None,
        "seeds": _seeds(found, found.primary),
        "others": [chart for name in others for chart in _seeds(found, name)],
        "learning": curves,
        "series": [
            _key(place, label) for place, label in enumerate(found.labels) if found.values(found.primary, label)
        ],
        "factorials": list(factorials(found)),
        "best": next(iter(found.ranked(found.primary)), ""),
    }


def _seeds(found: Findings, metric: str) -> list[Chart]:
    if not found.ranked(metric):
        return []
    compared = [rows.differences(found, metric)] if found.differences.get(metric) else []
    return [rows.seeds(found, metric), *compared]


def _survived(search: Search) -> list[Chart]:
    gains = [gain for gain in search.gains if gain.confirmed]
    return [rows.survived(gains, search.metric)] if gains else []


def _search(search: Search) -> dict[str, Any]:
    """The search's charts, and its trials as a table."""
    trials = [
        {
            "number": trial["number"],
            "given": [value_text(trial["params"][path]) if path in trial["params"] else "–" for path in search.names],
            "value": "–" if trial["value"] is None else number(trial["value"], search.digits),
            "state": trial["state"],
            "reason": trial.get("reason") or "",
        }
        for trial in search.trials
    ]
    names, drawn = list(search.names.values()), [*search_charts.charts(search), *_survived(search)]
    drawn.sort(key=lambda chart: chart.span)  # the narrow ones first, so that none leaves a hole
    return {"charts": drawn, "names": names, "metric": search.metric, "trials": trials}


def _key(place: int, label: str) -> dict[str, Any]:
    """How a variant is drawn, for the key of the curves."""
    dash = DASHES[place // len(SERIES) % len(DASHES)]
    dashes = "" if isinstance(dash, str) else " ".join(str(2 * part) for part in dash[1])
    return {"number": place, "label": shown(label), "color": place % len(SERIES), "dash": dashes}


def _sections(context: dict[str, Any]) -> list[tuple[str, str]]:
    """Anchor and title of each section that the page has."""
    gallery = context["gallery"]
    has = {**context, "pictures": gallery.scenes or gallery.missing, "table": context["lines"]}
    has["factors"] = context["factorials"]
    titles = {**_TITLES, "table": "The confirmation"} if context["search"] else _TITLES
    return [(anchor, title) for anchor, title in titles.items() if has[anchor]]
