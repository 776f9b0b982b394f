"""Experiments: files over recipes, and their cells: a recipe, levels of its factors, and a seed."""

from __future__ import annotations

import copy
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, is_dataclass, replace
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, TypeVar, get_args

from pydantic import ConfigDict, Field

from toonlab.engine.profiling import COSTS
from toonlab.errors import PluginError, Problem, RecipeError, nearest
from toonlab.recipes.dotted_tree import Tree
from toonlab.recipes.load import Draft, read
from toonlab.recipes.resolve import resolve
from toonlab.recipes.spec import Recipe
from toonlab.registry.catalogue import Catalogue
from toonlab.registry.schema import Schema
from toonlab.stats.verdicts import LOOKS
from toonlab.studies.executors.cell import CellSpec
from toonlab.studies.results.comparisons import MARGIN
from toonlab.studies.results.results import Variant
from toonlab.utils import paths, yaml

from .design import Design, Levels, combinations

Seeds = Annotated[int, Field(gt=0, le=10_000)] | list[Annotated[int, Field(ge=0, lt=2**63)]]
Factor = Annotated[list[Any], Field(min_length=1)] | Annotated[dict[Any, dict[str, Any]], Field(min_length=1)]
Budget = Literal["steps", "critic_pixels", "seconds"]


Margin = Annotated[float, Field(gt=0, allow_inf_nan=False)]


@dataclass(frozen=True)
class MetricNames:
    """The metrics of a comparison. Empty: the recipes' own.

    Args:
        primary: leads the table; a variant is called better or worse by it.
        guards: a better variant must not lose more than the margin in any of them.
        margin: the smallest difference that matters, in the unit of the primary metric and the guards.
        also: further columns, costs included.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    primary: str | None = None
    guards: list[str] = field(default_factory=list)
    margin: Margin = MARGIN
    also: list[str] = field(default_factory=list)

    @property
    def all(self) -> list[str]:
        """The metrics of pictures."""
        names = dict.fromkeys((self.primary, *self.guards, *self.also))
        return [name for name in names if name and name not in COSTS]

    @property
    def costs(self) -> list[str]:
        """The costs among them."""
        return [name for name in self.also if name in COSTS]


@dataclass(frozen=True)
class Decide:
    """A study that adds seeds until no comparison is undecided.

    Args:
        margin: in place of that of the metrics.
        max_seeds: of the last look.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    margin: Margin | None = None
    max_seeds: Literal[9, 13, 18, 24] = 24  # of LOOKS


@dataclass(frozen=True, kw_only=True)
class StudyFile:
    """The keys that the files of comparisons and searches share.

    Args:
        set: dotted path -> value, for the recipes that have the path.
        time_limit: seconds that a run may take; one that takes longer is saved and counts as failed.
        executor: where the runs take place: `{use: local, jobs: 2}`; no result depends on it.
    """

    KIND: ClassVar[str]
    about: str = ""
    at: str | list[str] | None = None
    set: dict[str, Any] = field(default_factory=dict)
    time_limit: Annotated[float, Field(gt=0)] | None = None
    executor: dict[str, Any] = field(default_factory=dict)

    @property
    def overlays(self) -> list[str]:
        return [self.at] if isinstance(self.at, str) else self.at or []

    def problems(self) -> Iterator[Problem]:
        """What is wrong with values that are valid by themselves."""
        raise NotImplementedError


S = TypeVar("S", bound=StudyFile)
_KINDS = {"comparison": ("recipes", "compare"), "search": ("search", "tune")}  # the key of each, and its command


