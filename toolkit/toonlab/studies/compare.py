"""Compare recipes over seeds: every cell is a run of its own; cells that have finished are not run again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from toonlab.engine.train import test_evaluator
from toonlab.errors import ToonlabError
from toonlab.images.folders import picture_stem
from toonlab.images.io import save_png, to_picture
from toonlab.registry.catalogue import Catalogue
from toonlab.runs.directory import read_outcome, what_changed
from toonlab.utils import paths
from toonlab.utils.text import several

from . import timing
from .common import (
    check_fixed,
    check_measurable,
    command,
    experiment_data,
    initial_results,
    process_options,
    run_looks,
)
from .executors.cell import Cell, CellSpec, cells_of, first_of_each
from .executors.display import Display
from .executors.options import ExecutionOptions, session
from .plan.budget import allot, allotted, trained_of
from .plan.experiment import baseline_of, baselines_of, floors_of, plan_cells, read_experiment
from .plan.looks import decisions, next_cells
from .plan.needs import missing, training_time
from .results import pilot, registration
from .results.results import StudyResults

_DEFAULTS = ExecutionOptions()


def compare(
    experiment: str,
    catalogue: Catalogue,
    options: ExecutionOptions = _DEFAULTS,
    *,
    seeds: int | None = None,
    until_decided: bool = False,
    register: bool = False,
    overrides: Mapping[str, Any] | None = None,
    display: Display | None = None,
) -> StudyResults:
    """Run every cell of an experiment that has not finished, and write the table and the pictures.

    A study that decides on its seeds runs them look by look, those of the variants that are undecided.

    Arguments and errors are those of `toonlab.api.study.compare`; `overrides` maps dotted paths to values.
    """
    study = _Study(experiment, catalogue, options, seeds, until_decided, overrides or {})
    study.check_metrics()
    display, directory = display or Display(), study.directory
    with session(options.make(study.plan.executor, catalogue)) as connect:
        clock = partial(timing.measure, catalogue=catalogue, directory=directory, connect=connect, display=display)
        cells = study.cells(clock)
        results = study.results()
        if register:
            registration.register(results.with_cells([cell.waiting for cell in cells]))
        settings = process_options(results, options, study.plan.time_limit)
        return run_looks(results, cells, connect, settings, display)


class _Study:
    """An experiment's plan: its cells, and its results before anything has run."""

    def __init__(
        self,
        experiment: str,
        catalogue: Catalogue,
        options: ExecutionOptions,
        seeds: int | None,
        until_decided: bool,
        overrides: Mapping[str, Any],
    ) -> None:
        self.plan, self.path = read_experiment(experiment, seeds, until_decided=until_decided)
        self.catalogue, self.options, self.overrides = catalogue, options, overrides
        self.specs = plan_cells(self.plan, self.path, overrides, catalogue)
        self.directory = options.runs / paths.study_of(self.path)

    def check_metrics(self) -> None:
        """Check that the primary metric and the guards can be measured on the data."""
        metrics = self.plan.metrics
        named = [("primary", metrics.primary), *(("guards", name) for name in metrics.guards)]
        for where, name in named:
            if name:
                check_measurable(self.specs[0].recipe, self.catalogue, name, f"{self.path}: metrics.{where}")

    def cells(self, clock: Callable[[Sequence[CellSpec]], Mapping[str, float]] | None = None) -> list[Cell]:
        """Its cells; without a clock (see `allot`), those whose steps are known."""
        clock = clock or partial(timing.kept, catalogue=self.catalogue, directory=self.directory)
        known = allot(self.plan, self.path, self.specs, self.catalogue, clock)
        self.steps = allotted(self.plan, known)
        cells = cells_of(known, self.catalogue)
        check_fixed(cells, self.catalogue, self.directory)
        return cells

    def timings(self) -> Mapping[str, float]:
        """The seconds per step that were measured for a budget, by the variants' labels."""
        if not (self.directory / timing.FILE).exists():
            return {}
        return timing.kept(list(trained_of(self.specs).values()), self.catalogue, self.directory)

    def results(self) -> StudyResults:
        """Its results without cells; after `cells`, which decides on the steps."""
        plan = self.plan
        results = initial_results(
            self.directory,
            [spec.recipe for spec in self.specs],
            self.catalogue,
            plan.metrics.costs,
            about=plan.about,
            asked=experiment_data(self.path, self.overrides),
            command=self.options.command or command(),
            baseline=baseline_of(plan, self.specs),
            baselines=baselines_of(plan, self.specs),
            guards=plan.metrics.guards,
            margin=plan.margin,
            floors=floors_of(self.specs, self.catalogue),
            max_seeds=plan.decide.max_seeds if plan.decide else None,
            factors=plan.levels,
            design=plan.design,
            budget=plan.budget,
            steps=self.steps,
        )
        if plan.budget == "seconds":
            results = replace(results, caveats={**results.caveats, "seconds": timing.CAVEAT})
        return results


