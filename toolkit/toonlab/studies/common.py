"""Parts that comparisons and searches share: checks before they run, execution of their cells, sample pictures."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from toonlab.engine.evaluator import caveats
from toonlab.engine.profiling import COSTS
from toonlab.engine.train import measurable, test_evaluator
from toonlab.errors import ToonlabError
from toonlab.images.grid import grid
from toonlab.images.io import write_png
from toonlab.recipes.spec import Recipe
from toonlab.registry.catalogue import Catalogue
from toonlab.registry.executors import Slot
from toonlab.registry.schema import Typed
from toonlab.runs.directory import make_directory, sweep
from toonlab.utils import yaml

from . import timing
from .executors.cell import Cell, finished_before, of_each_variant
from .executors.display import Display
from .executors.driver import CellList, Driver, locked
from .executors.options import Connect, ExecutionOptions
from .executors.process import ProcessOptions
from .executors.progress import StudyProgress
from .plan.looks import next_cells
from .results.gallery import sample_rows
from .results.results import StudyResults

_HIGHER_IS_BETTER = {name: name == "images_per_second" for name in (*COSTS, "seconds")}


def check_fixed(cells: Sequence[Cell], catalogue: Catalogue, directory: Path) -> None:
    """Check the non-learned baselines that have not finished: another program's picture may be missing.

    Raises:
        ToonlabError: with a line for each that can't be measured.
    """
    waiting = [c.spec for c in cells if not c.spec.recipe.stages and c.result(directory).status != "finished"]

    def check(recipe: Recipe) -> None:
        measurable(recipe, catalogue, lambda: test_evaluator(recipe, catalogue, recipe.evaluate.samples).samples)

    of_each_variant(waiting, check)


def check_measurable(recipe: Recipe, catalogue: Catalogue, metric: str, source: str) -> None:
    """Check that a metric can be measured on a recipe's data.

    Raises:
        ToonlabError: if not; the text begins with `source`.
    """
    metrics = [part for part in recipe.evaluate.metrics if part.use == metric]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        evaluator = test_evaluator(recipe, catalogue, 1, metrics)
    if metric not in evaluator.metrics:
        reasons = [str(warning.message) for warning in caught] or [f"metric {metric!r} is left out"]
        raise ToonlabError(f"{source}: {reasons[0]}; give another metric")


def initial_results(
    directory: Path, recipes: Sequence[Recipe], catalogue: Catalogue, costs: Sequence[str] = (), **known: Any
) -> StudyResults:
    """The results of a study before anything has run; `known` are further fields of `StudyResults`."""
    metrics = {part.use: part for recipe in recipes for part in recipe.evaluate.metrics}
    directions = {name: part.make(catalogue).higher_is_better for name, part in metrics.items()}
    return StudyResults(
        name=directory.name,
        directory=directory,
        metrics=[*metrics, *costs],
        higher={**_HIGHER_IS_BETTER, **directions},
        caveats=caveats(list(metrics.values()), catalogue),
        **{"cells": [], "command": command(), **known},
    )


def command() -> str:
    """The command line of this program."""
    return " ".join([Path(sys.argv[0]).name, *sys.argv[1:]])


def experiment_data(path: Path, overrides: Mapping[str, Any]) -> dict[str, Any]:
    """An experiment's file as data, with the overrides of the command line."""
    given = {name: _shown(value) for name, value in overrides.items()}
    return {**yaml.load_file(path), **({"overrides": given} if given else {})}


def _shown(value: Any) -> Any:
    """An override for the record: a typed one as YAML, where that is no other text."""
    if not isinstance(value, Typed):
        return value
    try:
        read = yaml.load(value, "")
    except ToonlabError:
        return str(value)
    return read if isinstance(read, int | float | list | dict | None) else str(value)


def process_options(
    results: StudyResults, options: ExecutionOptions, time_limit: float | None, group: str | None = None
) -> ProcessOptions:
    """Settings of the processes of a study's cells; `group` is its name for trackers, if it has another."""
    group = group or results.directory.name
    return ProcessOptions(results.directory, results.command, group, options.tracking_uri, time_limit)


def run_looks(
    results: StudyResults,
    cells: Sequence[Cell],
    connect: Connect,
    options: ProcessOptions,
    display: Display,
) -> StudyResults:
    """Run all cells; in a study that decides on its seeds, look by look those of the variants that are undecided.

    Args:
        results: without cells.

    Raises: as `run_cells`.
    """
    make_directory(results.directory)
    with locked(results.directory):
        while wanted := next_cells(results, cells):
            results = results.with_cells([*results.cells, *(cell.waiting for cell in wanted)])
            results = run_cells(results, wanted, connect, options, display)
    return results


def run_cells(
    results: StudyResults,
    cells: Sequence[Cell],
    connect: Connect,
    options: ProcessOptions,
    display: Display,
) -> StudyResults:
    """Run the cells that have not finished, and write the results.

    Raises:
        BusyError: if another process runs the study.
        Interrupted: after SIGINT or SIGTERM, when the running cells have saved and stopped.
    """
    directory = results.directory
    make_directory(directory)
    progress = StudyProgress(results)

    def doubt(slots: Sequence[Slot]) -> None:
        progress.add_caveats({**timing.doubts(slots, results.cells, directory), **results.caveats})

    with locked(directory):
        sweep(directory.glob(".*"))
        pictured = _pictured(directory)
        asked = [cell for cell in results.cells if cell.status == "waiting"]
        done = {cell.run: before for cell in asked if (before := finished_before(cell, directory))}
        waiting = [cell for cell in cells if cell.run not in done]
        doubt([])
        progress.end(*done.values())
        try:
            if waiting:
                progress.write()  # for those who watch
                Driver(connect(), progress, options, doubt).run(CellList(waiting, progress), display)
        finally:
            progress.write()
        if _finished_runs(progress.results) != pictured:
            write_samples(progress.results)
    return progress.results


def write_samples(results: StudyResults) -> None:
    """Write `samples.png`: the same photos through every variant that has finished."""
    if rows := sample_rows(results):
        write_png(results.directory / "samples.png", grid(rows))


def _finished_runs(results: StudyResults) -> list[str]:
    return [cell.run for cell in results.cells if cell.status == "finished"]


def _pictured(directory: Path) -> list[str] | None:
    """The runs that `samples.png` shows; None where there is none, or a run has ended since it was drawn."""
    try:
        runs, drawn = _finished_runs(StudyResults.read(directory)), (directory / "samples.png").stat().st_mtime
        ends = [(directory / run / "outcome.json").stat().st_mtime for run in runs]
    except (ToonlabError, OSError):
        return None
    return runs if max(ends, default=drawn) < drawn else None
