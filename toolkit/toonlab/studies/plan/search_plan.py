"""A search's recipe at any parameters, its feasibility, its combinations; its space, sampler and pruner as Optuna's."""

from __future__ import annotations

import json
import random
import sys
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from functools import cached_property
from math import ceil, prod
from pathlib import Path
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from toonlab.engine.builder import build, build_fixed
from toonlab.errors import Problem, RecipeError, ToonlabError
from toonlab.recipes.dotted_tree import DottedTree
from toonlab.registry.catalogue import Catalogue
from toonlab.runs.directory import digest
from toonlab.studies.executors.cell import CellSpec
from toonlab.studies.results.results import Variant
from toonlab.utils.distributed import DistributedContext, pick_device

from .search import Range, SearchSpec, recipe_of, space_of, unplaced

_WITHOUT_EFFECT = ("about", "trials", "confirm", "executor", "recipes", "budget", "control")  # on the value of a trial
_SEED = 0  # of the search itself: the same search proposes the same trials where one worker runs
_DRAWN = 10_000  # combinations at most, when one is looked for that was not tried
_SHORT = 4  # parameters at most that a label names


class SearchPlan:
    """The search of one recipe, with its space and its default parameters.

    Raises:
        RecipeError: with everything that is wrong.
    """

    def __init__(self, search: SearchSpec, path: Path, catalogue: Catalogue, overrides: Mapping[str, Any]) -> None:
        self.search, self.path, self.catalogue, self.overrides = search, path, catalogue, overrides
        self.base = recipe_of(search, path, catalogue, 0, {}, overrides)
        self.space = space_of(search, path, self.base, catalogue)
        self.default = {dotted: DottedTree(self.base.tree)[dotted] for dotted in self.space}
        if search.search == "auto":
            self.space = {dotted: self._feasible(dotted, found) for dotted, found in self.space.items()}
        self.distributions = distributions(self.space)
        self.maximize = [search.maximize]  # of each metric
        if search.objectives:
            parts = {part.use: part for part in self.base.evaluate.metrics}
            self.maximize = [parts[name].make(catalogue).higher_is_better for name in search.objectives]
        self.unit, self.amount = search.limit
        if self.unit == "steps" and not self.base.train.steps:
            text = f"a budget of steps needs it, and {self.base.name} has none; set train.steps, or take trials"
            raise RecipeError(str(path), [Problem("train.steps", text)])

    def _feasible(self, dotted: str, found: Range) -> Range:
        """A declared range of sizes or counts, up to one with which alone the recipe can be built: patches that fit."""
        own = self.default[dotted]
        while found.integer and not found.log and found.high > own and self.infeasible({dotted: found.high}):
            places = max(0, int(own - found.low) // int(found.step or 1)), grid_size(found) - 1
            found = replace(found, high=grid_value(found, sum(places) // 2))
        return found

    @property
    def count(self) -> int:
        """Trials to run, about so many for a budget of steps or seconds: no more than a grid has."""
        steps = (self.base.train.steps or 1) * self.search.seeds_per_trial
        count = {"trials": self.amount, "steps": ceil(self.amount / steps)}.get(self.unit, _DRAWN)
        return min(count, prod(map(grid_size, self.space.values()))) if self.search.sampler == "grid" else count

    @property
    def name(self) -> str:
        """Of the recipe; of its control, `ctss (random)`."""
        return f"{self.base.name} ({self.search.control})" if self.search.control else self.base.name

    @cached_property
    def digest(self) -> str:
        """A hash of everything that decides on the trials' values; a search with another one is another study."""
        spec = {key: value for key, value in asdict(self.search).items() if key not in _WITHOUT_EFFECT}
        if not self.search.objectives:  # as before there were any
            del spec["objectives"]
        return digest(json.loads(json.dumps([spec, self.base.tree], default=str)))

    @property
    def countable(self) -> bool:
        """Whether every range has steps; in others no combination comes twice by chance."""
        return all(found.choices or found.integer or found.step for found in self.space.values())

    def draws(self, seed: int) -> Iterator[dict[str, Any]]:
        """Combinations in random order, as a storage holds them: all, or the first of very many; if `countable`."""
        if not self.countable:
            return
        chance, count = random.Random(seed), prod(map(grid_size, self.space.values()))
        if count > sys.maxsize:  # a range can be no longer; of so many, none is drawn twice
            numbers = [chance.randrange(count) for _ in range(_DRAWN)]
        else:
            numbers = chance.sample(range(count), min(count, _DRAWN))
        for number in numbers:
            values = {}
            for dotted, found in self.space.items():
                number, place = divmod(number, grid_size(found))
                values[dotted] = grid_value(found, place)
            yield values

    def spec(self, params: Mapping[str, Any], seed: int, trial: int = 0) -> CellSpec:
        """The cell at the parameters of a trial, which stands for them where they are many."""
        recipe = recipe_of(self.search, self.path, self.catalogue, seed, params, self.overrides)
        return CellSpec(self.variant(params, trial), recipe)

    def variant(self, params: Mapping[str, Any], trial: int) -> Variant:
        """The default's names no parameters."""
        levels = {} if params == self.default else dict(params) if len(params) <= _SHORT else {"trial": trial}
        return Variant(self.base.name, levels, self.base.supervised)

    def infeasible(self, params: Mapping[str, Any]) -> str | None:
        """Why there is no run at some parameters, by the probe that every run begins with; None if there is."""
        try:
            recipe = self.spec(params, 0).recipe
            if recipe.stages:
                build(recipe, self.catalogue, DistributedContext(pick_device("cpu")))
            else:
                build_fixed(recipe, self.catalogue)
        except ToonlabError as error:
            return str(error)
        return None


def plans_of(search: SearchSpec, path: Path, catalogue: Catalogue, overrides: Mapping[str, Any]) -> list[SearchPlan]:
    """A plan for each recipe of a search, each before its control.

    Raises:
        RecipeError: with everything that is wrong with any of them.
    """
    plans, problems = list[SearchPlan](), list[Problem]()
    for arm in search.arms:
        try:
            plans.append(SearchPlan(arm, path, catalogue, overrides))
        except ToonlabError as error:
            if not search.recipes:
                raise
            own = error.problems if isinstance(error, RecipeError) else [Problem("", str(error))]
            problems += [Problem(": ".join(filter(None, [arm.recipe, each.path])), each.message) for each in own]
    problems += unplaced(search, path, catalogue, overrides)
    if problems:
        raise RecipeError(str(path), dict.fromkeys(problems))
    return plans


# -- as Optuna's


def distributions(space: Mapping[str, Range]) -> dict[str, BaseDistribution]:
    """Optuna's distribution of each path; choices that are no plain values are held as JSON (see `choice`)."""
    return {path: _distribution(found) for path, found in space.items()}


def _distribution(found: Range) -> BaseDistribution:
    if found.choices:
        return CategoricalDistribution([encoded(value) for value in found.choices])
    if found.integer:
        return IntDistribution(int(found.low), int(found.high), log=found.log, step=int(found.step or 1))
    return FloatDistribution(found.low, found.high, log=found.log, step=found.step)


def encoded(value: Any) -> Any:
    """A choice as a storage holds it."""
    return value if isinstance(value, str | int | float | bool | None) else json.dumps(value, sort_keys=True)


def decoded(space: Mapping[str, Range], parameters: Mapping[str, Any]) -> dict[str, Any]:
    """A trial's parameters as the recipe takes them."""
    return {path: _decoded(space[path], value) for path, value in parameters.items()}


def _decoded(found: Range, value: Any) -> Any:
    return next((choice for choice in found.choices or () if encoded(choice) == value), value)


def sampler(search: SearchSpec) -> optuna.samplers.BaseSampler:
    """The search's sampler; a running trial is not proposed again (constant liar).

    Raises:
        ToonlabError: if a package that it needs is missing.
    """
    if search.sampler in ("random", "grid"):  # Optuna's own grid ends a search by an error, unless Optuna runs it
        return optuna.samplers.RandomSampler(seed=_SEED)
    if search.sampler == "cma":
        try:
            return optuna.samplers.CmaEsSampler(seed=_SEED)
        except ImportError as error:
            raise ToonlabError("sampler: cma needs the package cmaes: pip install 'toonlab[cma]'") from error
    unit, amount = search.limit
    first = min(10, max(3, amount // 4)) if unit == "trials" else 10
    if search.sampler == "gp":
        return optuna.samplers.GPSampler(seed=_SEED, n_startup_trials=first)
    return optuna.samplers.TPESampler(seed=_SEED, n_startup_trials=first, multivariate=True, constant_liar=True)


def grid_size(found: Range) -> int:
    """The number of values of a range, in steps."""
    return len(found.choices) if found.choices else int((found.high - found.low) / (found.step or 1) + 1e-9) + 1


def grid_value(found: Range, place: int) -> Any:
    """A value of a range by its place, without making those before it."""
    if found.choices:
        return encoded(found.choices[place])
    value = found.low + (found.step or 1) * place
    return int(value) if found.integer else float(value)


def pruner(search: SearchSpec) -> optuna.pruners.BasePruner:
    """The search's pruner."""
    if search.objectives:  # Optuna prunes by one value
        return optuna.pruners.NopPruner()
    if search.pruner == "median":
        return optuna.pruners.MedianPruner(n_startup_trials=5)
    if search.pruner == "wilcoxon":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            return optuna.pruners.WilcoxonPruner()
    return optuna.pruners.HyperbandPruner() if search.pruner == "hyperband" else optuna.pruners.NopPruner()