def explain(
    experiment: str,
    catalogue: Catalogue,
    options: ExecutionOptions = _DEFAULTS,
    *,
    seeds: int | None = None,
    until_decided: bool = False,
    overrides: Mapping[str, Any] | None = None,
    step_time: float | None = None,
) -> Iterator[str]:
    """A line for each cell: that it has finished, or why it has to run; and one on the training's time. Nothing runs.

    Of a study that decides on its seeds, the cells up to the next look, and a line for each variant that is decided.
    Files that are missing have a line each; the cells are left out if they are unknown without them.

    Args:
        step_time: seconds per step, in place of measured ones.
    """
    study = _Study(experiment, catalogue, options, seeds, until_decided, overrides or {})
    needed = missing((spec.recipe for spec in first_of_each(study.specs).values()), catalogue)
    yield from (f"missing: {thing}: {text}" for thing, text in needed.items())
    try:
        lines = list(_cell_lines(study, step_time))
    except ToonlabError:
        if not needed:
            raise
        lines = [f"{several(len(study.specs), 'run')} can begin when nothing is missing"]
        lines += training_time(study.specs, [], catalogue, {}, step_time, complete=False)
    yield from lines


def _cell_lines(study: _Study, step_time: float | None) -> Iterator[str]:
    cells, directory = study.cells(), study.directory
    results = study.results()
    while wanted := next_cells(results, cells):
        yield from (f"{cell.label}: {_state(cell, directory)}" for cell in wanted)
        results = results.with_cells([*results.cells, *(cell.result(directory) for cell in wanted)])
        if any(cell.status != "finished" for cell in results.cells):
            break
    known = {cell.label for cell in cells}
    for spec in study.specs:
        if spec.label not in known:
            yield f"{spec.label}: has not run yet; a step has to be timed first"
    if results.max_seeds:
        yield from decisions(results)
    asked = {cell.label for cell in results.cells}
    specs, finished = [c.spec for c in cells if c.label in asked], [c for c in results.cells if c.status == "finished"]
    yield from training_time(specs, finished, study.catalogue, study.timings(), step_time, complete=True)


def plan_seeds(
    experiment: str,
    catalogue: Catalogue,
    delta: float,
    options: ExecutionOptions = _DEFAULTS,
    *,
    until_decided: bool = False,
    overrides: Mapping[str, Any] | None = None,
) -> Iterator[str]:
    """Lines on the seeds and the time that a difference of `delta` takes, by the finished cells; see `pilot.plan`."""
    study = _Study(experiment, catalogue, options, None, until_decided, overrides or {})
    results = [cell.result(study.directory) for cell in study.cells()]
    return pilot.plan(study.results(), [result for result in results if result.status == "finished"], delta)


def _state(cell: Cell, directory: Path) -> str:
    outcome = read_outcome(directory / cell.run)
    if outcome and outcome.status == "finished":
        return f"finished ({cell.run})"
    if (directory / cell.run).is_dir():
        last = f"{outcome.status}: {outcome.reason}" if outcome else "its process was killed"
        return f"begun, continues from its last checkpoint ({last})"
    recipe = cell.spec.recipe
    others = sorted(directory.glob(f"{recipe.name}-s{recipe.train.seed}-*"), key=lambda path: path.stat().st_mtime)
    if not others:
        return "has not run yet"
    return f"has to run: {what_changed(others[-1], cell.identity)} since {others[-1].name}"


def write_photos(
    experiment: str, catalogue: Catalogue, out: Path, overrides: Mapping[str, Any] | None = None
) -> list[Path]:
    """Write the photos on which an experiment's first recipe is measured, under their names, for other programs.

    Raises:
        ToonlabError: if a file exists already, or can't be written.
    """
    plan, path = read_experiment(experiment)
    recipe = plan_cells(plan, path, overrides or {}, catalogue)[0].recipe
    samples = test_evaluator(recipe, catalogue, recipe.evaluate.samples).samples
    targets = [out / f"{picture_stem(sample.name)}.png" for sample in samples]
    for target, count in Counter(targets).items():
        if target.exists() or count > 1:
            reason = "exists already; choose another folder" if target.exists() else "is the name of several photos"
            raise ToonlabError(f"{target}: {reason}")
    for target, sample in zip(targets, samples, strict=True):
        save_png(target, to_picture(sample.photo))
    return targets
