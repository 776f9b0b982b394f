"""A cell of a study: planned, named by its run's identity, and with its result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from toonlab.engine.train import identity_of, run_of
from toonlab.errors import ToonlabError
from toonlab.recipes.spec import Recipe
from toonlab.registry.catalogue import Catalogue
from toonlab.runs.directory import read_outcome
from toonlab.studies.results.results import CellResult, Variant


@dataclass(frozen=True)
class CellSpec:
    """A planned cell: the recipe has the variant's levels and the seed in it."""

    variant: Variant
    recipe: Recipe

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

    @classmethod
    def of(cls, spec: CellSpec, identity: Mapping[str, Any]) -> Cell:
        return cls(spec, run_of(spec.recipe, identity, Path(), "").name, identity)

    @property
    def label(self) -> str:
        return self.spec.label

    @property
    def waiting(self) -> CellResult:
        return CellResult(self.spec.variant, self.spec.recipe.train.seed, self.run)

    def result(self, directory: Path) -> CellResult:
        """The result that its run has left in a study's directory; `waiting` before it has finished."""
        return finished_before(self.waiting, directory) or self.waiting


def finished_before(cell: CellResult, directory: Path) -> CellResult | None:
    """The cell with its run's outcome; None if there is no finished run in the study's directory."""
    outcome = read_outcome(directory / cell.run)
    if outcome is None or outcome.status != "finished":
        return None
    return replace(cell, status="finished", outcome=outcome.to_json(), reused=True)


def cells_of(specs: Sequence[CellSpec], catalogue: Catalogue) -> list[Cell]:
    """The cells of a plan; a variant's identities differ in the seed alone, so that its data are looked at once.

    Raises:
        ToonlabError: with a line for each non-learned baseline that can't be built.
    """
    identities: dict[str, dict[str, Any]] = {}
    errors: dict[str, str] = {}
    for spec in specs:
        label = spec.variant.label
        if label not in identities and label not in errors:
            try:
                identities[label] = identity_of(spec.recipe, catalogue)
            except ToonlabError as error:
                if spec.recipe.stages:
                    raise
                errors[label] = str(error)
    if errors:
        raise ToonlabError("\n".join(errors.values()))
    return [Cell.of(spec, _with_seed(identities[spec.variant.label], spec.recipe.train.seed)) for spec in specs]


def _with_seed(identity: Mapping[str, Any], seed: int) -> dict[str, Any]:
    recipe = identity["recipe"]
    return {**identity, "recipe": {**recipe, "train": {**recipe["train"], "seed": seed}}}
