"""Compare recipes over seeds: every cell is a run; cells that have finished are not run again."""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import torch
from pydantic import ConfigDict, Field

from . import checkpoint, shelf, tables, yamlfile
from .devices import World, launch
from .errors import Problem, RecipeError, ToonlabError
from .evaluate import Bench, Row, save_grid
from .plugins import Catalogue
from .recipe import lay, load, overrides_of, read
from .runs import write_atomically
from .schema import Schema
from .specs import Recipe
from .train import Trained, train

Seeds = Annotated[int, Field(gt=0)] | list[Annotated[int, Field(ge=0)]]


@dataclass(frozen=True)
class MetricNames:
    """`primary` leads the table; `also` stands beside it. Empty: the recipes' own."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    primary: str | None = None
    also: list[str] = field(default_factory=list)

    @property
    def all(self) -> list[str]:
        return [*([self.primary] if self.primary else []), *self.also]


@dataclass(frozen=True)
class Experiment:
    """A file over recipes; `set` is applied to those that have the path, `seeds: 3` means 0, 1, 2."""

    recipes: Annotated[list[str], Field(min_length=1)]
    about: str = ""
    at: str | list[str] | None = None
    set: dict[str, Any] = field(default_factory=dict)
    seeds: Seeds = 3
    metrics: MetricNames = MetricNames()

    @property
    def seed_list(self) -> list[int]:
        return list(range(self.seeds)) if isinstance(self.seeds, int) else self.seeds

    @property
    def overlays(self) -> list[str]:
        return [self.at] if isinstance(self.at, str) else self.at or []


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

    @property
    def rows(self) -> list[tables.Row]:
        """The untouched photo, then a row for each recipe."""
        by_recipe: dict[str, list[Cell]] = {}
        for cell in self.cells:
            by_recipe.setdefault(cell.recipe.name, []).append(cell)
        photo = next((_leading(c, "photo") for c in self.cells if c.trained and c.trained.outcome.photo), {})
        return [
            tables.Row(tables.PHOTO, {k: [v] for k, v in photo.items()}),
            *(_row(name, cells) for name, cells in by_recipe.items()),
        ]

    @property
    def failed(self) -> list[Cell]:
        return [cell for cell in self.cells if cell.error]


def _leading(cell: Cell, which: Literal["metrics", "photo"]) -> dict[str, float]:
    assert cell.trained is not None
    return tables.leading(getattr(cell.trained.outcome, which), [part.use for part in cell.recipe.evaluate.metrics])


def _row(name: str, cells: Sequence[Cell]) -> tables.Row:
    finished = [(cell.trained.outcome, _leading(cell, "metrics")) for cell in cells if cell.trained]
    names = dict.fromkeys(name for _, metrics in finished for name in metrics)
    values = {name: [metrics[name] for _, metrics in finished if name in metrics] for name in names}
    values["seconds"] = [outcome.seconds for outcome, _ in finished]
    failed = sum(cell.error is not None for cell in cells)
    return tables.Row(name, values, f"{failed} failed" if failed else "")


def read_experiment(name: str, seeds: int | None = None) -> tuple[Experiment, Path]:
    """Read and check an experiment file.

    Raises:
        RecipeError: with everything that is wrong.
    """
    path = shelf.find(name, "experiments")
    values, problems = Schema.of(Experiment).validate(yamlfile.load_file(path), path.stem)
    if problems:
        raise RecipeError(str(path), [Problem(p.path.removeprefix(f"{path.stem}."), p.message) for p in problems])
    if seeds is not None:
        values["seeds"] = seeds
    return Experiment(**values), path


def plan_cells(experiment: Experiment, path: Path, overrides: dict[str, Any], catalogue: Catalogue) -> list[Recipe]:
    """Every cell's recipe, seed by seed so that a study cut short still has pairs.

    Raises:
        RecipeError: with everything that is wrong with any of them.
    """
    shared = {**experiment.set, **overrides}
    if experiment.metrics.all:
        shared["evaluate.metrics"] = experiment.metrics.all
    problems = _unplaced(experiment, path, overrides, catalogue)
    recipes: list[Recipe] = []
    for seed in experiment.seed_list:
        for name in experiment.recipes:
            try:
                seeded = {**shared, "train.seed": seed}
                recipes.append(load(name, catalogue, at=experiment.overlays, shared=seeded, near=path))
            except RecipeError as error:
                problems += [Problem(f"{name}: {p.path}", p.message) for p in error.problems]
    if problems:
        raise RecipeError(str(path), dict.fromkeys(problems))
    return recipes


def _unplaced(experiment: Experiment, path: Path, overrides: dict[str, Any], catalogue: Catalogue) -> list[Problem]:
    """A path under `set` or on the command line that no recipe has."""
    given = {**experiment.set, **overrides}
    trees = [read(shelf.find(name, "baselines", path)) for name in experiment.recipes]
    for tree in trees:
        for overlay in experiment.overlays:
            lay(tree, overrides_of(shelf.find(overlay, "baselines/at", path)), catalogue)
    placed = {dotted for tree in trees for dotted in lay(tree, given, catalogue)}
    return [Problem(dotted, "no recipe has this path") for dotted in given if dotted not in placed]


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
    cells = list(_run(recipes, catalogue, root, path.stem, world))
    results = Results(path.stem, cells, root / path.stem)
    if world.rank == 0:
        _write(results, catalogue, world.device)
    return results


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
    write_atomically(results.directory / "results.md", tables.as_markdown(results.rows))
    if rows := _pictures(results, catalogue, device):
        save_grid(results.directory / "samples.png", rows)


def _pictures(results: Results, catalogue: Catalogue, device: torch.device) -> list[Row]:
    """The same photos through every recipe, with the first seed that it finished."""
    first = {cell.recipe.name: cell for cell in reversed(results.cells) if cell.trained}
    rows: list[Row] = []
    for name in dict.fromkeys(cell.recipe.name for cell in results.cells if cell.recipe.name in first):
        cell = first[name]
        assert cell.trained is not None
        recipe = cell.recipe
        bench = Bench(recipe.data.make(catalogue).evaluation(), (), catalogue, recipe.evaluate.grid)
        latest = checkpoint.checkpoints(cell.trained.run.directory / "checkpoints")[-1:]
        for folder in latest:
            generator = checkpoint.load_generator(folder / checkpoint.WEIGHTS, catalogue).to(device)
            photo, fake, *truth = bench.rows(list(bench.fakes(generator, device)), name)
            rows = [*(rows[: len(rows) - len(truth)] or [photo]), fake, *truth]
    return rows
