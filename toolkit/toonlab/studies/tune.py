"""Search what a recipe does best with: trials by Optuna, each a few runs, and a confirmation on fresh seeds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from optuna.trial import FrozenTrial, TrialState

from toonlab.registry.catalogue import Catalogue
from toonlab.runs.directory import make_directory
from toonlab.utils import paths, yaml
from toonlab.utils.text import without_password

from .common import check_measurable, laid_out, tasks_of
from .compare import run_cells, write_samples
from .executors.display import Silent, View
from .executors.options import HERE, ExecutionOptions
from .executors.pool import Crew, slots
from .executors.process import prepare
from .executors.progress import Board
from .plan.experiment import Planned
from .plan.search import read_search
from .plan.search_plan import Plan
from .results.results import Results
from .storage import Storage
from .trials import DEFAULT, INFEASIBLE, REASON, SECONDS, SEEDS, Trials, ranked, told

FRESH = 1000  # the first seed of a confirmation: far from those of a search
_STATES = {TrialState.COMPLETE: "complete", TrialState.PRUNED: "pruned", TrialState.FAIL: "failed"}


def tune(
    name: str,
    catalogue: Catalogue,
    options: ExecutionOptions = HERE,
    *,
    trials: int | None = None,
    overrides: Mapping[str, Any] | None = None,
    display: View | None = None,
) -> Results:
    """Search, then run the best few trials and the default on fresh seeds. A search that was stopped goes on.

    A trial's value is the mean over its seeds of the objective, on the evaluation samples at the end of its runs; the
    samples that results are reported on (a `test` split) are kept for the confirmation.

    Args:
        name: an experiment on the shelf, or a path.
        trials: instead of the experiment's.
        overrides: dotted path -> value, for the recipe where it has the path.
        options: where the runs execute.
        display: what shows the search while it runs.

    Raises:
        RecipeError: with everything that is wrong, before anything runs.
        ToonlabError: if the storage can't be reached.
        Interrupted: after SIGINT or SIGTERM, when the runs under way have saved and stopped.
    """
    search, path = read_search(name, trials)
    plan = Plan(search, path, catalogue, overrides or {})
    check_measurable(plan.base, catalogue, search.objective.metric, f"{path}: objective.metric")
    prepare([plan.base], catalogue)
    directory = options.runs / paths.study_of(path)
    make_directory(directory)
    url = options.storage or f"sqlite:///{(directory / 'optuna.db').resolve().as_posix()}"
    asked = {**yaml.load_file(path), **({"overrides": dict(overrides)} if overrides else {})}
    typed = options.command or ""
    results = laid_out(directory, [plan.base], catalogue, kind="tune", about=search.about, asked=asked, command=typed)
    board = Board(results, keep=False)
    with plan.storage(url, paths.study_of(path), options.stale_after) as storage:
        crew = Crew(
            board, directory, slots(options.device, options.jobs), search.time_limit, storage.name, options.tracking_uri
        )
        work = Trials(storage, plan, board, directory)
        crew.work(work, display or Silent())
        results = replace(results, search=found(plan, storage, work))
        best = [work.chosen(trial) for trial in ranked(storage.trials(), search.maximize)]
    return _confirm(results, plan, best, options, display or Silent())


def _confirm(results: Results, plan: Plan, top: list[dict[str, Any]], options: ExecutionOptions, view: View) -> Results:
    """The default and the best of the trials' parameters that are not, on seeds that the search has not seen."""
    best = [chosen for index, chosen in enumerate(top) if chosen != plan.default and chosen not in top[:index]]
    variants = [plan.default, *best[: plan.search.confirm.top]]
    seeds = range(FRESH, FRESH + plan.search.confirm.seeds)
    cells: list[Planned] = [plan.planned(chosen, seed) for seed in seeds for chosen in variants]
    tasks = tasks_of(cells, plan.catalogue, options.runs, results.name)
    baseline = cells[0].variant.label
    results = replace(results, cells=[task.cell for task in tasks], baseline=baseline)
    results = run_cells(results, tasks, options, plan.search.time_limit, view)
    if not options.joined:
        write_samples(results, plan.catalogue, options.device)
    return results


def found(plan: Plan, storage: Storage, work: Trials) -> dict[str, Any]:
    """What the search has found, as JSON: see `Results.search`."""
    search, trials = plan.search, storage.trials()
    return {
        "recipe": plan.base.name,
        "objective": vars(search.objective),
        "space": {dotted: range_.to_json() for dotted, range_ in plan.space.items()},
        "sampler": search.sampler,
        "pruner": search.pruner,
        "seeds_per_trial": search.seeds_per_trial,
        "default": plan.default,
        "trials": [_told(trial, work) for trial in told(trials)],
        "importances": storage.importances(),
        "storage": without_password(storage.url),
        "study": storage.name,
    }


def _told(trial: FrozenTrial, work: Trials) -> dict[str, Any]:
    attributes = trial.user_attrs
    state = "infeasible" if attributes.get(INFEASIBLE) else _STATES.get(trial.state, trial.state.name.lower())
    return {
        "number": trial.number,
        "params": work.chosen(trial),
        "default": bool(attributes.get(DEFAULT)),
        "state": state,
        "value": trial.value,
        "seeds": attributes.get(SEEDS, {}),
        "intermediate": {str(step): value for step, value in trial.intermediate_values.items()},
        "seconds": attributes.get(SECONDS),
        "reason": attributes.get(REASON),
    }
