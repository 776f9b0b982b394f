"""Search files: recipes, the spaces of their parameters, an objective; `auto` ranges come from the plugins."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import ConfigDict, Field

from toonlab.errors import Problem, RecipeError, ToonlabError, nearest
from toonlab.recipes.dotted_tree import DottedTree
from toonlab.recipes.load import Draft, overridden
from toonlab.recipes.spec import Recipe
from toonlab.registry.catalogue import Catalogue
from toonlab.registry.protocols import Tunable
from toonlab.registry.schema import Schema
from toonlab.studies.results.comparisons import MARGIN
from toonlab.utils import paths, yaml

from .experiment import Margin, StudyFile, read_file

Positive = Annotated[int, Field(gt=0, le=10**12)]
_LARGEST = 1e15  # a float holds larger integers no more
_SCALES = (
    *("generator.losses.*.weight", "critics.*.losses.*.weight", "critics.*.weight.generator"),
    *("generator.optimizer.lr", "critics.*.optimizer.lr"),
)


@dataclass(frozen=True)
class SearchObjective:
    """The metric to optimize, as measured on the evaluation samples at the end of a run."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    metric: str
    direction: Literal["maximize", "minimize"] = "maximize"


@dataclass(frozen=True)
class Confirm:
    """The best `top` trials against the default, on `seeds` seeds that the search has not seen.

    `margin` is the smallest difference that matters, in the unit of the objective. `top` is 3 where it is not given; of
    several recipes it is 1, the winner of each.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    top: Positive | None = None
    seeds: Positive = 8
    margin: Margin = MARGIN


@dataclass(frozen=True)
class SearchBudget:
    """What the search of each recipe may spend, in one unit. A trial begins while less is spent.

    Args:
        trials: with the default; infeasible ones do not count.
        steps: of all trainings, those that the pruner ended included.
        seconds: of all trainings; not reproducible.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    trials: Positive | None = None
    steps: Positive | None = None
    seconds: Positive | None = None

    @property
    def given(self) -> dict[str, int]:
        """The unit and the amount."""
        return {unit: amount for unit, amount in asdict(self).items() if amount is not None}


