"""Compare recipes over seeds: every cell is a run; cells that have finished are not run again."""

from __future__ import annotations

import json
import sys
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import nn

from . import checkpoint, tables
from .build import build_fixed
from .devices import World, launch
from .errors import ToonlabError
from .evaluate import Row, caveats, save_grid
from .experiment import plan_cells, read_experiment
from .pictures import save_png, to_picture, without_suffix
from .plugins import Catalogue
from .runs import write_atomically
from .specs import Recipe
from .train import Trained, judged_samples, measurable, train


@dataclass(frozen=True)
class Cell:
    """One recipe with one seed, and how its run ended; `error` if it could not run."""

    recipe: Recipe
    trained: Trained | None = None
    error: str | None = None


@dataclass(frozen=True)
class Results:
    """What a comparison found: cells in the experiment's order, and the folder of what it wrote."""

    name: str
    cells: Sequence[Cell]
    directory: Path
    costs: Sequence[str] = ()

    @property
    def rows(self) -> list[tables.Row]:
        """A row for each recipe, below the untouched photo."""
        by_recipe: dict[str, list[Cell]] = {}
        for cell in self.cells:
            by_recipe.setdefault(cell.recipe.name, []).append(cell)
        photo = next((_leading(c, "photo") for c in self.cells if c.trained and c.trained.outcome.photo), {})
        return tables.with_photo(photo, [_row(name, cells, self.costs) for name, cells in by_recipe.items()])

    @property
    def measured(self) -> dict[str, Any]:
        """How each metric measured."""
        outcomes = [cell.trained.outcome for cell in self.cells if cell.trained]
        return {name: about for outcome in reversed(outcomes) for name, about in outcome.measured.items()}

    def caveats(self, catalogue: Catalogue) -> dict[str, str]:
        """What speaks against metrics, by name."""
        return caveats([part for cell in self.cells for part in cell.recipe.evaluate.metrics], catalogue)

    @property
    def failed(self) -> list[Cell]:
        return [cell for cell in self.cells if cell.error]


def _leading(cell: Cell, which: Literal["metrics", "photo"]) -> dict[str, float]:
    assert cell.trained is not None
    return tables.leading(getattr(cell.trained.outcome, which), [part.use for part in cell.recipe.evaluate.metrics])


def _row(name: str, cells: Sequence[Cell], costs: Sequence[str]) -> tables.Row:
    finished = [(cell.trained.outcome, _leading(cell, "metrics")) for cell in cells if cell.trained]
    names = dict.fromkeys(name for _, metrics in finished for name in metrics)
    values = {name: [metrics[name] for _, metrics in finished if name in metrics] for name in names}
    values |= {cost: [o.costs[cost] for o, _ in finished if cost in o.costs] for cost in costs}
    values["seconds"] = [outcome.seconds for outcome, _ in finished]
    failed = sum(cell.error is not None for cell in cells)
    return tables.Row(name, values, f"{failed} failed" if failed else "")


def compare(
    name: str,
    catalogue: Catalogue,
    root: Path = Path("runs"),
    world: World | str = "auto",
    seeds: int | None = None,
    overrides: dict[str, Any] | None = None,
) -> Results:
    """Run every cell of an experiment that has not finished, and write the table and the pictures."""
    experiment, path = read_experiment(name, seeds)
    recipes = plan_cells(experiment, path, overrides or {}, catalogue)
    world = launch(world) if isinstance(world, str) else world
    world.on_first(lambda: _check(recipes, catalogue))
    cells = list(_run(recipes, catalogue, root, path.stem, world))
    results = Results(path.stem, cells, root / path.stem, experiment.metrics.costs)
    if world.rank == 0:
        _write(results, catalogue, world.device)
    return results


