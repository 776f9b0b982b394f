"""Optuna's interactive plots of a search, on a page of their own: they bring megabytes of JavaScript."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from toonlab.utils.text import several

from .page import templates
from .search import Search, Trial, value_text

if TYPE_CHECKING:
    from optuna import Study
    from optuna.distributions import BaseDistribution
    from plotly.graph_objects import Figure

_CONTOURS = 4  # parameters; each is drawn by every other
_CONFIG = {"displaylogo": False, "responsive": True}
_LAYOUT = {"title": None, "margin": {"t": 40, "b": 40}}  # the page's headings are enough


def optuna_page(name: str, report: str, searches: Sequence[Search]) -> str:
    """A self-contained page: each search's parameters side by side, their contours, and the front of a Pareto search.

    Args:
        name: of the study.
        report: the file name of its report.
    """
    from plotly.io import to_html
    from plotly.offline import get_plotlyjs

    drawn = []
    for place, search in enumerate(each for each in searches if each.complete):
        figures = [
            (
                title,
                to_html(
                    figure.update_layout(_LAYOUT),
                    _CONFIG,
                    include_plotlyjs=False,
                    full_html=False,
                    div_id=f"plot-{place}-{number}",
                ),
            )
            for number, (title, figure) in enumerate(_figures(search))
        ]
        drawn.append((search, several(len(search.complete), "complete trial"), figures))
    page = templates().get_template("optuna.html.j2")
    return page.render(name=name, report=report, drawn=drawn, script=get_plotlyjs())


def _figures(search: Search) -> Iterator[tuple[str, Figure]]:
    from optuna import visualization

    study, objectives = as_study(search), list(search.record["objectives"])
    first: Any = {"target_name": search.metric}
    if objectives:
        first["target"] = lambda trial: trial.values[0]
        yield "The front", visualization.plot_pareto_front(study, target_names=objectives)
    tried = {path for trial in search.complete for path in trial["params"]}
    shown = [search.names[path] for path in search.names if path in tried]
    if len(shown) < 2:
        return
    yield "All parameters side by side", visualization.plot_parallel_coordinate(study, shown, **first)
    shares: Mapping[str, float] = search.record["importances"]
    important = sorted(tried, key=lambda path: (-shares.get(path, 0), list(search.names).index(path)))[:_CONTOURS]
    title = "Contours of the most important parameters" if len(tried) > _CONTOURS else "Contours"
    yield title, visualization.plot_contour(study, [search.names[path] for path in important], **first)


def as_study(search: Search) -> Study:
    """The search's complete and pruned trials as a study of Optuna's in memory, with short names of parameters."""
    import optuna

    objectives: Mapping[str, str] = search.record["objectives"]
    directions: Any = list(objectives.values()) or [search.record["objective"]["direction"]]
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)  # it would announce the study
    study = optuna.create_study(directions=directions, study_name=search.name)
    optuna.logging.set_verbosity(verbosity)
    kept = [trial for trial in search.trials if trial["state"] in ("complete", "pruned")]
    distributions = {path: _distribution(path, space, kept) for path, space in search.record["space"].items()}
    for trial in kept:
        values = [trial["values"][name] for name in objectives] or [trial["value"]]
        given = {path: value for path, value in trial["params"].items() if path in distributions}
        study.add_trial(
            optuna.trial.create_trial(
                state=optuna.trial.TrialState[trial["state"].upper()],
                values=values if trial["state"] == "complete" else None,
                params={search.names[p]: v if search.is_numeric(p) else value_text(v) for p, v in given.items()},
                distributions={search.names[path]: distributions[path] for path in given},
                intermediate_values={int(float(step)): v for step, v in trial["intermediate"].items()},
            )
        )
    return study


def _distribution(path: str, space: Mapping[str, Any], trials: Sequence[Trial]) -> BaseDistribution:
    """The range that was searched, widened to what was tried: a default may lie outside it."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    tried = [trial["params"][path] for trial in trials if path in trial["params"]]
    if space.get("choices") is not None:
        return CategoricalDistribution(sorted({value_text(value) for value in [*space["choices"], *tried]}))
    low, high = min([space["low"], *tried]), max([space["high"], *tried])
    log = bool(space.get("log"))
    return IntDistribution(low, high, log=log) if space.get("integer") else FloatDistribution(low, high, log=log)