@dataclass(frozen=True, kw_only=True)
class SearchSpec(StudyFile):
    """A search over one recipe, or over several with the same budget.

    Args:
        recipe: a name on the shelf, or a path.
        recipes: several of them, in place of `recipe`.
        search: dotted path -> `auto` (the range that the plugin declares), a list of choices, or
            `{low: 8, high: 64, step: 8}` (`log: true` in place of `step`). `auto` in place of the whole: see
            `auto_space`. Of several recipes: recipe -> such a space; `auto` for those that are not named.
        objective: the metric to optimize.
        objectives: several metrics in place of `objective`, each in its own direction; the search is for the front of
            trials that no other one surpasses in all of them, and has no pruner.
        sampler: `tpe`, `random`, `grid` (every combination, in steps), `cma` (numbers only) or `gp`.
        pruner: ends trials that lag behind: `median` or `hyperband` at an evaluation before the last, `wilcoxon` scene
            by scene after a seed, or `none`.
        seeds_per_trial: seeds whose mean is a trial's value; the same for all trials.
        trials: the number to run, with the default; infeasible ones do not count. Short for a budget of trials.
        budget: of each recipe's search; 50 trials where nothing is given.
        control: a second search of each recipe with the same budget, which draws at random.
        confirm: the comparison at the end.
        also: further metrics in the confirmation's table.
    """

    KIND: ClassVar[str] = "search"
    recipe: str = ""
    recipes: list[str] = field(default_factory=list)
    search: dict[str, Any] | Literal["auto"]
    objective: SearchObjective | None = None
    objectives: list[str] = field(default_factory=list)
    sampler: Literal["tpe", "random", "grid", "cma", "gp"] = "tpe"
    pruner: Literal["median", "hyperband", "wilcoxon", "none"] = "median"
    seeds_per_trial: Positive = 2
    trials: Positive | None = None
    budget: SearchBudget | None = None
    control: Literal["random"] | None = None
    confirm: Confirm = Confirm()
    also: list[str] = field(default_factory=list)

    @property
    def maximize(self) -> bool:
        return self.objective is not None and self.objective.direction == "maximize"

    @property
    def metrics(self) -> list[str]:
        """Those that are optimized, the primary one first."""
        return [self.objective.metric] if self.objective else self.objectives

    @property
    def limit(self) -> tuple[str, int]:
        """The unit of the budget and its amount."""
        given = self.budget.given if self.budget else {"trials": self.trials or 50}
        return next(iter(given.items()))

    @property
    def top(self) -> int:
        """The number of trials of a recipe that are confirmed."""
        return self.confirm.top or (1 if self.recipes else 3)

    @property
    def arms(self) -> list[SearchSpec]:
        """The search of each recipe by itself, each before its control."""
        blocks = self.search if self.recipes and isinstance(self.search, dict) else {}
        arms = [
            replace(self, recipe=name, recipes=[], control=None, search=blocks.get(name, "auto"))
            for name in self.recipes
        ] or [replace(self, control=None)]
        controls = [replace(arm, control=self.control, sampler="random") for arm in arms] if self.control else []
        return [each for pair in zip(arms, controls, strict=True) for each in pair] if controls else arms

    def problems(self) -> Iterator[Problem]:
        """No recipe, or two keys for them; a space without a path; a budget of several units."""
        if bool(self.recipe) == bool(self.recipes):
            yield Problem("recipe", "give a recipe, or several under `recipes`, and not both")
        for name, count in Counter(Path(name).stem for name in self.recipes).items():
            if count > 1:
                yield Problem("recipes", f"{count} of them are called {name!r}; a recipe is searched once")
        yield from self._bad_spaces()
        if self.budget and len(self.budget.given) != 1:
            given = f"{{{', '.join(f'{unit}: {amount}' for unit, amount in self.budget.given.items())}}}"
            yield Problem("budget", f"got {given}, expected one of trials, steps and seconds")
        if self.budget and self.trials:
            yield Problem("trials", "is a budget of trials, and `budget` is given, too; leave one of them out")
        if self.recipes and self.confirm.top:
            yield Problem("confirm.top", "one winner of each recipe is confirmed; leave it out")
        if bool(self.objective) == bool(self.objectives) or len(self.objectives) == 1:
            yield Problem("objective", "give one metric here, or several under `objectives`, and not both")
        if len(set(self.objectives)) < len(self.objectives):
            yield Problem("objectives", f"got {self.objectives}, expected different metrics")
        if self.objectives and self.recipes:
            yield Problem("objectives", "a front is of one recipe; give `recipe`, or one objective")
        if self.objectives and (self.sampler == "cma" or self.pruner in ("hyperband", "wilcoxon")):
            yield Problem("objectives", "cma and pruners know one value of a trial; take tpe, and leave the pruner out")
        if self.control and self.sampler == "random":
            yield Problem("control", "the sampler is random itself; take another, or leave control out")
        if self.pruner == "wilcoxon" and self.seeds_per_trial == 1:
            yield Problem("pruner", "wilcoxon compares after each seed but the last; give seeds_per_trial 2 or more")

    def _bad_spaces(self) -> Iterator[Problem]:
        spaces = {"search": self.search}
        if self.recipes and isinstance(self.search, dict):
            spaces = {f"search: {name}": space for name, space in self.search.items()}
            for name in set(self.search) - {*self.recipes}:
                text = f"is none of the recipes; {nearest(name, self.recipes)}; of several, each has a space of its own"
                yield Problem(f"search: {name}", text)
        for where, space in spaces.items():
            if space != "auto" and not isinstance(space, dict):
                yield Problem(where, f"got {space!r}, expected auto, or paths with their ranges")
            elif not space:
                yield Problem(where, "empty; give at least one path, such as critics.patch.sampler.k: auto, or auto")


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
    """The file of a search, with a budget of so many trials if given; see `read_file`."""
    search, path = read_file(SearchSpec, name)
    return replace(search, trials=trials, budget=None) if trials else search, path


