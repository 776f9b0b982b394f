"""Compare recipes over seeds: every cell is a run of its own; cells that have finished are not run again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
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

from . import timing
from .common import (
    check_fixed,
    check_measurable,
    command,
    experiment_data,
    initial_results,
    process_options,
    run_cells,
)
from .executors.cell import Cell, cells_of
from .executors.display import Display
from .executors.options import ExecutionOptions, session
from .plan.budget import allot, allotted
from .plan.experiment import baseline_of, plan_cells, read_experiment
from .results.results import StudyResults

_DEFAULTS = ExecutionOptions()


def compare(
    experiment: str,
    catalogue: Catalogue,
    options: ExecutionOptions = _DEFAULTS,
    *,
    seeds: int | None = None,
    overrides: Mapping[str, Any] | None = None,
    display: Display | None = None,
) -> StudyResults:
    """Run every cell of an experiment that has not finished, and write the table and the pictures.

    Arguments and errors are those of `toonlab.api.study.compare`; `overrides` maps dotted paths to values.
    """
    plan, path = read_experiment(experiment, seeds)
    specs = plan_cells(plan, path, overrides or {}, catalogue)
    display, directory = display or Display(), options.runs / paths.study_of(path)
    if plan.metrics.primary:
        check_measurable(specs[0].recipe, catalogue, plan.metrics.primary, f"{path}: metrics.primary")

    with session(options.make(plan.executor, catalogue)) as connect:
        clock = partial(timing.measure, catalogue=catalogue, directory=directory, connect=connect, display=display)
        specs = allot(plan, path, specs, catalogue, clock)
        cells = cells_of(specs, catalogue)
        check_fixed(cells, catalogue, directory)
        results = initial_results(
            directory,
            [spec.recipe for spec in specs],
            catalogue,
            plan.metrics.costs,
            cells=[cell.waiting for cell in cells],
            about=plan.about,
            asked=experiment_data(path, overrides or {}),
            command=options.command or command(),
            baseline=baseline_of(plan, specs),
            factors=plan.levels,
            design=plan.design,
            budget=plan.budget,
            steps=allotted(plan, specs),
        )
        if plan.budget == "seconds":
            results = replace(results, caveats={**results.caveats, "seconds": timing.CAVEAT})
        return run_cells(results, cells, connect, process_options(results, options, plan.time_limit), display)


def explain(
    experiment: str,
    catalogue: Catalogue,
    options: ExecutionOptions = _DEFAULTS,
    *,
    seeds: int | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> Iterator[str]:
    """A line for each cell: that it has finished, or why it has to run. Nothing runs."""
    plan, path = read_experiment(experiment, seeds)
    specs = plan_cells(plan, path, overrides or {}, catalogue)
    directory = options.runs / paths.study_of(path)
    known = allot(plan, path, specs, catalogue, partial(timing.kept, catalogue=catalogue, directory=directory))
    cells = cells_of(known, catalogue)
    check_fixed(cells, catalogue, directory)
    states = {cell.label: _state(cell, directory) for cell in cells}
    for spec in specs:
        yield f"{spec.label}: {states.get(spec.label, 'has not run yet; a step has to be timed first')}"


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
    plan, path = read_experiment(experiment, seeds=1)
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
