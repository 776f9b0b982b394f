"""Search files: a recipe, the space of its parameters, an objective; `auto` ranges come from the plugins."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import ConfigDict, Field

from toonlab.errors import Problem, RecipeError, ToonlabError
from toonlab.recipes.dotted_tree import DottedTree
from toonlab.recipes.load import load
from toonlab.recipes.spec import Recipe
from toonlab.registry.catalogue import Catalogue
from toonlab.registry.protocols import Tunable
from toonlab.registry.schema import Schema
from toonlab.studies.results.comparisons import MARGIN
from toonlab.utils import paths, yaml

from .experiment import Margin, StudyFile, read_file

Positive = Annotated[int, Field(gt=0, le=10**12)]
_LARGEST = 1e15  # a float holds larger integers no more


@dataclass(frozen=True)
class SearchObjective:
    """The metric to optimize, as measured on the evaluation samples at the end of a run."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    metric: str
    direction: Literal["maximize", "minimize"] = "maximize"


@dataclass(frozen=True)
class Confirm:
    """The best `top` trials against the default, on `seeds` seeds that the search has not seen.

    `margin` is the smallest difference that matters, in the unit of the objective.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    top: Positive = 3
    seeds: Positive = 8
    margin: Margin = MARGIN


@dataclass(frozen=True)
class SearchSpec(StudyFile):
    """A search over one recipe.

    Args:
        recipe: a name on the shelf, or a path.
        search: dotted path -> `auto` (the range that the plugin declares), a list of choices, or
            `{low: 8, high: 64, step: 8}` (`log: true` in place of `step`).
        objective: the metric to optimize.
        sampler: `tpe`, `random`, `grid` (every combination, in steps) or `cma` (numbers only).
        pruner: ends trials that lag behind at an evaluation before the last: `median`, `hyperband` or `none`.
        seeds_per_trial: seeds whose mean is a trial's value; the same for all trials.
        trials: the number to run, with the default; infeasible ones do not count.
        confirm: the comparison at the end.
        also: further metrics in the confirmation's table.
    """

    KIND: ClassVar[str] = "search"
    recipe: str
    search: dict[str, Any]
    objective: SearchObjective
    sampler: Literal["tpe", "random", "grid", "cma"] = "tpe"
    pruner: Literal["median", "hyperband", "none"] = "median"
    seeds_per_trial: Positive = 2
    trials: Positive = 50
    confirm: Confirm = Confirm()
    also: list[str] = field(default_factory=list)

    @property
    def maximize(self) -> bool:
        return self.objective.direction == "maximize"

    def problems(self) -> Iterator[Problem]:
        """A space without a path."""
        if not self.search:
            yield Problem("search", "empty; give at least one path, such as critics.patch.sampler.k: auto")


@dataclass(frozen=True)
class Range:
    """The values of a path in a search: choices, or numbers from `low` to `high`, both included."""

    choices: tuple[Any, ...] | None = None
    low: float = 0
    high: float = 0
    step: float | None = None
    log: bool = False
    integer: bool = False

    def to_json(self) -> dict[str, Any]:
        return {"choices": list(self.choices)} if self.choices else asdict(self)


def is_search(name: str) -> bool:
    """Whether an experiment is a search."""
    return "search" in yaml.load_file(paths.find(name, "experiments"))


def read_search(name: str, trials: int | None = None) -> tuple[SearchSpec, Path]:
    """The file of a search, with another number of trials if given; see `read_file`."""
    return read_file(SearchSpec, name, trials=trials)


def recipe_of(
    search: SearchSpec,
    path: Path,
    catalogue: Catalogue,
    seed: int,
    chosen: Mapping[str, Any],
    overrides: Mapping[str, Any],
) -> Recipe:
    """The recipe with a trial's parameters and a seed."""
    metrics = list(dict.fromkeys([search.objective.metric, *search.also]))
    shared = {**search.set, **overrides, "evaluate.metrics": metrics}
    pairs = [*chosen.items(), ("train.seed", seed)]
    return load(search.recipe, catalogue, pairs, search.overlays, shared, path)


def space_of(search: SearchSpec, path: Path, recipe: Recipe, catalogue: Catalogue) -> dict[str, Range]:
    """The range of each path, with `auto` filled in.

    Raises:
        RecipeError: with every path that the recipe does not have, or for which there is no range.
    """
    problems: list[Problem] = []
    space = {}
    for dotted, given in search.search.items():
        try:
            space[dotted] = _range(dotted, given, recipe, catalogue)
            _suits(space[dotted], search.sampler)
        except (ToonlabError, ValueError) as error:
            problems.append(Problem(f"search: {dotted}", str(error)))
    if problems:
        raise RecipeError(str(path), problems)
    return space


def _range(dotted: str, given: Any, recipe: Recipe, catalogue: Catalogue) -> Range:
    current = DottedTree(recipe.tree)[dotted]
    if isinstance(given, list) and given:
        return Range(tuple(given))
    if given == "auto":
        return _declared(dotted, recipe, catalogue)
    if isinstance(given, Mapping) and {"low", "high"} <= set(given) <= {"low", "high", "step", "log"}:
        values, problems = Schema.of(Tunable).validate(given, "")
        if problems:
            raise ValueError("; ".join(map(str, problems)))
        return _of(Tunable(**values), isinstance(current, int) and not isinstance(current, bool))
    raise ValueError(f"got {given!r}, expected auto, a list of choices, or {{low: 8, high: 64, step: 8}}")


def _suits(found: Range, sampler: str) -> None:
    if found.step is not None and found.step <= 0:
        raise ValueError(f"step: got {found.step}, expected a number above 0")
    if max(abs(found.low), abs(found.high), found.step or 0) > _LARGEST:
        raise ValueError(f"got {found.low:g} to {found.high:g}, expected numbers up to {_LARGEST:g}")
    if found.step and (found.high - found.low) / found.step > _LARGEST:
        raise ValueError(f"step: got {found.step}, expected at most {_LARGEST:g} steps from low to high")
    if sampler == "grid" and not found.choices and not found.step and not found.integer:
        raise ValueError("a grid needs a step, or a list of choices")
    if sampler == "cma" and found.choices:
        raise ValueError("cma searches over numbers, not over choices; take tpe")


def _declared(dotted: str, recipe: Recipe, catalogue: Catalogue) -> Range:
    """The range that a part's plugin declares."""
    above, _, name = dotted.rpartition(".")
    part = recipe.part_at.get(above)
    if part is None or name not in part.parameters:
        raise ValueError("no plugin declares a range for it; give {low: …, high: …} or a list of choices")
    parameter = catalogue.get(part.kind, part.use).schema.parameters[name]
    if parameter.tunable is None:
        raise ValueError(f"{part.use} declares no range for {name}; give {{low: …, high: …}} or a list of choices")
    return _of(parameter.tunable, parameter.type_name == "int")


def _of(tunable: Tunable, integer: bool) -> Range:
    def number(value: float) -> float:
        return int(value) if integer else value

    step = None if tunable.step is None else number(tunable.step)
    return Range(None, number(tunable.low), number(tunable.high), step, tunable.log, integer)
