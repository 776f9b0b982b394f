"""Compare recipes over seeds: every cell is a run of its own; cells that have finished are not run again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from toonlab.engine.evaluator import save_grid
from toonlab.engine.train import test_evaluator
from toonlab.errors import ToonlabError
from toonlab.images.io import save_png, to_picture, without_suffix
from toonlab.registry.catalogue import Catalogue
from toonlab.runs.directory import make_directory, read_outcome, what_changed
from toonlab.utils import paths, yaml
from toonlab.utils.distributed import pick_device

from . import timing
from .common import Local, check_measurable, laid_out, tasks_of
from .executors.display import Silent, View
from .executors.options import HERE, ExecutionOptions
from .executors.pool import Crew, Task, Work, slots
from .executors.process import prepare
from .executors.progress import Board
from .plan.budget import allot, allotted
from .plan.experiment import Planned, baseline_of, plan_cells, read_experiment
from .results.gallery import gallery
from .results.results import Results


def compare(
    name: str,
    catalogue: Catalogue,
    options: ExecutionOptions = HERE,
    *,
    seeds: int | None = None,
    overrides: Mapping[str, Any] | None = None,
    display: View | None = None,
) -> Results:
    """Run every cell of an experiment that has not finished, and write the table and the pictures.

    Args:
        name: an experiment on the shelf, or a path.
        seeds: instead of the experiment's.
        overrides: dotted path -> value, for the recipes that have the path.
        options: where the runs execute.
        display: what shows the study while it runs.

    Raises:
        RecipeError: with everything that is wrong, before anything runs.
        ToonlabError: if the storage can't be reached.
        Interrupted: after SIGINT or SIGTERM, when the cells under way have saved and stopped.
    """
    experiment, path = read_experiment(name, seeds)
    planned = plan_cells(experiment, path, dict(overrides or {}), catalogue)
    prepare([cell.recipe for cell in planned], catalogue)
    if experiment.metrics.primary:
        check_measurable(planned[0].recipe, catalogue, experiment.metrics.primary, f"{path}: metrics.primary")
    view = display or Silent()
    study = paths.study_of(path)
    directory, devices = options.runs / study, slots(options.device, options.jobs)

    def clock(cells: Sequence[Planned]) -> dict[str, float]:
        return timing.measure(cells, catalogue, directory, devices, view, options.storage)

    planned = allot(experiment, path, planned, catalogue, clock)
    tasks = tasks_of(planned, catalogue, options.runs, study)
    asked = {**yaml.load_file(path), **({"overrides": dict(overrides)} if overrides else {})}
    results = laid_out(
        directory,
        [cell.recipe for cell in planned],
        catalogue,
        experiment.metrics.costs,
        cells=[task.cell for task in tasks],
        about=experiment.about,
        asked=asked,
        command=options.command or "",
        baseline=baseline_of(experiment, planned),
        factors=experiment.levels,
        design=experiment.design,
        budget=experiment.budget,
        steps=allotted(experiment, planned),
    )
    if experiment.budget == "seconds":
        results = replace(results, caveats={**results.caveats, "seconds": timing.CAVEAT})
    results = run_cells(results, tasks, options, experiment.time_limit, view)
    if not options.joined:
        write_samples(results, catalogue, options.device)
    return results


def write_samples(results: Results, catalogue: Catalogue, device: str) -> None:
    """`samples.png`: the same photos through everything that has finished."""
    if rows := gallery(results, catalogue, pick_device(device)):
        save_grid(results.directory / "samples.png", rows)


def run_cells(
    results: Results, tasks: Sequence[Task], options: ExecutionOptions, time_limit: float | None, view: View
) -> Results:
    """Run the cells that have not finished, here or wherever the storage's workers are."""
    devices = slots(options.device, options.jobs)
    doubts = timing.doubts(devices, results.cells, results.directory)
    results = replace(results, caveats={**doubts, **results.caveats})
    make_directory(results.directory)
    board = Board(results, keep=not options.joined)
    group = str(results.search["study"]) if results.search else None
    crew = Crew(board, results.directory, devices, time_limit, group, options.tracking_uri)
    with _work(tasks, board, options) as work:
        crew.work(work, view)
    if not options.joined:
        board.results.write()
    return board.results


@contextmanager
def _work(tasks: Sequence[Task], board: Board, options: ExecutionOptions) -> Iterator[Work]:
    if options.storage is None:
        yield Local(tasks, board)
        return
    from .queues import Cells
    from .storage import Storage

    results = board.results
    maximize = results.higher.get(results.metrics[0], True) if results.metrics else True
    with Storage(options.storage, f"{results.name}/cells", maximize, options.stale_after) as storage:
        yield Cells(storage, tasks, board, again=not options.joined)


def explain(
    name: str,
    catalogue: Catalogue,
    options: ExecutionOptions = HERE,
    *,
    seeds: int | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> Iterator[str]:
    """A line for each cell: that it has finished, or why it has to run. Nothing runs."""
    experiment, path = read_experiment(name, seeds)
    cells = plan_cells(experiment, path, dict(overrides or {}), catalogue)
    study = paths.study_of(path)
    clock = partial(timing.kept, catalogue=catalogue, directory=options.runs / study)
    known = allot(experiment, path, cells, catalogue, clock)
    tasks = {task.cell.label: task for task in tasks_of(known, catalogue, options.runs, study)}
    for cell in cells:
        task = tasks.get(cell.label)
        state = (
            _state(task, catalogue, options.runs / study) if task else "has not run yet; a step has to be timed first"
        )
        yield f"{cell.label}: {state}"


def _state(task: Task, catalogue: Catalogue, directory: Path) -> str:
    outcome = read_outcome(directory / task.cell.run)
    if outcome and outcome.status == "finished":
        return f"finished ({task.cell.run})"
    if (directory / task.cell.run).is_dir():
        last = f"{outcome.status}: {outcome.reason}" if outcome else "its process was killed"
        return f"begun, goes on from its last checkpoint ({last})"
    others = sorted(directory.glob(f"{task.recipe.name}-s{task.cell.seed}-*"), key=lambda path: path.stat().st_mtime)
    if not others:
        return "has not run yet"
    return f"has to run: {what_changed(others[-1], task.what)} since {others[-1].name}"


def write_photos(name: str, catalogue: Catalogue, out: Path, overrides: Mapping[str, Any] | None = None) -> list[Path]:
    """Write the photos that an experiment's first recipe is measured on, under their names, for other programs.

    Raises:
        ToonlabError: if a file exists already, or can't be written.
    """
    experiment, path = read_experiment(name, seeds=1)
    recipe = plan_cells(experiment, path, dict(overrides or {}), catalogue)[0].recipe
    samples = test_evaluator(recipe, catalogue, recipe.evaluate.samples).samples
    targets = [out / f"{without_suffix(sample.name)}.png" for sample in samples]
    for target, count in Counter(targets).items():
        if target.exists() or count > 1:
            reason = "exists already; choose another folder" if target.exists() else "is the name of several photos"
            raise ToonlabError(f"{target}: {reason}")
    for target, sample in zip(targets, samples, strict=True):
        save_png(target, to_picture(sample.photo))
    return targets
