"""Experiments: files over recipes, and the recipes that they ask for, cell by cell."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import ConfigDict, Field

from . import shelf, yamlfile
from .costs import COSTS
from .errors import Problem, RecipeError
from .plugins import Catalogue
from .recipe import lay, load, overrides_of, read
from .resolve import resolve
from .schema import Schema
from .specs import Recipe

Seeds = Annotated[int, Field(gt=0)] | list[Annotated[int, Field(ge=0)]]


@dataclass(frozen=True)
class MetricNames:
    """`primary` leads the table; `also` stands beside it, what runs cost included. Empty: the recipes' own."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    primary: str | None = None
    also: list[str] = field(default_factory=list)

    @property
    def all(self) -> list[str]:
        """The metrics of pictures."""
        return [name for name in (self.primary, *self.also) if name and name not in COSTS]

    @property
    def costs(self) -> list[str]:
        """What runs cost, as far as it was asked for."""
        return [name for name in self.also if name in COSTS]


@dataclass(frozen=True)
class Experiment:
    """A file over recipes; `set` is applied to those that have the path, `seeds: 3` means 0, 1, 2.

    Among `recipes` may stand a generator that does not learn, by its part: `{use: pictures, path: DIR, name: theirs}`.
    """

    recipes: Annotated[list[str | dict[str, Any]], Field(min_length=1)]
    about: str = ""
    at: str | list[str] | None = None
    set: dict[str, Any] = field(default_factory=dict)
    seeds: Seeds = 3
    metrics: MetricNames = MetricNames()

    @property
    def named(self) -> list[str]:
        """The recipes that are given by name."""
        return [entry for entry in self.recipes if isinstance(entry, str)]

    @property
    def seed_list(self) -> list[int]:
        return list(range(self.seeds)) if isinstance(self.seeds, int) else self.seeds

    @property
    def overlays(self) -> list[str]:
        return [self.at] if isinstance(self.at, str) else self.at or []


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
    experiment = Experiment(**values)
    if problems := list(_misnamed(experiment)):
        raise RecipeError(str(path), problems)
    return experiment, path


def _misnamed(experiment: Experiment) -> Iterator[Problem]:
    if not experiment.named:
        text = "no recipe is given by name; give one at least: the others are measured on its data and by its metrics"
        yield Problem("recipes", text)
    names = [_name(entry) for entry in experiment.recipes]
    for name, count in Counter(names).items():
        if not re.fullmatch(r"[^/\\.][^/\\]*", name):
            yield Problem("recipes", f"{name!r} can't name a folder of runs; give another name")
        if count > 1:
            yield Problem("recipes", f"{count} of them are called {name!r}; give each a name of its own, by name: …")


def _name(entry: str | dict[str, Any]) -> str:
    return Path(entry).stem if isinstance(entry, str) else str(entry.get("name", entry.get("use")))


def plan_cells(experiment: Experiment, path: Path, overrides: dict[str, Any], catalogue: Catalogue) -> list[Recipe]:
    """Every cell's recipe, seed by seed so that a study cut short still has pairs.

    Raises:
        RecipeError: with everything that is wrong with any of them.
    """
    shared = {**experiment.set, **overrides}
    if experiment.metrics.all:
        shared["evaluate.metrics"] = experiment.metrics.all
    problems = [*_misled(experiment, catalogue), *_unplaced(experiment, path, overrides, catalogue)]
    recipes: list[Recipe] = []
    for seed in experiment.seed_list:
        for entry in experiment.recipes:
            name = entry if isinstance(entry, str) else experiment.named[0]
            try:
                seeded = {**shared, "train.seed": seed}
                recipe = load(name, catalogue, at=experiment.overlays, shared=seeded, near=path)
                recipes.append(recipe if isinstance(entry, str) else _beside(recipe, entry, catalogue))
            except RecipeError as error:
                problems += [Problem(f"{error.source}: {p.path}", p.message) for p in error.problems]
    if problems:
        raise RecipeError(str(path), dict.fromkeys(problems))
    return recipes


def _beside(recipe: Recipe, entry: dict[str, Any], catalogue: Catalogue) -> Recipe:
    """A generator that does not learn, given by its part, on the data and by the metrics of a recipe."""
    network = {key: value for key, value in entry.items() if key != "name"}
    tree = {key: recipe.tree[key] for key in ("data", "train", "evaluate", "observers")}
    made, problems = resolve({**tree, "generator": {"network": network}}, _name(entry), catalogue)
    if made is None:
        raise RecipeError(_name(entry), problems)
    return made


def _misled(experiment: Experiment, catalogue: Catalogue) -> Iterator[Problem]:
    """A primary metric that ranks the untouched photo above imitations of the truth."""
    primary = experiment.metrics.primary
    if primary in COSTS:
        yield Problem("metrics.primary", f"{primary} says nothing of the pictures; name it under metrics.also")
    if primary not in catalogue.names("metrics"):
        return  # none, or one that the recipes complain of
    factory = catalogue.get("metrics", primary).factory
    if not getattr(factory, "leads", True):
        why = getattr(factory, "caveat", "") or "it ranks the untouched photo above imitations of the truth"
        text = f"{primary} may stand in a table but not lead it ({why}); name it under metrics.also"
        yield Problem("metrics.primary", text)


def _unplaced(experiment: Experiment, path: Path, overrides: dict[str, Any], catalogue: Catalogue) -> list[Problem]:
    """A path under `set` or on the command line that no recipe has."""
    given = {**experiment.set, **overrides}
    trees = [read(shelf.find(name, "baselines", path)) for name in experiment.named]
    for tree in trees:
        for overlay in experiment.overlays:
            lay(tree, overrides_of(shelf.find(overlay, "baselines/at", path)), catalogue)
    placed = {dotted for tree in trees for dotted in lay(tree, given, catalogue)}
    return [Problem(dotted, "no recipe has this path") for dotted in given if dotted not in placed]
