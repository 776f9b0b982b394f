"""What comparisons and searches share: their cells as tasks, and how what they find is laid out."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from toonlab.engine.evaluator import caveats
from toonlab.engine.profiling import COSTS
from toonlab.engine.train import identity_of, measurable, run_of, test_evaluator
from toonlab.errors import BusyError, ToonlabError
from toonlab.recipes.spec import Recipe
from toonlab.registry.catalogue import Catalogue

from .executors.pool import Slot, Task, Unit, finished
from .executors.progress import Board
from .plan.experiment import Planned
from .results.results import Cell, Results

_MORE_IS_BETTER = {name: name == "images_per_second" for name in (*COSTS, "seconds")}


def tasks_of(cells: Sequence[Planned], catalogue: Catalogue, root: Path, study: str) -> list[Task]:
    """The planned cells with the names of their runs.

    Raises:
        ToonlabError: with a line for each recipe that trains nothing and can't be measured.
    """
    check_fixed([cell.recipe for cell in cells], catalogue)
    return [task_of(cell, catalogue, root, study) for cell in cells]


def task_of(cell: Planned, catalogue: Catalogue, root: Path, study: str) -> Task:
    what = identity_of(cell.recipe, catalogue)
    run = run_of(cell.recipe, what, root, study)
    return Task(Cell(cell.variant, cell.recipe.train.seed, run.name), cell.recipe, what)


class Local:
    """The tasks one after the other, for the slots of this process; those that have finished are told at once."""

    def __init__(self, tasks: Sequence[Task], board: Board) -> None:
        done = [before for task in tasks if (before := finished(task.cell, board.results.directory))]
        for cell in done:
            board.end(cell)
        runs_done = {cell.run for cell in done}
        self._left = iter([task for task in tasks if task.cell.run not in runs_done])
        self._lock = threading.Lock()

    def take(self) -> Unit | None:
        with self._lock:
            task = next(self._left, None)
        return partial(_run, task=task) if task else None

    def wait(self) -> bool:
        return False


def _run(slot: Slot, task: Task) -> None:
    try:
        slot.crew.board.end(slot.run(task))
    except BusyError as error:
        slot.crew.board.fail(task.cell, str(error))


def check_fixed(recipes: Sequence[Recipe], catalogue: Catalogue) -> None:
    """What trains nothing is looked at first: a picture that another program did not make is missing now, too."""
    errors = []
    for recipe in {recipe.name: recipe for recipe in recipes if not recipe.stages}.values():
        try:
            measurable(recipe, catalogue)
        except ToonlabError as error:
            errors.append(str(error))
    if errors:
        raise ToonlabError("\n".join(errors))


def check_measurable(recipe: Recipe, catalogue: Catalogue, metric: str, where: str) -> None:
    """That a recipe's data give a metric.

    Raises:
        ToonlabError: if not; the text begins with `where`.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        measured = test_evaluator(
            recipe, catalogue, 1, [part for part in recipe.evaluate.metrics if part.use == metric]
        )
    if metric not in measured.metrics:
        reasons = [str(warning.message) for warning in caught] or [f"metric {metric!r} is left out"]
        raise ToonlabError(f"{where}: {reasons[0]}; give another metric")


def laid_out(
    directory: Path, recipes: Sequence[Recipe], catalogue: Catalogue, costs: Sequence[str] = (), **known: Any
) -> Results:
    """The results of a study before anything has run; `known` is whatever else of `Results` is known already."""
    metrics = {part.use: part for recipe in recipes for part in recipe.evaluate.metrics}
    directions = {name: part.make(catalogue).higher_is_better for name, part in metrics.items()}
    return Results(
        name=directory.name,
        directory=directory,
        metrics=[*metrics, *costs],
        higher={**_MORE_IS_BETTER, **directions},
        caveats=caveats(list(metrics.values()), catalogue),
        **{"cells": [], **known},
    )
