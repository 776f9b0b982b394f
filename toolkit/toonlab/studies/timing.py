"""The time that a step of each variant takes, measured once by short runs, before a study with a budget of seconds."""

from __future__ import annotations

import copy
import json
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated

from pydantic import Field, TypeAdapter
from typing_extensions import TypedDict

from toonlab.errors import ToonlabError
from toonlab.recipes.resolve import resolve
from toonlab.recipes.spec import Recipe
from toonlab.registry.catalogue import Catalogue
from toonlab.registry.executors import Slot
from toonlab.runs.directory import digest, make_directory, write_atomically
from toonlab.utils.reading import read_json

from .executors.cell import Cell, CellSpec, cells_of, finished_before
from .executors.display import Display
from .executors.driver import CellList, Driver
from .executors.options import Connect
from .executors.process import ProcessOptions
from .executors.progress import StudyProgress
from .results.results import CellResult, StudyResults, Variant

FILE = "budget.json"
STEPS = 50  # of a short run; the first is not timed
CAVEAT = "the steps follow from times measured here (budget: seconds), so the study is not reproducible elsewhere"
_TIMES = ("seconds_per_step", "images_per_second", "seconds")
_SHORT = "short run of "


class Timing(TypedDict):
    variant: str
    seconds_per_step: Annotated[float, Field(gt=0, allow_inf_nan=False)]


Timings = dict[str, Timing]  # by the digest of a short run's identity
TIMINGS = TypeAdapter(Timings)


def doubts(slots: Sequence[Slot], cells: Sequence[CellResult], directory: Path) -> dict[str, str]:
    """Caveats of a study's times, by their names: slots share a device, or shared it when finished cells ran.

    Args:
        slots: those in which cells are to run now.
        cells: of the study.
        directory: of the study, with the results of the last time.
    """
    if len(slots) > len({(slot.host, slot.device, slot.gpus) for slot in slots}):
        jobs = f"{len(slots)} jobs shared a device, and the last of all may have had it alone"
        return dict.fromkeys(_TIMES, f"{jobs}; run one at a time to compare times")
    if any(finished_before(cell, directory) for cell in cells):
        with suppress(ToonlabError):  # no results yet, or none that can be read
            earlier = StudyResults.read(directory).caveats
            return {name: text for name, text in earlier.items() if name in _TIMES and text != CAVEAT}
    return {}


def measure(
    specs: Sequence[CellSpec], catalogue: Catalogue, directory: Path, connect: Connect, display: Display
) -> dict[str, float]:
    """Seconds per step, by the variants' labels: known ones, and those of a short run for each of the others.

    They are kept in `budget.json` in the study's directory. Short runs follow one another, each with the threads that
    a slot has.

    Args:
        specs: one of each variant.
        directory: of the study.

    Raises:
        ToonlabError: if a short run fails, with the reason.
        Interrupted: after SIGINT or SIGTERM.
    """
    cells = _short_cells(specs, catalogue)
    known = _read(directory)
    if missing := [cell for cell in cells.values() if _key(cell) not in known]:
        known |= _run(missing, directory, connect, display)
        write_atomically(directory / FILE, json.dumps(known, indent=1) + "\n")
    return {label: known[_key(cell)]["seconds_per_step"] for label, cell in cells.items()}


def kept(specs: Sequence[CellSpec], catalogue: Catalogue, directory: Path) -> dict[str, float]:
    """Seconds per step by the variants' labels, for variants that were measured here."""
    known, cells = _read(directory), _short_cells(specs, catalogue)
    return {label: known[_key(cell)]["seconds_per_step"] for label, cell in cells.items() if _key(cell) in known}


def short(recipe: Recipe, catalogue: Catalogue) -> Recipe:
    """The same training, cut down to a few steps and an evaluation of one sample without metrics."""
    steps = max(STEPS, 2 * len(recipe.stages))
    tree = copy.deepcopy(recipe.tree) | {"observers": {}}
    tree["train"] |= {"steps": steps, "evaluate_every": steps, "checkpoint_every": steps, "select": "last"}
    tree["evaluate"] |= {"metrics": [], "samples": 1, "grid": 1}
    return resolve(tree, recipe.name, catalogue)


# -- helpers


def _short_cells(specs: Sequence[CellSpec], catalogue: Catalogue) -> dict[str, Cell]:
    """label -> its short run."""
    named = {spec.variant.label: spec for spec in specs}
    recipes = {label: short(spec.recipe, catalogue) for label, spec in named.items()}
    shortened = [CellSpec(Variant(_SHORT + label), recipe, "validation") for label, recipe in recipes.items()]
    return dict(zip(named, cells_of(shortened, catalogue), strict=True))


def _key(cell: Cell) -> str:
    return digest(cell.identity)


def _read(directory: Path) -> Timings:
    try:
        return read_json(directory / FILE, TIMINGS, "delete it to measure again")
    except FileNotFoundError:
        return {}


def _run(cells: Sequence[Cell], directory: Path, connect: Connect, display: Display) -> Timings:
    """The short runs, in a temporary folder."""
    make_directory(directory)
    with tempfile.TemporaryDirectory(prefix="budget-", dir=directory) as folder:
        progress = StudyProgress(StudyResults("budget", Path(folder), [cell.waiting for cell in cells]), write=False)
        options = ProcessOptions(Path(folder), group=directory.name)
        Driver(connect(), progress, options, at_once=1).run(CellList(cells, progress), display)
        return {_key(c): _timing(r) for c, r in zip(cells, progress.results.cells, strict=True)}


def _timing(cell: CellResult) -> Timing:
    label = cell.variant.label
    if cell.status != "finished":
        raise ToonlabError(f"budget: seconds: {label} {cell.status}: {cell.reason}")
    return {"variant": label.removeprefix(_SHORT), "seconds_per_step": cell.values["seconds_per_step"]}