def read_file(kind: type[S], name: str, **given: Any) -> tuple[S, Path]:
    """Read and check the file of a comparison or a search.

    Args:
        given: replaces what the file says, unless None.

    Raises:
        RecipeError: with everything that is wrong.
    """
    path = paths.find(name, "experiments")
    data = yaml.load_file(path)
    key = _KINDS[kind.KIND][0]
    for other, (its_key, command) in _KINDS.items():
        if its_key in data and (key not in data or other == "search" != kind.KIND):  # a search has recipes, too
            lacks = f"has no `{key}`" if key not in data else f"has `{its_key}`"
            text = f"a {other}, not a {kind.KIND}: it {lacks}; use toonlab {command}"
            raise RecipeError(str(path), [Problem("", text)])
    data |= {name: value for name, value in given.items() if value is not None}
    values, problems = Schema.of(kind).validate(data, "")
    if problems:
        raise RecipeError(str(path), [inner for problem in problems for inner in _inside(kind, data, problem)])
    study = kind(**values)
    if problems := list(study.problems()):
        raise RecipeError(str(path), problems)
    return study, path


def _inside(kind: type[StudyFile], data: Mapping[str, Any], problem: Problem) -> list[Problem]:
    """What is wrong inside of a section, in place of the section."""
    parameter, given = Schema.of(kind).parameters.get(problem.path), data.get(problem.path)
    kinds = (parameter.annotation, *get_args(parameter.annotation)) if parameter else ()
    if (section := next((kind for kind in kinds if isinstance(kind, type) and is_dataclass(kind)), None)) is None:
        return [problem]
    if not isinstance(given, dict):
        return [Problem(problem.path, f"got {given!r}, expected {{{', '.join(Schema.of(section).parameters)}}}")]
    return Schema.of(section).validate(given, problem.path)[1] or [problem]


@dataclass(frozen=True)
class Experiment(StudyFile):
    """A file over recipes; `seeds: 3` means 0, 1, 2.

    `recipes` may include a non-learned baseline, by its generator: `{use: pictures, path: DIR, name: theirs}`.

    Args:
        factors: dotted path -> levels, each applied to the recipes that have the path; or any name -> levels by name,
            each of them several overrides at once: `resolution: {64: {data.size: 64, train.size: 64}, 128: …}`. Those
            under `only: {ctss: {…}}` are for that recipe and its descendants.
        design: how the levels are combined, see `design.combinations`.
        baseline: the recipe with which the others are compared; the first trained one, if not given.
        within: factors of which no levels are compared with each other: the baseline is that of the same levels.
        decide: adds seeds until nothing is undecided; a number of `seeds` has no effect then, a list is their order.
        budget: the cost that is equal for all trained variants, see `budget.allot`.
    """

    KIND: ClassVar[str] = "comparison"
    recipes: Annotated[list[str | dict[str, Any]], Field(min_length=1)]
    factors: dict[str, Factor] = field(default_factory=dict)
    design: Design = "full"
    baseline: str | None = None
    within: list[str] = field(default_factory=list)
    seeds: Seeds = 3
    metrics: MetricNames = MetricNames()
    decide: Decide | None = None
    budget: Budget = "steps"

    @property
    def named(self) -> list[str]:
        """The recipes given by name."""
        return [entry for entry in self.recipes if isinstance(entry, str)]

    @property
    def seed_list(self) -> list[int]:
        """The seeds; those of the last look, if the study decides how many it takes."""
        if self.decide:
            return (list(range(max(LOOKS))) if isinstance(self.seeds, int) else self.seeds)[: self.decide.max_seeds]
        return list(range(self.seeds)) if isinstance(self.seeds, int) else self.seeds

    @property
    def margin(self) -> float:
        """The smallest difference that matters."""
        return self.decide.margin if self.decide and self.decide.margin else self.metrics.margin

    @property
    def levels(self) -> dict[str, list[Any]]:
        """factor -> its levels, or their names."""
        return {factor: list(levels) for factor, levels in self.factors.items()}

    def overrides_of(self, factor: str) -> dict[str, Any]:
        """Every path that a factor changes in any recipe, with one of its values."""
        each = [self.overrides_at({factor: level}, self.only(factor)) for level in reversed(self.levels[factor])]
        return {dotted: value for overrides in each for dotted, value in overrides.items()}

    def overrides_at(self, levels: Levels, names: Sequence[str]) -> dict[str, Any]:
        """What levels change: dotted path -> value.

        Args:
            names: those of the recipe and of the recipes that it extends, for overrides that are for one `only`.
        """
        found: dict[str, Any] = {}
        for factor, level in levels.items():
            given = self.factors[factor]
            found |= given[level] if isinstance(given, dict) else {factor: level}
            for name in reversed(names):
                found |= found.get("only", {}).get(name, {})
            found.pop("only", None)
        return found

    def only(self, factor: str) -> list[str]:
        """The recipes for which alone some overrides of a factor are."""
        given = self.factors[factor]
        levels = given.values() if isinstance(given, dict) else ()
        return list(dict.fromkeys(name for level in levels for name in level.get("only", {})))

    def problems(self) -> Iterator[Problem]:
        """Names of recipes that are missing, can't be those of folders, or are given twice; overrides for no recipe."""
        if not self.named:
            text = "no recipe is given by name; give one at least: the others are measured on its data and by its"
            yield Problem("recipes", f"{text} metrics")
        for name, count in Counter(map(_name, self.recipes)).items():
            if not re.fullmatch(r"[^/\\.][^/\\]*", name):
                yield Problem("recipes", f"{name!r} can't name a folder of runs; give another name")
            if count > 1:
                yield Problem(
                    "recipes", f"{count} of them are called {name!r}; give each a name of its own, by name: …"
                )
        for factor, levels in self.factors.items():
            for only in (
                (level["only"] for level in levels.values() if "only" in level) if isinstance(levels, dict) else ()
            ):
                if not isinstance(only, dict) or not all(isinstance(own, dict) for own in only.values()):
                    text = f"got {only!r}, expected recipes' names, each with its overrides"
                    yield Problem(f"factors: {factor}: only", text)


