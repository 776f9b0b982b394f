"""Optuna's interactive plots of a search, on a page of their own: they bring megabytes of JavaScript."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import isfinite
from typing import TYPE_CHECKING, Any

from toonlab.utils.text import several

from .page import templates
from .search import Search, Trial, value_text

if TYPE_CHECKING:
    from optuna import Study
    from optuna.distributions import BaseDistribution
    from plotly.graph_objects import Figure

_CONTOURS = 4  # parameters; each is drawn by every other
_ROW = 220  # px: the height of a row of them, in which the name of a parameter has room
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
        names = objectives[:3]  # as many as a plot has axes
        plot = visualization.plot_pareto_front(study, target_names=names, targets=lambda t: t.values[: len(names)])
        yield "The front", plot
    tried = {path for trial in search.complete for path in trial["params"]}
    shown = [search.names[path] for path in search.names if path in tried]
    if len(shown) < 2:
        return
    yield "All parameters side by side", visualization.plot_parallel_coordinate(study, shown, **first)
    shares: Mapping[str, float] = search.record["importances"]
    important = sorted(tried, key=lambda path: (-shares.get(path, 0), list(search.names).index(path)))[:_CONTOURS]
    title = "Contours of the most important parameters" if len(tried) > _CONTOURS else "Contours"
    contours = visualization.plot_contour(study, [search.names[path] for path in important], **first)
    yield title, contours.update_layout(height=max(450, _ROW * len(important)))


def as_study(search: Search) -> Study:
    """The search's complete and pruned trials as a study of Optuna's in memory, with short names of parameters."""
    import optuna

    objectives: Mapping[str, str] = search.record["objectives"]
    directions: Any = list(objectives.values()) or [search.record["objective"]["direction"]]
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)  # it would announce the study
    study = optuna.create_study(directions=directions, study_name=search.name)
    optuna.logging.set_verbosity(verbosity)
    kept = [trial for trial in search.trials if trial["state"] == "pruned" or search.is_complete(trial)]
    distributions = {path: _distribution(search, path, kept) for path in search.record["space"]}
    for trial in kept:
        given = {path: trial["params"][path] for path in distributions if _is_drawn(search, path, trial)}
        study.add_trial(
            optuna.trial.create_trial(
                state=optuna.trial.TrialState[trial["state"].upper()],
                values=search.values(trial) if search.is_complete(trial) else None,
                params={search.names[p]: v if search.is_numeric(p) else value_text(v) for p, v in given.items()},
                distributions={search.names[path]: distributions[path] for path in given},
                intermediate_values={int(float(step)): v for step, v in trial["intermediate"].items()},
            )
        )
    return study


def _distribution(search: Search, path: str, trials: Sequence[Trial]) -> BaseDistribution:
    """The range that was searched, widened to what was tried: a default may lie outside it."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    space = search.record["space"][path]
    tried = [trial["params"][path] for trial in trials if _is_drawn(search, path, trial)]
    if not search.is_numeric(path):
        return CategoricalDistribution(sorted({value_text(value) for value in [*space["choices"], *tried]}))
    low, high = min([space["low"], *tried]), max([space["high"], *tried])
    whole = space.get("integer") and all(isinstance(value, int) for value in tried)
    return (IntDistribution if whole else FloatDistribution)(low, high, log=bool(space.get("log")))


def _is_drawn(search: Search, path: str, trial: Trial) -> bool:
    """Whether a trial's value has a place on a parameter's axis: a default may be off, or 0 on a logarithmic one."""
    if path not in trial["params"] or not search.is_numeric(path):
        return path in trial["params"]
    value = trial["params"][path]
    return (
        isinstance(value, int | float)
        and isfinite(value)
        and (value > 0 or not search.record["space"][path].get("log"))
    )
