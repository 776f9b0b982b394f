"""The time that a step of each variant takes, measured once by short runs, before a study with a budget of seconds."""

from __future__ import annotations

import copy
import json
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from toonlab.errors import RecipeError, ToonlabError
from toonlab.recipes.resolve import resolve
from toonlab.recipes.spec import Recipe
from toonlab.registry.catalogue import Catalogue
from toonlab.runs.directory import digest, make_directory, write_atomically

from .common import Local, task_of
from .executors.display import Display
from .executors.pool import Executor, Cell, finished, threads_of
from .executors.progress import StudyProgress
from .plan.experiment import CellSpec
from .results.results import CellResult, Results, Variant

FILE = "budget.json"
STEPS = 50  # of a short run; the first is not timed
CAVEAT = "the steps follow from times measured here (budget: seconds), so the study is not reproducible elsewhere"
_TIMES = ("seconds_per_step", "images_per_second", "seconds")
_SHORT = "short run of "
Timings = dict[str, dict[str, Any]]  # digest of a short run's identity -> `variant`, `seconds_per_step`


def doubts(devices: Sequence[str], cells: Sequence[CellResult], directory: Path) -> dict[str, str]:
    """What speaks against a study's times, by their names: jobs share a device, or did when a cell ran that is there.

    Args:
        devices: one for each job.
        cells: of the study.
        directory: of the study, with what it left the last time.
    """
    if len(devices) > len(set(devices)):
        jobs = f"{len(devices)} jobs shared a device, and the last of all may have had it alone"
        return dict.fromkeys(_TIMES, f"{jobs}; run one at a time to compare times")
    if any(finished(cell, directory) for cell in cells):
        with suppress(ToonlabError):  # no results yet, or none that can be read
            earlier = Results.read(directory).caveats
            return {name: text for name, text in earlier.items() if name in _TIMES and text != CAVEAT}
    return {}


def measure(
    cells: Sequence[CellSpec],
    catalogue: Catalogue,
    directory: Path,
    devices: Sequence[str],
    view: Display,
    url: str | None = None,
) -> dict[str, float]:
    """Seconds per step, by the variants' labels: what is known, and what a short run of each of the others takes.

    They are kept in `budget.json` in the study's directory and, where workers share the study, in its storage.

    Args:
        cells: one of each variant.
        directory: of the study.
        devices: of the slots that cells will run in; short runs follow one another, each with what a cell will have.
        url: of the storage.

    Raises:
        ToonlabError: if a short run fails, with the reason.
        Interrupted: after SIGINT or SIGTERM.
    """
    tasks = _tasks(cells, catalogue)
    here = _read(directory)
    known = _agreed(url, directory.name, here)
    if missing := [task for task in tasks.values() if _key(task) not in known]:
        known = _agreed(url, directory.name, known | _run(missing, directory, devices, view))
    if known != here:
        make_directory(directory)
        write_atomically(directory / FILE, json.dumps(known, indent=1) + "\n")
    return {label: known[_key(task)]["seconds_per_step"] for label, task in tasks.items()}


def kept(cells: Sequence[CellSpec], catalogue: Catalogue, directory: Path) -> dict[str, float]:
    """Seconds per step as far as they are kept here, by the variants' labels."""
    known, tasks = _read(directory), _tasks(cells, catalogue)
    return {label: known[_key(task)]["seconds_per_step"] for label, task in tasks.items() if _key(task) in known}


def short(recipe: Recipe, catalogue: Catalogue) -> Recipe:
    """The same training cut down to a few steps, at the end of which next to nothing is measured."""
    steps = max(STEPS, 2 * len(recipe.stages))
    tree = copy.deepcopy(recipe.tree) | {"observers": {}}
    tree["train"] |= {"steps": steps, "evaluate_every": steps, "checkpoint_every": steps, "select": "last"}
    tree["evaluate"] |= {"metrics": [], "samples": 1, "grid": 1}
    made, problems = resolve(tree, recipe.name, catalogue)
    if made is None:
        raise RecipeError(recipe.name, problems)
    return made


# -- helpers


def _tasks(cells: Sequence[CellSpec], catalogue: Catalogue) -> dict[str, Cell]:
    """label -> its short run."""
    return {
        cell.variant.label: task_of(
            replace(cell, variant=Variant(_SHORT + cell.variant.label), recipe=short(cell.recipe, catalogue)),
            catalogue,
            Path(),
            "",
        )
        for cell in cells
    }


def _key(task: Cell) -> str:
    return digest(task.what)


def _read(directory: Path) -> Timings:
    path = directory / FILE
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
        return {key: {**timing, "seconds_per_step": float(timing["seconds_per_step"])} for key, timing in known.items()}
    except FileNotFoundError:
        return {}
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ToonlabError(f"{path}: not the timings of a study: {error}; delete it to measure again") from error


def _agreed(url: str | None, study: str, ours: Timings) -> Timings:
    """What all workers go by: what the first of them measured."""
    if url is None:
        return ours
    from .storage import Storage

    with Storage(url, f"{study}/budget") as storage:
        return storage.get_or_set("timings", ours)


def _run(tasks: Sequence[Cell], directory: Path, devices: Sequence[str], view: Display) -> Timings:
    """The short runs, in a folder that goes with them: a worker beside this one may be at the same."""
    make_directory(directory)
    with tempfile.TemporaryDirectory(prefix="budget-", dir=directory) as folder:
        board = StudyProgress(Results("budget", Path(folder), [task.cell for task in tasks]), keep=False)
        crew = Executor(board, Path(folder), devices[:1], None)
        crew.threads = threads_of(devices)
        crew.work(Local(tasks, board), view)
        return {_key(t): _timing(cell, devices[0]) for t, cell in zip(tasks, board.results.cells, strict=True)}


def _timing(cell: CellResult, device: str) -> dict[str, Any]:
    label = cell.variant.label
    if cell.status != "finished":
        raise ToonlabError(f"budget: seconds: {label} {cell.status}: {cell.reason}")
    seconds = cell.values["seconds_per_step"]
    return {"variant": label.removeprefix(_SHORT), "seconds_per_step": seconds, "device": device}