def read_experiment(name: str, seeds: int | None = None, *, until_decided: bool = False) -> tuple[Experiment, Path]:
    """The file of a comparison, with other seeds if given, or as one that decides on their number; see `read_file`."""
    experiment, path = read_file(Experiment, name, seeds=seeds)
    if until_decided and not experiment.decide:
        experiment = replace(experiment, decide=Decide())
    if experiment.decide and seeds is not None:
        text = f"got {seeds}, but the study itself decides on their number, up to {experiment.decide.max_seeds}"
        raise RecipeError(str(path), [Problem("seeds", f"{text}; leave --seeds or `decide` out")])
    return experiment, path


def _name(entry: str | dict[str, Any]) -> str:
    return Path(entry).stem if isinstance(entry, str) else str(entry.get("name", entry.get("use")))


def plan_cells(
    experiment: Experiment, path: Path, overrides: Mapping[str, Any], catalogue: Catalogue
) -> list[CellSpec]:
    """Every cell, seed by seed so that a study cut short still has pairs.

    Levels that make no difference to a recipe (its own value among a factor's levels) make one variant, not two.

    Raises:
        RecipeError: with everything that is wrong with any of them.
    """
    plan = _Plan(experiment, path, overrides, catalogue)
    unmeasured = list(_unmeasured(experiment, catalogue))
    problems = [*unmeasured, *_misled(experiment, catalogue), *plan.unplaced(), *_unfit(experiment)]
    variants: list[CellSpec] = []
    for entry in experiment.recipes:
        same: list[Tree] = []
        for levels in plan.levels(entry):
            try:
                recipe = plan.recipe(entry, levels)
            except RecipeError as error:
                own = [p for p in error.problems if not (unmeasured and p.path.startswith("evaluate.metrics"))]
                problems += [Problem(f"{error.source}: {p.path}", p.message) for p in own]
                continue
            if recipe.tree not in same:
                variants.append(CellSpec(Variant(_name(entry), levels, recipe.supervised), recipe))
            same.append(recipe.tree)
    problems += _alike(variants)
    if problems:
        raise RecipeError(str(path), dict.fromkeys(problems))
    seeds = experiment.seed_list
    return [CellSpec(spec.variant, with_train(spec.recipe, seed=seed)) for seed in seeds for spec in variants]


def with_train(recipe: Recipe, **values: Any) -> Recipe:
    """The recipe with other values under `train`."""
    return replace(recipe, train=replace(recipe.train, **values))