def recipe_of(
    search: SearchSpec,
    path: Path,
    catalogue: Catalogue,
    seed: int,
    chosen: Mapping[str, Any],
    overrides: Mapping[str, Any],
) -> Recipe:
    """The recipe with a trial's parameters and a seed."""
    draft = draft_of(search, path, catalogue, {**chosen, "train.seed": seed}, overrides)
    return draft.resolve(catalogue, search.recipe)


def draft_of(
    search: SearchSpec, path: Path, catalogue: Catalogue, chosen: Mapping[str, Any], overrides: Mapping[str, Any]
) -> Draft:
    """The same before defaults are filled in."""
    metrics = list(dict.fromkeys([*search.metrics, *search.also]))
    shared = {**search.set, **overrides, "evaluate.metrics": metrics}
    return overridden(search.recipe, catalogue, list(chosen.items()), search.overlays, shared, path)


def unplaced(search: SearchSpec, path: Path, catalogue: Catalogue, overrides: Mapping[str, Any]) -> Iterator[Problem]:
    """A path under `set` or on the command line that no recipe has."""
    given, placed = {**search.set, **overrides}, set[str]()
    for name in search.recipes or [search.recipe]:
        placed |= overridden(name, catalogue, at=search.overlays, near=path).apply_present(given, catalogue)
    yield from (Problem(dotted, "no recipe has this path") for dotted in given if dotted not in placed)


def space_of(search: SearchSpec, path: Path, recipe: Recipe, catalogue: Catalogue) -> dict[str, Range]:
    """The range of each path, with `auto` filled in.

    Raises:
        RecipeError: with every path that the recipe does not have, or for which there is no range.
    """
    problems: list[Problem] = []
    space = auto_space(recipe, catalogue) if search.search == "auto" else {}
    for dotted, given in {**space, **(search.search if isinstance(search.search, dict) else {})}.items():
        try:
            space[dotted] = given if isinstance(given, Range) else _range(dotted, given, recipe, catalogue)
            _suits(space[dotted], search.sampler)
        except (ToonlabError, ValueError) as error:
            problems.append(Problem(f"search: {dotted}", str(error)))
    if not space and not problems:
        problems.append(Problem("search", "auto finds nothing to search in this recipe; give paths with their ranges"))
    if problems:
        raise RecipeError(str(path), problems)
    return space


def auto_space(recipe: Recipe, catalogue: Catalogue) -> dict[str, Range]:
    """What `search: auto` searches.

    - Weights of the generator's and the critics' losses, the generator's adversarial weights, and learning rates: a
      tenth to ten times the recipe's own, on a logarithmic scale; none that are 0.
    - The length of a warm-up, a stage without critics before others, in steps or epochs: a quarter to four times its
      own, where `train.steps` is given, so that the whole keeps its length.
    - The parameters of generators', losses' and critics' parts for which their plugins declare a range.
    """
    tree, space = DottedTree(recipe.tree), dict[str, Range]()
    for dotted in (dotted for pattern in _SCALES for dotted in tree.expand(pattern)):
        if value := tree.get(dotted):
            space[dotted] = _around(value, 10)
    for place, stage in enumerate(recipe.stages[:-1] if recipe.train.steps else ()):
        if stage.critics == () and (length := stage.steps or stage.epochs):
            space[f"stages.{place}.{'steps' if stage.steps else 'epochs'}"] = _around(length, 4)
    for path, part in recipe.part_at.items():
        if path.startswith(("generator", "critics")):
            for name, parameter in catalogue.get(part.kind, part.use).schema.parameters.items():
                if parameter.tunable and part.parameters.get(name) is not None:
                    space[f"{path}.{name}"] = _of(parameter.tunable, parameter.type_name == "int")
    return space


def _around(value: float, factor: int) -> Range:
    low, high = (float(f"{end:.6g}") for end in (value / factor, value * factor))
    if isinstance(value, int):
        return Range(None, max(1, int(low)), int(high), log=True, integer=True)
    return Range(None, low, high, log=True)


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
