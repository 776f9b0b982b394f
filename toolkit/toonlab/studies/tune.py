"""Search for the best parameters of recipes: trials by Optuna, each of a few runs, and a confirmation on new seeds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from itertools import product
from pathlib import Path
from statistics import fmean
from typing import Any

from optuna.trial import FrozenTrial, TrialState

from toonlab.errors import ToonlabError
from toonlab.registry.catalogue import Catalogue
from toonlab.runs.directory import make_directory
from toonlab.stats.verdicts import LOOKS
from toonlab.utils import paths
from toonlab.utils.databases import sqlite_url
from toonlab.utils.text import without_password

from . import saving
from . import trials as search_trials
from .common import check_measurable, command, experiment_data, initial_results, process_options, run_looks
from .executors.cell import cells_of
from .executors.display import Display
from .executors.driver import Driver, locked, vanished
from .executors.options import Connect, ExecutionOptions, session
from .executors.progress import StudyProgress
from .optuna_study import OptunaStudy, first_number
from .plan.finals import finals_of
from .plan.search import SearchSpec, read_search
from .plan.search_plan import SearchPlan, plans_of, pruner, sampler
from .results import searches
from .results.results import Direction, SearchResult, SearchTrial, StudyResults
from .results.results import TrialState as State
from .trials import TrialSource

_STATES: Mapping[TrialState, State] = {
    TrialState.WAITING: "waiting",
    TrialState.RUNNING: "running",
    TrialState.COMPLETE: "complete",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
}
_DEFAULTS = ExecutionOptions()


def tune(
    search: str,
    catalogue: Catalogue,
    options: ExecutionOptions = _DEFAULTS,
    *,
    trials: int | None = None,
    until_decided: bool = False,
    storage: str | None = None,
    overrides: Mapping[str, Any] | None = None,
    save: str | None = None,
    display: Display | None = None,
) -> StudyResults:
    """Search recipe by recipe, then run the finals on new seeds; see `finals_of`. A search that was stopped is resumed.

    A trial's value is the mean over its seeds of the objective, on the evaluation samples at the end of its runs; the
    samples on which results are reported (a `test` split) are kept for the confirmation.

    Arguments and errors are those of `toonlab.api.study.tune`; `overrides` maps dotted paths to values.
    """
    spec, path = read_search(search, trials)
    files = saving.targets(spec, save) if save is not None else []
    saving.check_free(files)
    plans = _plans(spec, path, catalogue, overrides or {})
    directory, display = options.runs / paths.study_of(path), display or Display()
    make_directory(directory)
    results = initial_results(
        directory,
        [plan.base for plan in plans],
        catalogue,
        kind="tune",
        about=spec.about,
        asked=experiment_data(path, overrides or {}),
        command=options.command or command(),
        guards=spec.metrics[1:],
        margin=spec.confirm.margin,
        max_seeds=max(LOOKS) if until_decided else None,
    )
    with session(options.make(spec.executor, catalogue)) as connect:
        with _there(directory), locked(directory):  # its running trials are no other program's
            found = [
                _search(plan, results, storage, connect, options, display, alone=not spec.recipes) for plan in plans
            ]
        finals = finals_of(spec, plans, found, results.max_seeds or spec.confirm.seeds)
        first, *further = finals.searches
        results = replace(results, search=first, further=further, baseline=finals.baseline, baselines=finals.baselines)
        settings = process_options(results, options, spec.time_limit, first.study if not further else None)
        results = run_looks(results, cells_of(finals.specs, catalogue), connect, settings, display)
    if files:
        saving.save(files, plans, results)
    return results


def _plans(spec: SearchSpec, path: Path, catalogue: Catalogue, overrides: Mapping[str, Any]) -> list[SearchPlan]:
    """The plans of all recipes, whose data allow the metrics of the objectives."""
    plans = plans_of(spec, path, catalogue, overrides)
    where = "objectives" if spec.objectives else "objective.metric"
    for plan, metric in product(plans, spec.metrics):
        check_measurable(plan.base, catalogue, metric, f"{path}: {where}")
    return plans


@contextmanager
def _there(directory: Path) -> Iterator[None]:
    """Within, an error that comes of the directory's deletion says so."""
    try:
        yield
    except Exception as error:
        if directory.is_dir():
            raise
        raise ToonlabError(vanished(directory)) from error