def _alike(specs: Sequence[CellSpec]) -> Iterator[Problem]:
    """Several variants with the same label."""
    for label, count in Counter(spec.variant.label for spec in specs).items():
        if count > 1:
            text = f"{count} variants are called {label!r}; give their levels names"
            yield Problem("factors", f"{text}: {{NAME: {{PATH: VALUE, …}}, …}}")


def baseline_of(experiment: Experiment, specs: Sequence[CellSpec]) -> str:
    """The label of the variant with which the others are compared: the first of the baseline's."""
    wanted = [spec for spec in specs if spec.variant.recipe == experiment.baseline]
    trained = wanted or [spec for spec in specs if spec.recipe.stages] or specs
    return trained[0].variant.label


def baselines_of(experiment: Experiment, specs: Sequence[CellSpec]) -> dict[str, str]:
    """label -> that of the variant with which it is compared, where `within` says that it is another than the first."""
    variants = {spec.variant.label: spec.variant for spec in specs}
    first, found = variants[baseline_of(experiment, specs)], dict[str, str]()
    for label, variant in variants.items() if experiment.within else ():
        own = {factor: variant.levels[factor] for factor in experiment.within if factor in variant.levels}
        wanted = first.recipe, {**first.levels, **own}
        same = (other for other, each in variants.items() if (each.recipe, each.levels) == wanted)
        found.update((label, other) for other in same)
    return found


def floors_of(specs: Sequence[CellSpec], catalogue: Catalogue) -> list[str]:
    """The labels of the variants whose pictures every method has to surpass, as their generators say."""
    parts = {spec.variant.label: spec.recipe.generator.network for spec in specs if not spec.recipe.stages}
    return [label for label, part in parts.items() if getattr(catalogue.get(part.kind, part.use).factory, "floor", 0)]


class _Plan:
    """An experiment's recipes with its overrides."""

    def __init__(self, experiment: Experiment, path: Path, overrides: Mapping[str, Any], catalogue: Catalogue) -> None:
        self.experiment, self.path, self.catalogue = experiment, path, catalogue
        self.given = {**experiment.set, **overrides}
        metrics = {"evaluate.metrics": experiment.metrics.all} if experiment.metrics.all else {}
        self.shared = {**self.given, **metrics}
        self.drafts = {name: self._draft(name) for name in experiment.named}
        changed = [pair for factor in experiment.factors for pair in experiment.overrides_of(factor).items()]
        self.found = {name: {path for path, v in changed if self.placed(name, {path: v})} for name in self.drafts}

    def _draft(self, name: str) -> Draft:
        draft = read(paths.find(name, "baselines", self.path))
        draft.apply_overlays(self.experiment.overlays, self.catalogue, self.path)
        return draft

    def placed(self, name: str, overrides: Mapping[str, Any]) -> set[str]:
        """The paths among some overrides that a recipe has."""
        return copy.deepcopy(self.drafts[name]).apply_present(overrides, self.catalogue)

    def levels(self, entry: str | dict[str, Any]) -> Iterator[Levels]:
        """The combinations of the levels of a recipe's own factors; a non-learned baseline has none."""
        experiment, found = self.experiment, self.found[entry] if isinstance(entry, str) else set[str]()
        own = {
            name: levels for name, levels in experiment.levels.items() if found & experiment.overrides_of(name).keys()
        }
        yield from combinations(own, experiment.design)

    def recipe(self, entry: str | dict[str, Any], levels: Levels) -> Recipe:
        """The recipe at some levels, with the first seed."""
        name = entry if isinstance(entry, str) else self.experiment.named[0]
        draft = copy.deepcopy(self.drafts[name])
        changed = self.experiment.overrides_at(levels, draft.names)
        shared = {**self.shared, **changed, "train.seed": self.experiment.seed_list[0]}
        draft.apply_present(shared, self.catalogue)
        recipe = draft.resolve(self.catalogue, name)
        return recipe if isinstance(entry, str) else _fixed(recipe, entry, self.catalogue)

    def unplaced(self) -> Iterator[Problem]:
        """A path under `set`, on the command line or among the factors that no recipe has."""
        placed = {dotted for name in self.drafts for dotted in self.placed(name, self.given)}
        found = set[str]().union(*self.found.values())
        yield from (Problem(dotted, "no recipe has this path") for dotted in self.given if dotted not in placed)
        names = {name for draft in self.drafts.values() for name in draft.names}
        for factor, levels in self.experiment.factors.items():
            unknown = [name for name in self.experiment.only(factor) if name not in names]
            yield from (Problem(f"factors: {factor}: only", f"{n!r}: no recipe is or extends it") for n in unknown)
            where = f"factors: {factor}: " if isinstance(levels, dict) else "factors: "
            missing = [p for p in self.experiment.overrides_of(factor) if p not in found]
            yield from (Problem(f"{where}{dotted}", "no recipe has this path") for dotted in missing)


