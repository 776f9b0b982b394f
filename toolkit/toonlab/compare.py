"""Compare recipes over seeds: every cell is a run of its own; cells that have finished are not run again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from . import runs, yamlfile
from .board import Board
from .crew import Crew, Slot, Task, Unit, finished, slots
from .devices import pick_device
from .errors import BusyError, ToonlabError
from .evaluate import save_grid
from .experiment import plan_cells, read_experiment
from .gallery import gallery
from .live import Silent, View
from .pictures import save_png, to_picture, without_suffix
from .plugins import Catalogue
from .results import Results
from .study import laid_out, tasks_of
from .train import judged_samples


def compare(
    name: str,
    catalogue: Catalogue,
    root: Path = Path("runs"),
    device: str = "auto",
    seeds: int | None = None,
    overrides: dict[str, Any] | None = None,
    jobs: int | None = None,
    view: View | None = None,
) -> Results:
    """Run every cell of an experiment that has not finished, and write the table and the pictures.

    Args:
        name: an experiment on the shelf, or a path.
        root: the folder of all runs; the study's is `root/<experiment>`.
        device: `auto` (all GPUs, or the CPU), `cpu`, `cuda:1`, …
        seeds: instead of the experiment's.
        overrides: dotted path -> value, for the recipes that have the path.
        jobs: cells at once; by default one for each device.
        view: what shows the study while it runs.

    Raises:
        RecipeError: with everything that is wrong, before anything runs.
        Interrupted: after SIGINT or SIGTERM, when the cells under way have saved and stopped.
    """
    experiment, path = read_experiment(name, seeds)
    planned = plan_cells(experiment, path, overrides or {}, catalogue)
    devices = slots(device, jobs)
    tasks = tasks_of(planned, catalogue, root, path.stem)
    asked = {**yamlfile.load_file(path), **({"overrides": overrides} if overrides else {})}
    board = Board(laid_out(experiment, root / path.stem, planned, tasks, catalogue, asked))
    crew = Crew(board, root / path.stem, devices, experiment.time_limit, board.results.command)
    crew.work(local(tasks, board), view or Silent())
    board.results.write()
    if rows := gallery(board.results, catalogue, pick_device(device)):
        save_grid(board.results.directory / "samples.png", rows)
    return board.results


def local(tasks: Sequence[Task], board: Board) -> Callable[[], Unit | None]:
    """The tasks one after the other, for the slots of this process; those that have finished first, at once."""
    directory = board.results.directory
    done = {task.cell.run: before for task in tasks if (before := finished(task.cell, directory))}
    for cell in done.values():
        board.end(cell)
    left = iter([task for task in tasks if task.cell.run not in done])
    return lambda: _unit(next(left, None))


def _unit(task: Task | None) -> Unit | None:
    def run(slot: Slot) -> None:
        assert task is not None
        try:
            slot.crew.board.end(slot.run(task))
        except BusyError as error:
            slot.crew.board.fail(task.cell, str(error))

    return run if task else None


def explain(
    name: str,
    catalogue: Catalogue,
    root: Path = Path("runs"),
    seeds: int | None = None,
    overrides: dict[str, Any] | None = None,
) -> Iterator[str]:
    """A line for each cell: that it has finished, or why it has to run."""
    experiment, path = read_experiment(name, seeds)
    for task in tasks_of(plan_cells(experiment, path, overrides or {}, catalogue), catalogue, root, path.stem):
        yield f"{task.cell.label}: {_state(task, catalogue, root / path.stem)}"


def _state(task: Task, catalogue: Catalogue, directory: Path) -> str:
    outcome = runs.read_outcome(directory / task.cell.run)
    if outcome and outcome.status == "finished":
        return f"finished ({task.cell.run})"
    if (directory / task.cell.run).is_dir():
        last = f"{outcome.status}: {outcome.reason}" if outcome else "its process was killed"
        return f"begun, goes on from its last checkpoint ({last})"
    others = sorted(directory.glob(f"{task.recipe.name}-s{task.cell.seed}-*"), key=lambda path: path.stat().st_mtime)
    if not others:
        return "has not run yet"
    return f"has to run: {runs.what_changed(others[-1], task.what)} since {others[-1].name}"


def write_photos(name: str, catalogue: Catalogue, out: Path, overrides: dict[str, Any] | None = None) -> list[Path]:
    """Write the photos that an experiment's first recipe is measured on, under their names, for other programs.

    Raises:
        ToonlabError: if a file exists already, or can't be written.
    """
    experiment, path = read_experiment(name, seeds=1)
    recipe = plan_cells(experiment, path, overrides or {}, catalogue)[0].recipe
    samples = judged_samples(recipe, catalogue, recipe.evaluate.samples).samples
    targets = [out / f"{without_suffix(sample.name)}.png" for sample in samples]
    for target, count in Counter(targets).items():
        if target.exists() or count > 1:
            reason = "exists already; choose another folder" if target.exists() else "is the name of several photos"
            raise ToonlabError(f"{target}: {reason}")
    for target, sample in zip(targets, samples, strict=True):
        save_png(target, to_picture(sample.photo))
    return targets
