"""A search's recipe at any parameters, and what of it can't be."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping
from math import prod
from pathlib import Path
from typing import Any

from toonlab.engine.builder import build
from toonlab.errors import ToonlabError
from toonlab.registry.catalogue import Catalogue
from toonlab.runs.directory import digest
from toonlab.studies.results.results import Variant
from toonlab.studies.storage import Storage
from toonlab.utils.distributed import DistributedContext, pick_device

from .experiment import CellSpec
from .optuna_objects import distributions, grid, pruner, sampler
from .search import SearchSpec, recipe_of, space_of, value_at

_DRAWN = 10_000  # combinations at most, when one is looked for that was not tried


class SearchPlan:
    """A search with everything filled in.

    Raises:
        RecipeError: with everything that is wrong.
    """

    def __init__(self, search: SearchSpec, path: Path, catalogue: Catalogue, overrides: Mapping[str, Any]) -> None:
        self.search, self.path, self.catalogue, self.overrides = search, path, catalogue, overrides
        self.base = recipe_of(search, path, catalogue, 0, {}, overrides)
        self.space = space_of(search, path, self.base, catalogue)
        self.distributions = distributions(self.space)
        self.default = {dotted: value_at(self.base.tree, dotted) for dotted in self.space}

    @property
    def count(self) -> int:
        """Trials to run: no more than a grid has."""
        if self.search.sampler != "grid":
            return self.search.trials
        return min(self.search.trials, prod(len(grid(found)) for found in self.space.values()))

    def draws(self, seed: int) -> Iterator[dict[str, Any]]:
        """Combinations in random order, as a storage holds them: all, or the first of very many.

        None where a range has no steps: there no combination comes twice.
        """
        if not all(found.choices or found.integer or found.step for found in self.space.values()):
            return
        values = [grid(found) for found in self.space.values()]
        chance, count = random.Random(seed), prod(map(len, values))
        for number in chance.sample(range(count), min(count, _DRAWN)):
            drawn = []
            for among in values:
                number, place = divmod(number, len(among))
                drawn.append(among[place])
            yield dict(zip(self.space, drawn, strict=True))

    def planned(self, chosen: Mapping[str, Any], seed: int) -> CellSpec:
        """A run at some parameters; the default's variant names none."""
        recipe = recipe_of(self.search, self.path, self.catalogue, seed, chosen, self.overrides)
        return CellSpec(Variant(recipe.name, {} if chosen == self.default else dict(chosen)), recipe)

    def infeasible(self, chosen: Mapping[str, Any]) -> str | None:
        """Why a run at some parameters can't be, by the probe that every run begins with; None if it can."""
        try:
            build(self.planned(chosen, 0).recipe, self.catalogue, DistributedContext(pick_device("cpu")))
        except ToonlabError as error:
            return str(error)
        return None

    def storage(self, url: str, study: str, stale_after: int) -> Storage:
        """The search's Optuna study; where the search has changed, it is another one."""
        what = {key: value for key, value in vars(self.search).items() if key not in ("about", "trials", "confirm")}
        identity = digest(json.loads(json.dumps([what, self.base.tree], default=str)))
        parts = (sampler(self.search, self.space), pruner(self.search))
        return Storage(url, f"{study}-{identity[:8]}", self.search.maximize, stale_after, *parts)
