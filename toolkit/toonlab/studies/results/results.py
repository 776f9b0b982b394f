"""The results of a study as plain data: written after every cell, read by tables and reports."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from functools import cache, cached_property
from math import isclose
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, NotRequired

from pydantic import AfterValidator, ConfigDict, Field, FiniteFloat, TypeAdapter
from typing_extensions import TypedDict

from toonlab.errors import ToonlabError
from toonlab.runs.directory import write_atomically
from toonlab.runs.formats import Seconds, Step, Values
from toonlab.stats.expected_best import ExpectedBest
from toonlab.types import Scores
from toonlab.utils.reading import read_json

from . import tables
from .comparisons import MARGIN, Comparison, comparisons
from .searches import ranked

CellStatus = Literal["waiting", "running", "finished", "failed", "stopped"]
Direction = Literal["maximize", "minimize"]
TrialState = Literal["waiting", "running", "complete", "pruned", "failed", "infeasible"]
FILE = "results.json"
_STRICT = ConfigDict(extra="forbid")
_REMEDY = "run the study again, which keeps the runs that have finished"


@dataclass(frozen=True)
class Variant:
    """A row of a table: a recipe, at levels of the factors that it has (dotted path -> level).

    `supervised` says that it is trained on pairs, and its label says it everywhere.
    """

    __pydantic_config__: ClassVar = _STRICT

    recipe: str
    levels: Mapping[str, Any] = field(default_factory=dict)
    supervised: bool = False

    @property
    def label(self) -> str:
        """`ctss`, `pix2pix (supervised)`, or `ctss (k 4, patch_size 24)`."""
        names = short_names(list(self.levels))
        told = ["supervised"] * (self.supervised and "train.supervised" not in self.levels)
        told += [f"{names[path]} {_text(level)}" for path, level in self.levels.items()]
        return f"{self.recipe} ({', '.join(told)})" if told else self.recipe


_GENERAL = frozenset({"weight", "lr", "width", "betas", "critic", "generator", "use", "steps", "epochs"})


def short_names(paths: Sequence[str]) -> dict[str, str]:
    """Dotted path -> its last words, as many as tell the paths apart and name the part that a parameter belongs to."""
    names = {}
    for path in paths:
        words = path.split(".")
        counts = range(min(2, len(words)) if words[-1] in _GENERAL else 1, len(words) + 1)
        ends = [".".join(words[-count:]) for count in counts]
        names[path] = next(e for e in ends if sum(p == e or p.endswith(f".{e}") for p in paths) == 1 or e == path)
    return names


def _text(level: Any) -> str:
    """`rank image`: a part by its name, `off` for none, a mapping by its values."""
    if level is None:
        return "off"
    if isinstance(level, Mapping):
        inside = " ".join(f"{key} {_text(value)}" for key, value in level.items()) or "as it is"
        return str(level["use"]) if "use" in level else inside
    return level if isinstance(level, str) else json.dumps(level)


class _CellOutcome(TypedDict):
    """What a table needs of an `Outcome` as JSON."""

    __pydantic_config__ = ConfigDict(extra="allow")  # type: ignore[misc]
    seconds: Seconds
    metrics: Values
    photo: Values
    measured: dict[str, dict[str, Any]]
    costs: Values
    step: NotRequired[Step]
    scores: NotRequired[Scores]
    photo_scores: NotRequired[Scores]


def _is_outcome(record: Mapping[str, Any]) -> Mapping[str, Any]:
    TypeAdapter(_CellOutcome).validate_python(record, strict=True)
    return record


@dataclass(frozen=True)
class CellResult:
    """The result of a cell: a variant with one seed.

    Args:
        run: the name of the run's directory, within the study's.
        reason: why it failed or stopped.
        log: the last lines of a failed run's log.
        outcome: `Outcome` as JSON: `metrics`, `photo`, `costs`, `measured`, `seconds`, `step`, `scores`, …
        reused: whether the run had finished before; `again` in JSON.
    """

    __pydantic_config__: ClassVar = _STRICT

    variant: Variant
    seed: int
    run: Annotated[str, Field(max_length=200, pattern=r"^[^/\\.][^/\\\n]*$")]
    status: CellStatus = "waiting"
    reason: str | None = None
    log: tuple[str, ...] = ()
    outcome: Annotated[Mapping[str, Any], AfterValidator(_is_outcome)] | None = None
    reused: Annotated[bool, Field(validation_alias="again")] = False

    def to_json(self) -> dict[str, Any]:
        return {"again" if key == "reused" else key: value for key, value in asdict(self).items()}

    @property
    def label(self) -> str:
        return f"{self.variant.label}, seed {self.seed}"

    @property
    def values(self) -> dict[str, float]:
        """Metrics and costs of a finished cell; `seconds` among them."""
        if self.status != "finished" or self.outcome is None:
            return {}
        return {**self.outcome["metrics"], **self.outcome["costs"], "seconds": self.outcome["seconds"]}


@dataclass(frozen=True)
class SearchTrial:
    """A trial of a search.

    Args:
        params: dotted path -> value, as the recipe takes it.
        default: whether these are the recipe's own parameters.
        value: the mean over the seeds of the objective, for a complete trial; of the first of several.
        seeds: seed -> its value.
        intermediate: step -> the mean so far, as reported to the pruner.
        reason: why it failed, was pruned or is infeasible.
        values: metric -> mean, with several objectives; empty with one.
    """

    __pydantic_config__: ClassVar = _STRICT

    number: int
    params: Mapping[str, Any]
    default: bool = False
    state: TrialState = "complete"
    value: float | None = None
    seeds: Mapping[str, float] = field(default_factory=dict)
    intermediate: Mapping[str, float] = field(default_factory=dict)
    seconds: float | None = None
    reason: str | None = None
    values: Mapping[str, float] = field(default_factory=dict)


class _Objective(TypedDict):
    metric: str
    direction: Direction


def _several(objectives: Mapping[str, Direction]) -> Mapping[str, Direction]:
    if len(objectives) == 1:
        raise ValueError("one objective has a place of its own")
    return objectives


_Objectives = Annotated[Mapping[str, Direction], AfterValidator(_several)]


class _Choices(TypedDict):
    __pydantic_config__ = ConfigDict(extra="allow")  # type: ignore[misc]
    choices: Sequence[Any]


class _Range(TypedDict):
    __pydantic_config__ = ConfigDict(extra="allow")  # type: ignore[misc]
    choices: NotRequired[None]
    low: int | FiniteFloat
    high: int | FiniteFloat
    log: NotRequired[bool]
    integer: NotRequired[bool]


def _is_space(record: Mapping[str, Any]) -> Mapping[str, Any]:
    TypeAdapter(dict[str, _Choices | _Range]).validate_python(record)
    return record


@dataclass(frozen=True)
class SearchResult:
    """A search and its trials.

    Args:
        objective: `metric` and `direction`; the first of several.
        space: dotted path -> `{choices: …}`, or the fields of a range.
        default: dotted path -> the recipe's own value.
        importances: dotted path -> its share of the variance of the value, by fANOVA; empty after too few trials.
        storage: the Optuna storage, without a password.
        study: the name of the Optuna study.
        control: `random`, where it is the control of another search of the recipe.
        budget: unit -> amount, see `SearchBudget`.
        expected: the best value that searches of fewer trials may expect, see `searches.expected`.
        edges: dotted path -> `low` or `high`, see `searches.edges`.
        finals: the label of a variant -> the number of its trial, of those that are confirmed.
        objectives: metric -> direction, of a search with several; empty with one.
        front: with several, the numbers of the trials that no other one surpasses, the best of the first metric first.
    """

    __pydantic_config__: ClassVar = _STRICT

    recipe: str
    objective: _Objective
    space: Annotated[Mapping[str, Mapping[str, Any]], AfterValidator(_is_space)]
    sampler: str = "tpe"
    pruner: str = "none"
    seeds_per_trial: int = 1
    default: Mapping[str, Any] = field(default_factory=dict)
    trials: Sequence[SearchTrial] = ()
    importances: Mapping[str, float] = field(default_factory=dict)
    storage: str = ""
    study: str = ""
    control: str | None = None
    budget: Mapping[str, int] = field(default_factory=dict)
    expected: Sequence[ExpectedBest] = field(default_factory=list)
    edges: Mapping[str, Literal["low", "high"]] = field(default_factory=dict)
    finals: Mapping[str, int] = field(default_factory=dict)
    objectives: _Objectives = field(default_factory=dict)
    front: Sequence[int] = field(default_factory=list)

    @property
    def ranked(self) -> list[SearchTrial]:
        """The complete trials, the best first."""
        return ranked(self.trials, higher=self.objective["direction"] == "maximize")


@dataclass(frozen=True)
class StudyResults:
    """A study: its experiment and the results of its cells.

    Args:
        kind: a comparison, or the confirmation of a search.
        directory: `runs/<study>`, in which the cells' run directories lie.
        asked: the experiment's file as data, with the overrides of the command line.
        command: the command line.
        metrics: names of metrics and costs, the primary one first.
        higher: of each metric and cost, whether more is better.
        baseline: the label of the variant with which the others are compared.
        baselines: label -> that of its own baseline, of variants that another one than `baseline` is compared with.
        guards: the metrics in which a better variant must not lose more than the margin.
        margin: the smallest difference that matters, in the unit of the primary metric and the guards.
        floors: the labels of variants that make pictures which a method has to surpass.
        max_seeds: of a study that stops by itself, the seeds at its last look; None of others.
        factors: dotted path -> levels.
        budget: the cost that is equal for all variants, see `budget.allot`.
        steps: label -> the steps that the budget gives a variant; empty without a budget.
        caveats: metric -> the reason not to trust it, for metrics that have one.
        search: the trials of a search, of its first recipe; None in a comparison.
        further: the trials of its other recipes, and of controls.
    """

    __pydantic_config__: ClassVar = _STRICT

    name: str
    directory: Annotated[Path, Field(default=Path())]
    cells: Sequence[CellResult]
    kind: Literal["compare", "tune"] = "compare"
    about: str = ""
    asked: Mapping[str, Any] = field(default_factory=dict)
    command: str = ""
    metrics: Sequence[str] = ()
    higher: Mapping[str, bool] = field(default_factory=dict)
    baseline: str | None = None
    baselines: Mapping[str, str] = field(default_factory=dict)
    guards: Sequence[str] = field(default_factory=list)
    margin: Annotated[float, Field(gt=0, allow_inf_nan=False)] = MARGIN
    floors: Sequence[str] = field(default_factory=list)
    max_seeds: int | None = None
    factors: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    design: str = "full"
    budget: str = "steps"
    steps: Mapping[str, int] = field(default_factory=dict)
    caveats: Mapping[str, str] = field(default_factory=dict)
    search: SearchResult | None = None
    further: Sequence[SearchResult] = field(default_factory=list)

    # -- views

    @property
    def searches(self) -> list[SearchResult]:
        """Those of all recipes, and their controls; none in a comparison."""
        return [self.search, *self.further] if self.search else []

    @cached_property
    def verdicts(self) -> Mapping[str, Comparison]:
        """label -> what may be said of a variant, compared with the baseline; see `comparisons.comparisons`."""
        return comparisons(self)

    @property
    def variants(self) -> list[Variant]:
        """In the order of the experiment."""
        return list({cell.variant.label: cell.variant for cell in self.cells}.values())

    def baseline_of(self, label: str) -> str | None:
        """The label of the variant with which a variant is compared; its own, if it is a baseline."""
        return self.baselines.get(label, self.baseline)

    def is_baseline(self, label: str) -> bool:
        """Whether others are compared with a variant."""
        return self.baseline_of(label) == label

    @property
    def baseline_text(self) -> str:
        """The baseline, or the recipe of all baselines, for sentences and headings."""
        if not self.baselines:
            return self.baseline or ""
        if self.kind == "tune":
            return f"{self.baseline}; defaults with their own winner"
        recipes = {variant.recipe for variant in self.variants if self.is_baseline(variant.label)}
        return f"{', '.join(sorted(recipes)) or 'the baseline'} at the same level"

    def floors_of(self, label: str) -> list[str]:
        """The floors that a variant has to surpass: those that are compared with the same baseline."""
        return [floor for floor in self.floors if self.baseline_of(floor) == self.baseline_of(label)]

    def of(self, label: str) -> list[CellResult]:
        """A variant's cells."""
        return [cell for cell in self.cells if cell.variant.label == label]

    def values(self, metric: str) -> dict[str, dict[int, float]]:
        """label -> seed -> value, of the finished cells that have the metric."""
        return {
            variant.label: {c.seed: c.values[metric] for c in self.of(variant.label) if metric in c.values}
            for variant in self.variants
        }

    @property
    def failed(self) -> list[CellResult]:
        return [cell for cell in self.cells if cell.status == "failed"]

    @property
    def photo(self) -> dict[str, float]:
        """The metrics of the unmodified photos, without those that differ between cells: their photos do, too."""
        found: dict[str, list[float]] = {}
        for name, value in (item for cell in self.cells if cell.outcome for item in cell.outcome["photo"].items()):
            found.setdefault(name, []).append(value)
        return {name: values[0] for name, values in found.items() if isclose(min(values), max(values), rel_tol=1e-6)}

    @property
    def measured(self) -> dict[str, Any]:
        """metric -> how it was measured: the number of images, their size, the resizer."""
        outcomes = [cell.outcome for cell in self.cells if cell.outcome]
        return {name: about for outcome in reversed(outcomes) for name, about in outcome["measured"].items()}

    @property
    def rows(self) -> list[tables.TableRow]:
        """A row for each variant, below the unmodified photo."""
        photo = {name: value for name, value in self.photo.items() if name in self.metrics}
        return tables.with_photo(photo, [self._row(variant.label) for variant in self.variants])

    def _row(self, label: str) -> tables.TableRow:
        cells = self.of(label)
        columns = (*self.metrics, "seconds")
        values = {name: [c.values[name] for c in cells if name in c.values] for name in columns}
        values = {name: given for name, given in values.items() if given}
        verdict = (
            str(self.verdicts.get(label, "")) if not self.is_baseline(label) else "baseline" if self.verdicts else ""
        )
        return tables.TableRow(label, values, self.note(label), verdict)

    def note(self, label: str) -> str:
        """The note next to a variant's name: its unfinished cells, and the steps of its budget."""
        others = Counter(cell.status for cell in self.of(label) if cell.status != "finished")
        notes = [f"{count} {status}" for status, count in others.items()]
        return ", ".join([*notes, *([f"{self.steps[label]} steps"] if label in self.steps else [])])

    # -- on the disk

    def write(self) -> None:
        """`results.json` and `results.md`, in the study's directory."""
        self.directory.mkdir(parents=True, exist_ok=True)
        record = {key: value for key, value in asdict(self).items() if key != "directory"}
        record["cells"] = [cell.to_json() for cell in self.cells]
        record["verdicts"] = {label: asdict(one) for label, one in self.verdicts.items()}
        write_atomically(self.directory / FILE, json.dumps(record, indent=1, default=str) + "\n")
        table = tables.text_table(self.rows, self.caveats, self.measured)
        write_atomically(self.directory / "results.md", table.markdown())

    @classmethod
    def read(cls, directory: Path) -> StudyResults:
        """The results in a study's directory.

        Raises:
            ToonlabError: if there are none, or the file is damaged.
        """
        path = directory / FILE
        try:
            found = read_json(path, _adapter(), _REMEDY)
        except FileNotFoundError as error:
            raise ToonlabError(f"{path}: no such file; run `toonlab compare {directory.name}` first") from error
        return cls(**{**{each.name: getattr(found, each.name) for each in fields(cls)}, "directory": directory})

    def with_cells(self, cells: Sequence[CellResult]) -> StudyResults:
        return replace(self, cells=list(cells))


@dataclass(frozen=True)
class _File(StudyResults):
    """`results.json`, with verdicts for other programs: here they follow from the cells."""

    said: Annotated[Mapping[str, Comparison], Field(validation_alias="verdicts")] = field(default_factory=dict)


@cache
def _adapter() -> TypeAdapter[StudyResults]:
    return TypeAdapter(Annotated[_File, AfterValidator(_consistent)])


def _consistent(results: StudyResults) -> StudyResults:
    """What a page or a table looks up must be there."""
    labels = {cell.variant.label for cell in results.cells}
    for name, missing in (
        ("higher", {*results.metrics, *results.guards} - results.higher.keys()),
        ("cells", {results.baseline, *results.baselines.values()} - labels - {None} if labels else set()),
    ):
        if missing:
            raise ValueError(f"{name} lacks {', '.join(sorted(map(repr, missing)))}")
    return results