def _fixed(recipe: Recipe, entry: dict[str, Any], catalogue: Catalogue) -> Recipe:
    """A non-learned baseline, given by its generator's part, on the data and with the metrics of a recipe."""
    network = {key: value for key, value in entry.items() if key != "name"}
    tree = {key: recipe.tree[key] for key in ("data", "train", "evaluate", "observers")}
    return resolve({**tree, "generator": {"network": network}}, _name(entry), catalogue)


def _unfit(experiment: Experiment) -> Iterator[Problem]:
    """A baseline that is not among the recipes, a design that does not fit the factors."""
    names = [_name(entry) for entry in experiment.recipes]
    if experiment.baseline is not None and experiment.baseline not in names:
        yield Problem(
            "baseline", f"{experiment.baseline!r} is none of the recipes; {nearest(experiment.baseline, names)}"
        )
    for factor in experiment.within:
        if factor not in experiment.factors:
            yield Problem("within", f"{factor!r} is none of the factors; {nearest(factor, experiment.factors)}")
    if experiment.within and experiment.design != "full":
        yield Problem("within", f"needs every combination of levels; got design {experiment.design}")
    if experiment.decide and len(set(experiment.seed_list)) < experiment.decide.max_seeds:
        text = f"got a list of {len(set(experiment.seed_list))}, expected {experiment.decide.max_seeds} (max_seeds)"
        yield Problem("seeds", f"{text} different ones, or no list")
    if experiment.design == "full":
        return
    if not experiment.factors:
        yield Problem("design", f"{experiment.design} needs factors; give some, or leave `design` out")
    for path, levels in experiment.factors.items():
        if experiment.design == "leave-one-out" and len(levels) > 1:
            text = f"got {len(levels)} levels; with leave-one-out a factor has one, the change that is left out"
            yield Problem(f"factors: {path}", text)


def _unmeasured(experiment: Experiment, catalogue: Catalogue) -> Iterator[Problem]:
    """Unknown metrics, with the key of the experiment that names them."""
    metrics = experiment.metrics
    given: Mapping[str, Sequence[str | None]] = {
        "primary": [metrics.primary],
        "guards": metrics.guards,
        "also": metrics.also,
    }
    for where, names in given.items():
        for name in names:
            try:
                if name and (name not in COSTS or where == "guards"):
                    catalogue.get("metrics", name)
            except PluginError as error:
                yield Problem(f"metrics.{where}", str(error))
    if metrics.guards and metrics.primary in (None, *metrics.guards):
        yield Problem("metrics.guards", "expected metrics other than metrics.primary, which has to be given")


def _misled(experiment: Experiment, catalogue: Catalogue) -> Iterator[Problem]:
    """A primary metric that ranks the unmodified photo above imitations of the truth."""
    primary = experiment.metrics.primary
    if primary in COSTS:
        yield Problem("metrics.primary", f"{primary} says nothing of the pictures; name it under metrics.also")
    if primary not in catalogue.names("metrics"):
        return
    factory = catalogue.get("metrics", primary).factory
    if not getattr(factory, "leads", True):
        why = getattr(factory, "caveat", "") or "it ranks the unmodified photo above imitations of the truth"
        text = f"{primary} may stand in a table but not lead it ({why}); name it under metrics.also"
        yield Problem("metrics.primary", text)
