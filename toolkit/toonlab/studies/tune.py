"""Search for the best parameters of a recipe: trials by Optuna, each of a few runs, and a confirmation on new seeds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from optuna.trial import FrozenTrial, TrialState

from toonlab.errors import ToonlabError
from toonlab.registry.catalogue import Catalogue
from toonlab.runs.directory import make_directory
from toonlab.utils import paths
from toonlab.utils.databases import sqlite_url
from toonlab.utils.text import without_password

from . import trials as search_trials
from .common import check_measurable, command, experiment_data, initial_results, process_options, run_cells
from .executors.cell import cells_of
from .executors.display import Display
from .executors.driver import Driver, locked, vanished
from .executors.options import Connect, ExecutionOptions, session
from .executors.process import ProcessOptions
from .executors.progress import StudyProgress
from .optuna_study import OptunaStudy, first_number
from .plan.search import read_search
from .plan.search_plan import SearchPlan, pruner, sampler
from .results.results import SearchResult, SearchTrial, StudyResults
from .results.results import TrialState as State
from .trials import TrialSource, ranked

CONFIRMATION = 1000  # the first seed of a confirmation: far from those of a search
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
    storage: str | None = None,
    overrides: Mapping[str, Any] | None = None,
    display: Display | None = None,
) -> StudyResults:
    """Search, then run the best few trials and the default on new seeds. A search that was stopped is resumed.

    A trial's value is the mean over its seeds of the objective, on the evaluation samples at the end of its runs; the
    samples on which results are reported (a `test` split) are kept for the confirmation.

    Arguments and errors are those of `toonlab.api.study.tune`; `overrides` maps dotted paths to values.
    """
    spec, path = read_search(search, trials)
    plan = SearchPlan(spec, path, catalogue, overrides or {})
    check_measurable(plan.base, catalogue, spec.objective.metric, f"{path}: objective.metric")
    directory, display = options.runs / paths.study_of(path), display or Display()
    make_directory(directory)
    results = initial_results(
        directory,
        [plan.base],
        catalogue,
        kind="tune",
        about=spec.about,
        asked=experiment_data(path, overrides or {}),
        command=options.command or command(),
        margin=spec.confirm.margin,
    )
    with session(options.make(spec.executor, catalogue)) as connect:
        with (
            _there(directory),
            locked(directory),
            _study(plan, results, storage) as study,
        ):  # its running trials are no other program's
            study.stopping = lambda: None if directory.is_dir() else vanished(directory)
            _run_trials(study, plan, results, connect, options, display)
            results = replace(results, search=search_result(plan, study))
            complete = ranked(study.trials(), maximize=spec.maximize)
            best = [search_trials.params_of(trial, plan) for trial in complete]
        settings = process_options(results, options, spec.time_limit, study.name)
        return _confirm(results, plan, best, connect, settings, display)


@contextmanager
def _there(directory: Path) -> Iterator[None]:
    """Within, an error that comes of the directory's deletion says so."""
    try:
        yield
    except Exception as error:
        if directory.is_dir():
            raise
        raise ToonlabError(vanished(directory)) from error


def _study(plan: SearchPlan, results: StudyResults, storage: str | None) -> OptunaStudy:
    """The search's Optuna study; a search that was changed is another study."""
    return OptunaStudy(
        storage or sqlite_url(results.directory / "optuna.db"),
        f"{results.name}-{plan.digest[:8]}",
        maximize=plan.search.maximize,
        sampler=sampler(plan.search),
        pruner=pruner(plan.search),
    )


def _run_trials(
    study: OptunaStudy,
    plan: SearchPlan,
    results: StudyResults,
    connect: Connect,
    options: ExecutionOptions,
    display: Display,
) -> None:
    progress = StudyProgress(results, write=False)
    source = TrialSource(study, plan, progress)
    source.fill(1)
    if source.waiting:
        settings = process_options(results, options, plan.search.time_limit, study.name)
        driver = Driver(connect(), progress, settings)
        study.stopping = lambda: driver.stopping or driver.lost
        driver.run(source, display)


def _confirm(
    results: StudyResults,
    plan: SearchPlan,
    ranking: list[dict[str, Any]],
    connect: Connect,
    options: ProcessOptions,
    display: Display,
) -> StudyResults:
    """Run the default and the best other parameters, on seeds that the search has not used."""
    best = [params for place, params in enumerate(ranking) if params != plan.default and params not in ranking[:place]]
    variants, confirm = [plan.default, *best[: plan.search.confirm.top]], plan.search.confirm
    seeds = range(CONFIRMATION, CONFIRMATION + confirm.seeds)
    specs = [plan.spec(params, seed) for seed in seeds for params in variants]
    cells = cells_of(specs, plan.catalogue)
    results = replace(results, cells=[cell.waiting for cell in cells], baseline=specs[0].variant.label)
    return run_cells(results, cells, connect, options, display)


def search_result(plan: SearchPlan, study: OptunaStudy) -> SearchResult:
    """A search's trials and the importances of its parameters."""
    search = plan.search
    return SearchResult(
        recipe=plan.base.name,
        objective=dict(vars(search.objective)),
        space={dotted: found.to_json() for dotted, found in plan.space.items()},
        sampler=search.sampler,
        pruner=search.pruner,
        seeds_per_trial=search.seeds_per_trial,
        default=plan.default,
        trials=[_search_trial(trial, plan) for trial in search_trials.reported(study.trials())],
        importances=study.importances(),
        storage=without_password(study.url),
        study=study.name,
    )


def _search_trial(trial: FrozenTrial, plan: SearchPlan) -> SearchTrial:
    attributes = trial.user_attrs
    return SearchTrial(
        number=first_number(trial),
        params=search_trials.params_of(trial, plan),
        default=bool(attributes.get(search_trials.DEFAULT)),
        state="infeasible" if attributes.get(search_trials.INFEASIBLE) else _STATES[trial.state],
        value=trial.value if trial.state == TrialState.COMPLETE else None,  # Optuna gives pruned ones their last report
        seeds=attributes.get(search_trials.SEEDS, {}),
        intermediate={str(step): value for step, value in trial.intermediate_values.items()},
        seconds=attributes.get(search_trials.SECONDS),
        reason=attributes.get(search_trials.REASON),
    )