def _search(
    plan: SearchPlan,
    results: StudyResults,
    storage: str | None,
    connect: Connect,
    options: ExecutionOptions,
    display: Display,
    *,
    alone: bool,
) -> SearchResult:
    """Run the trials of a recipe that are missing, in its own Optuna study; one that was changed is another study."""
    directory = results.directory
    name = "-".join([results.name, *([] if alone else [plan.base.name]), plan.digest[:8]])
    with OptunaStudy(
        storage or sqlite_url(directory / "optuna.db"),
        name,
        maximize=plan.maximize,
        sampler=sampler(plan.search),
        pruner=pruner(plan.search),
    ) as study:
        study.stopping = lambda: None if directory.is_dir() else vanished(directory)
        progress = StudyProgress(results, write=False)
        source = TrialSource(study, plan, progress)
        source.fill(1)
        if source.waiting:
            settings = process_options(results, options, plan.search.time_limit, study.name)
            driver = Driver(connect(), progress, settings)
            study.stopping = lambda: driver.stopping or driver.lost
            driver.run(source, display)
        return search_result(plan, study)


def search_result(plan: SearchPlan, study: OptunaStudy) -> SearchResult:
    """A search's trials and the importances of its parameters."""
    search = plan.search
    trials = [_search_trial(trial, plan) for trial in search_trials.reported(study.trials())]
    space = {dotted: found.to_json() for dotted, found in plan.space.items()}
    ways: list[Direction] = ["maximize" if higher else "minimize" for higher in plan.maximize]
    directions = dict(zip(search.metrics, ways, strict=True))
    best = [] if search.objectives else searches.ranked(trials, higher=search.maximize)  # of a front, none is the best
    return SearchResult(
        recipe=plan.base.name,
        objective={"metric": search.metrics[0], "direction": directions[search.metrics[0]]},
        objectives=directions if search.objectives else {},
        front=searches.front(trials, directions) if search.objectives else [],
        control=search.control,
        budget={plan.unit: plan.amount},
        space=space,
        sampler=search.sampler,
        pruner=search.pruner,
        seeds_per_trial=search.seeds_per_trial,
        default=plan.default,
        trials=trials,
        importances=study.importances(),
        expected=searches.expected(trials, higher=search.maximize) if best else [],
        edges=searches.edges(best, space),
        storage=without_password(study.url),
        study=study.name,
    )


def _search_trial(trial: FrozenTrial, plan: SearchPlan) -> SearchTrial:
    values = (trial.values or []) if trial.state == TrialState.COMPLETE else []  # of pruned ones, the last report
    attributes, told = trial.user_attrs, {str(step): value for step, value in trial.intermediate_values.items()}
    return SearchTrial(
        number=first_number(trial),
        params=search_trials.params_of(trial, plan),
        default=bool(attributes.get(search_trials.DEFAULT)),
        state="infeasible" if attributes.get(search_trials.INFEASIBLE) else _STATES[trial.state],
        value=next(iter(values), None),
        values=dict(zip(plan.search.metrics, values, strict=True)) if plan.search.objectives and values else {},
        seeds=(seeds := attributes.get(search_trials.SEEDS, {})),
        intermediate=_means(seeds) if plan.search.pruner == "wilcoxon" else told,
        seconds=attributes.get(search_trials.SECONDS),
        reason=attributes.get(search_trials.REASON),
    )


def _means(seeds: Mapping[str, float]) -> dict[str, float]:
    """Where the pruner knows the scenes alone."""
    values = list(seeds.values())
    return {str(1000 * count): fmean(values[:count]) for count in range(1, len(values))}