def _check(recipes: Sequence[Recipe], catalogue: Catalogue) -> None:
    """What trains nothing is looked at first: a picture that another program did not make is missing now, too."""
    errors = []
    for recipe in {recipe.name: recipe for recipe in recipes if not recipe.stages}.values():
        try:
            measurable(recipe, catalogue)
        except ToonlabError as error:
            errors.append(str(error))
    if errors:
        raise ToonlabError("\n".join(errors))


def write_photos(name: str, catalogue: Catalogue, out: Path, overrides: dict[str, Any] | None = None) -> list[Path]:
    """Write the photos that an experiment's first recipe is measured on, under their names, for other programs.

    Raises:
        ToonlabError: if a file exists already, or can't be written.
    """
    experiment, path = read_experiment(name, seeds=1)
    recipe = plan_cells(experiment, path, overrides or {}, catalogue)[0]
    samples = judged_samples(recipe, catalogue, recipe.evaluate.samples).samples
    targets = [out / f"{without_suffix(sample.name)}.png" for sample in samples]
    for target, count in Counter(targets).items():
        if target.exists() or count > 1:
            reason = "exists already; choose another folder" if target.exists() else "is the name of several photos"
            raise ToonlabError(f"{target}: {reason}")
    for target, sample in zip(targets, samples, strict=True):
        save_png(target, to_picture(sample.photo))
    return targets


def _run(recipes: Sequence[Recipe], catalogue: Catalogue, root: Path, name: str, world: World) -> Iterator[Cell]:
    for number, recipe in enumerate(recipes, 1):
        label = f"[{number}/{len(recipes)}] {recipe.name}, seed {recipe.train.seed}"
        try:
            trained = train(recipe, catalogue, root, name, world)
        except Exception as error:  # a cell that fails costs that cell alone
            text = str(error) if isinstance(error, ToonlabError) else f"{type(error).__name__}: {error}"
            warnings.warn(f"{label}: {text}", RuntimeWarning, stacklevel=2)
            yield Cell(recipe, error=text)
            continue
        if trained.again:
            print(f"{label}: finished before, not run again", file=sys.stderr)
        yield Cell(recipe, trained)


def _write(results: Results, catalogue: Catalogue, device: torch.device) -> None:
    results.directory.mkdir(parents=True, exist_ok=True)
    cells = [
        {
            "recipe": cell.recipe.name,
            "seed": cell.recipe.train.seed,
            "run": cell.trained.run.name if cell.trained else None,
            "error": cell.error,
            **({"outcome": cell.trained.outcome.to_json()} if cell.trained else {}),
        }
        for cell in results.cells
    ]
    write_atomically(results.directory / "results.json", json.dumps({"cells": cells}, indent=1) + "\n")
    table = tables.as_markdown(results.rows, results.caveats(catalogue), results.measured)
    write_atomically(results.directory / "results.md", table)
    if rows := _pictures(results, catalogue, device):
        save_grid(results.directory / "samples.png", rows)


def _pictures(results: Results, catalogue: Catalogue, device: torch.device) -> list[Row]:
    """The same photos through every recipe, with the first seed that it finished."""
    first = {cell.recipe.name: cell for cell in reversed(results.cells) if cell.trained}
    rows: list[Row] = []
    for name in dict.fromkeys(cell.recipe.name for cell in results.cells if cell.recipe.name in first):
        recipe, generator = first[name].recipe, _generator(first[name], catalogue)
        if generator is None:
            continue
        bench = judged_samples(recipe, catalogue, recipe.evaluate.grid)
        photo, fake, *truth = bench.rows(list(bench.fakes(generator.to(device), device)), name)
        rows = [*(rows[: len(rows) - len(truth)] or [photo]), fake, *truth]
    return rows


def _generator(cell: Cell, catalogue: Catalogue) -> nn.Module | None:
    """What a finished cell has made its fakes with; None if its weights are gone."""
    if not cell.recipe.stages:
        return build_fixed(cell.recipe, catalogue)
    assert cell.trained is not None
    weights = checkpoint.candidates(cell.trained.run.directory)
    return checkpoint.load_generator(weights[-1], catalogue) if weights else None
