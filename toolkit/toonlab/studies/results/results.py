"""What a study found, as plain data: written after every cell, read by tables and reports."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from toonlab.errors import ToonlabError
from toonlab.runs.directory import write_atomically

from . import tables

CellStatus = Literal["waiting", "running", "finished", "failed", "stopped"]
FILE = "results.json"


@dataclass(frozen=True)
class Variant:
    """A row of a table: a recipe, at levels of the factors that it has (dotted path -> level)."""

    recipe: str
    levels: Mapping[str, Any] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """`ctss`, or `ctss (k 4, patch_size 24)`."""
        names = short_names(list(self.levels))
        levels = ", ".join(f"{names[path]} {_text(level)}" for path, level in self.levels.items())
        return f"{self.recipe} ({levels})" if levels else self.recipe


_SAY_LITTLE = frozenset({"weight", "lr", "width", "betas", "critic", "generator", "use", "steps", "epochs"})


def short_names(paths: Sequence[str]) -> dict[str, str]:
    """Dotted paths by their last words, as many as it takes to tell them apart and to say of what they are."""
    names = {}
    for path in paths:
        words = path.split(".")
        counts = range(min(2, len(words)) if words[-1] in _SAY_LITTLE else 1, len(words) + 1)
        ends = [".".join(words[-count:]) for count in counts]
        names[path] = next(e for e in ends if sum(p == e or p.endswith(f".{e}") for p in paths) == 1 or e == path)
    return names


def _text(level: Any) -> str:
    """`rank image`: a part by its name, `off` for what is left out, a mapping by its values."""
    if level is None:
        return "off"
    if isinstance(level, Mapping):
        inside = " ".join(f"{key} {_text(value)}" for key, value in level.items()) or "as it is"
        return str(level["use"]) if "use" in level else inside
    return level if isinstance(level, str) else json.dumps(level)


@dataclass(frozen=True)
class CellResult:
    """A variant with one seed, and what became of it.

    Args:
        run: the name of the run's directory, in that of the study.
        reason: why it failed or stopped.
        log: the last lines that a failed one wrote.
        outcome: `Outcome` as JSON: `metrics`, `photo`, `costs`, `measured`, `seconds`, `step`.
        again: it had finished before.
    """

    variant: Variant
    seed: int
    run: str
    status: CellStatus = "waiting"
    reason: str | None = None
    log: tuple[str, ...] = ()
    outcome: Mapping[str, Any] | None = None
    again: bool = False

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> CellResult:
        return cls(**{**record, "variant": Variant(**record["variant"]), "log": tuple(record["log"])})

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
class Results:
    """A study: what was asked, and every cell.

    Args:
        kind: a comparison, or the confirmation of a search.
        directory: `runs/<study>`, in which the cells' run directories lie.
        asked: the experiment's file as data, with what the command line changed.
        command: what was typed.
        metrics: names of metrics and costs, the primary one first.
        higher: of each metric and cost, whether more is better.
        baseline: the label of the variant that the others are compared with.
        factors: dotted path -> levels.
        budget: what the variants have alike, see `budget.allot`.
        steps: label -> the steps that the budget gives a variant; empty where recipes say it themselves.
        caveats: what speaks against a metric, by name; those without one are left out.
        search: what a search tried, see `tune`; None in a comparison.
    """

    name: str
    directory: Path
    cells: Sequence[CellResult]
    kind: Literal["compare", "tune"] = "compare"
    about: str = ""
    asked: Mapping[str, Any] = field(default_factory=dict)
    command: str = ""
    metrics: Sequence[str] = ()
    higher: Mapping[str, bool] = field(default_factory=dict)
    baseline: str | None = None
    factors: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    design: str = "full"
    budget: str = "steps"
    steps: Mapping[str, int] = field(default_factory=dict)
    caveats: Mapping[str, str] = field(default_factory=dict)
    search: Mapping[str, Any] | None = None

    # -- views

    @property
    def variants(self) -> list[Variant]:
        """In the order in which they were asked for."""
        return list({cell.variant.label: cell.variant for cell in self.cells}.values())

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
        """The metrics of the photos, untouched."""
        return next((dict(c.outcome["photo"]) for c in self.cells if c.outcome and c.outcome["photo"]), {})

    @property
    def measured(self) -> dict[str, Any]:
        """How each metric measured."""
        outcomes = [cell.outcome for cell in self.cells if cell.outcome]
        return {name: about for outcome in reversed(outcomes) for name, about in outcome["measured"].items()}

    @property
    def rows(self) -> list[tables.TableRow]:
        """A row for each variant, below the untouched photo."""
        photo = {name: value for name, value in self.photo.items() if name in self.metrics}
        return tables.with_photo(photo, [self._row(variant.label) for variant in self.variants])

    def _row(self, label: str) -> tables.TableRow:
        cells = self.of(label)
        columns = (*self.metrics, "seconds")
        values = {name: [c.values[name] for c in cells if name in c.values] for name in columns}
        return tables.TableRow(label, {name: given for name, given in values.items() if given}, self.note(label))

    def note(self, label: str) -> str:
        """What stands beside a variant's name: cells that have not finished, and the steps of its budget."""
        others = Counter(cell.status for cell in self.of(label) if cell.status != "finished")
        notes = [f"{count} {status}" for status, count in others.items()]
        return ", ".join([*notes, *([f"{self.steps[label]} steps"] if label in self.steps else [])])

    # -- on the disk

    def write(self) -> None:
        """`results.json` and `results.md`, in the study's directory."""
        self.directory.mkdir(parents=True, exist_ok=True)
        record = {key: value for key, value in asdict(self).items() if key != "directory"}
        write_atomically(self.directory / FILE, json.dumps(record, indent=1, default=str) + "\n")
        write_atomically(self.directory / "results.md", tables.as_markdown(self.rows, self.caveats, self.measured))

    @classmethod
    def read(cls, directory: Path) -> Results:
        """The results that a study has left in its directory.

        Raises:
            ToonlabError: if there are none.
        """
        path = directory / FILE
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
            cells = [CellResult.from_json(cell) for cell in record.pop("cells")]
            return cls(**record, directory=directory, cells=cells)
        except FileNotFoundError as error:
            raise ToonlabError(f"{path}: no such file; run `toonlab compare {directory.name}` first") from error
        except (ValueError, TypeError, KeyError) as error:
            raise ToonlabError(f"{path}: not the results of a study: {error}; run the study again") from error

    def with_cells(self, cells: Sequence[CellResult]) -> Results:
        return replace(self, cells=list(cells))
