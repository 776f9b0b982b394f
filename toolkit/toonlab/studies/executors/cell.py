"""A cell of a study: planned, named by its run's identity, and with its result."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, TypeVar

from toonlab.engine.train import identity_of, run_of
from toonlab.errors import ToonlabError
from toonlab.recipes.spec import Recipe
from toonlab.registry.catalogue import Catalogue
from toonlab.runs.directory import read_outcome
from toonlab.studies.results.results import CellResult, Variant

T = TypeVar("T")


@dataclass(frozen=True)
class CellSpec:
    """A planned cell: the recipe has the variant's levels and the seed in it; `split` is measured at the end."""

    variant: Variant
    recipe: Recipe
    split: Literal["validation", "test"] = "test"

    @property
    def label(self) -> str:
        return f"{self.variant.label}, seed {self.recipe.train.seed}"


@dataclass(frozen=True)
class Cell:
    """A cell to execute.

    Args:
        run: the name of its run's directory, within the study's.
        identity: of its run; a study keeps that of its start, though files are edited while it runs.
    """

    spec: CellSpec
    run: str
    identity: Mapping[str, Any]

    @property
    def label(self) -> str:
        return self.spec.label

    @property
    def waiting(self) -> CellResult:
        return CellResult(self.spec.variant, self.spec.recipe.train.seed, self.run)

    def result(self, directory: Path) -> CellResult:
        """The result that its run has left in a study's directory; `waiting` before it has finished."""
        return finished_before(self.waiting, directory, self.spec.split) or self.waiting


def finished_before(cell: CellResult, directory: Path, split: str = "test") -> CellResult | None:
    """The cell with its run's outcome; None if no run in the study's directory has finished and measured the split."""
    outcome = read_outcome(directory / cell.run)
    if outcome is None or outcome.status != "finished" or split not in (outcome.split, "validation"):
        return None
    return replace(cell, status="finished", outcome=outcome.to_json(), reused=True)


def cells_of(specs: Sequence[CellSpec], catalogue: Catalogue) -> list[Cell]:
    """The cells of a plan; a variant's identities differ in the seed alone, so that its data are looked at once.

    Raises:
        ToonlabError: with a line for each non-learned baseline that can't be built.
    """
    identities = of_each_variant(specs, lambda recipe: identity_of(recipe, catalogue))
    cells = []
    for spec in specs:
        identity = with_seed(identities[spec.variant.label], spec.recipe.train.seed)
        cells.append(Cell(spec, run_of(spec.recipe, identity, Path(), "").name, identity))
    return cells


def first_of_each(specs: Iterable[CellSpec]) -> dict[str, CellSpec]:
    """label -> the first cell of each variant."""
    found: dict[str, CellSpec] = {}
    for spec in specs:
        found.setdefault(spec.variant.label, spec)
    return found


def of_each_variant(specs: Sequence[CellSpec], work: Callable[[Recipe], T]) -> dict[str, T]:
    """label -> the result of a function of each variant's recipe, with its first seed.

    Raises:
        ToonlabError: with a line for each non-learned baseline that fails; the first error of a trained recipe.
    """
    found: dict[str, T] = {}
    errors: dict[str, str] = {}
    for label, spec in first_of_each(specs).items():
        try:
            found[label] = work(spec.recipe)
        except ToonlabError as error:
            if spec.recipe.stages:
                raise
            errors[label] = str(error)
    if errors:
        raise ToonlabError("\n".join(errors.values()))
    return found


def with_seed(identity: Mapping[str, Any], seed: int) -> dict[str, Any]:
    """The identity of the run with another seed."""
    recipe = identity["recipe"]
    return {**identity, "recipe": {**recipe, "train": {**recipe["train"], "seed": seed}}}
