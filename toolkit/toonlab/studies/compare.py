"""Compare recipes over seeds: every cell is a run of its own; cells that have finished are not run again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
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
from .common import Local, check_measurable, command, initial_results, tasks_of
from .executors.display import SilentDisplay, Display
from .executors.pool import Executor, Cell, Work, slots
from .executors.process import prepare
from .executors.progress import StudyProgress
from .plan.budget import allot, allotted
from .plan.experiment import CellSpec, baseline_of, plan_cells, read_experiment
from .results.gallery import gallery
from .results.results import Results


@dataclass(frozen=True)
class ExecutionOptions:
    """Where a study's cells run.

    Args:
        root: the folder of all runs; the study's is `root/<study>`.
        device: `auto` (all GPUs, or the CPU), `cpu`, `cuda:1`, …
        jobs: cells at once; by default one for each device.
        storage: an Optuna storage by which several machines share the work.
        stale_after: seconds without a sign of life after which a cell is given to another worker.
        joined: whether this is a worker of a study that somebody else reports on.
        command: what the study is said to have been asked by; what was typed if not given.
    """

    root: Path = Path("runs")
    device: str = "auto"
    jobs: int | None = None
    storage: str | None = None
    stale_after: int = 120
    joined: bool = False
    command: str = ""


HERE = ExecutionOptions()


def compare(
    name: str,
    catalogue: Catalogue,
    where: ExecutionOptions = HERE,
    seeds: int | None = None,
    overrides: dict[str, Any] | None = None,
    view: Display | None = None,
) -> Results:
    """Run every cell of an experiment that has not finished, and write the table and the pictures.

    Args:
        name: an experiment on the shelf, or a path.
        seeds: instead of the experiment's.
        overrides: dotted path -> value, for the recipes that have the path.
        view: what shows the study while it runs.

    Raises:
        RecipeError: with everything that is wrong, before anything runs.
        ToonlabError: if the storage can't be reached.
        Interrupted: after SIGINT or SIGTERM, when the cells under way have saved and stopped.
    """
    experiment, path = read_experiment(name, seeds)
    planned = plan_cells(experiment, path, overrides or {}, catalogue)
    prepare([cell.recipe for cell in planned], catalogue)
    if experiment.metrics.primary:
        check_measurable(planned[0].recipe, catalogue, experiment.metrics.primary, f"{path}: metrics.primary")
    view = view or SilentDisplay()
    study = paths.study_of(path)
    directory, devices = where.root / study, slots(where.device, where.jobs)

    def clock(cells: Sequence[CellSpec]) -> dict[str, float]:
        return timing.measure(cells, catalogue, directory, devices, view, where.storage)

    planned = allot(experiment, path, planned, catalogue, clock)
    tasks = tasks_of(planned, catalogue, where.root, study)
    asked = {**yaml.load_file(path), **({"overrides": overrides} if overrides else {})}
    results = initial_results(
        directory,
        [cell.recipe for cell in planned],
        catalogue,
        experiment.metrics.costs,
        cells=[task.cell for task in tasks],
        about=experiment.about,
        asked=asked,
        command=where.command or command(),
        baseline=baseline_of(experiment, planned),
        factors=experiment.levels,
        design=experiment.design,
        budget=experiment.budget,
        steps=allotted(experiment, planned),
    )
    if experiment.budget == "seconds":
        results = replace(results, caveats={**results.caveats, "seconds": timing.CAVEAT})
    results = run_cells(results, tasks, where, experiment.time_limit, view)
    if not where.joined:
        write_samples(results, catalogue, where.device)
    return results


def write_samples(results: Results, catalogue: Catalogue, device: str) -> None:
    """`samples.png`: the same photos through everything that has finished."""
    if rows := gallery(results, catalogue, pick_device(device)):
        save_grid(results.directory / "samples.png", rows)


def run_cells(results: Results, tasks: Sequence[Cell], where: ExecutionOptions, time_limit: float | None, view: Display) -> Results:
    """Run the cells that have not finished, here or wherever the storage's workers are."""
    devices = slots(where.device, where.jobs)
    doubts = timing.doubts(devices, results.cells, results.directory)
    results = replace(results, caveats={**doubts, **results.caveats})
    make_directory(results.directory)
    board = StudyProgress(results, keep=not where.joined)
    group = str(results.search["study"]) if results.search else None
    crew = Executor(board, results.directory, devices, time_limit, group)
    with _work(tasks, board, where) as work:
        crew.work(work, view)
    if not where.joined:
        board.results.write()
    return board.results


@contextmanager
def _work(tasks: Sequence[Cell], board: StudyProgress, where: ExecutionOptions) -> Iterator[Work]:
    if where.storage is None:
        yield Local(tasks, board)
        return
    from .queues import Cells
    from .storage import Storage

    results = board.results
    maximize = results.higher.get(results.metrics[0], True) if results.metrics else True
    with Storage(where.storage, f"{results.name}/cells", maximize, where.stale_after) as storage:
        yield Cells(storage, tasks, board, again=not where.joined)


def explain(
    name: str,
    catalogue: Catalogue,
    root: Path = Path("runs"),
    seeds: int | None = None,
    overrides: dict[str, Any] | None = None,
) -> Iterator[str]:
    """A line for each cell: that it has finished, or why it has to run. Nothing runs."""
    experiment, path = read_experiment(name, seeds)
    cells = plan_cells(experiment, path, overrides or {}, catalogue)
    study = paths.study_of(path)
    clock = partial(timing.kept, catalogue=catalogue, directory=root / study)
    known = allot(experiment, path, cells, catalogue, clock)
    tasks = {task.cell.label: task for task in tasks_of(known, catalogue, root, study)}
    for cell in cells:
        task = tasks.get(cell.label)
        state = _state(task, catalogue, root / study) if task else "has not run yet; a step has to be timed first"
        yield f"{cell.label}: {state}"


def _state(task: Cell, catalogue: Catalogue, directory: Path) -> str:
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


def write_photos(name: str, catalogue: Catalogue, out: Path, overrides: dict[str, Any] | None = None) -> list[Path]:
    """Write the photos that an experiment's first recipe is measured on, under their names, for other programs.

    Raises:
        ToonlabError: if a file exists already, or can't be written.
    """
    experiment, path = read_experiment(name, seeds=1)
    recipe = plan_cells(experiment, path, overrides or {}, catalogue)[0].recipe
    samples = test_evaluator(recipe, catalogue, recipe.evaluate.samples).samples
    targets = [out / f"{without_suffix(sample.name)}.png" for sample in samples]
    for target, count in Counter(targets).items():
        if target.exists() or count > 1:
            reason = "exists already; choose another folder" if target.exists() else "is the name of several photos"
            raise ToonlabError(f"{target}: {reason}")
    for target, sample in zip(targets, samples, strict=True):
        save_png(target, to_picture(sample.photo))
    return targets
