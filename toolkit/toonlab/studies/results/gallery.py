"""The same photos through everything that a study has finished."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn

from toonlab.engine import checkpoint
from toonlab.engine.builder import build_fixed
from toonlab.engine.evaluator import Row
from toonlab.engine.train import test_evaluator
from toonlab.recipes.load import load
from toonlab.recipes.spec import Recipe
from toonlab.registry.catalogue import Catalogue

from .results import CellResult, Results


def gallery(results: Results, catalogue: Catalogue, device: torch.device) -> list[Row]:
    """The photos, each variant's fakes with the first seed that has weights, and the truth where there is one.

    A row is a name and its `(3, H, W)` images in [-1, 1]; variants whose weights are not here are left out.
    """
    rows: list[Row] = []
    for cell, recipe, generator in _generators(results, catalogue):
        bench = test_evaluator(recipe, catalogue, recipe.evaluate.grid)
        fakes: Sequence[Tensor] = list(bench.fakes(generator.to(device), device))
        photo, fake, *truth = bench.rows(fakes, cell.variant.label)
        rows = [*(rows[: len(rows) - len(truth)] or [photo]), fake, *truth]
    return rows


def _generators(results: Results, catalogue: Catalogue) -> Iterator[tuple[CellResult, Recipe, nn.Module]]:
    for variant in results.variants:
        finished = (cell for cell in results.of(variant.label) if cell.status == "finished")
        for cell in finished:
            if made := generator_of(results.directory / cell.run, catalogue):
                yield cell, *made
                break


def generator_of(directory: Path, catalogue: Catalogue) -> tuple[Recipe, nn.Module] | None:
    """What a finished run has made its fakes with; None if that is not here."""
    path = directory / "recipe.yaml"
    if not path.exists():
        return None
    recipe = replace(load(path, catalogue), name=directory.name)
    if not recipe.stages:
        return recipe, build_fixed(recipe, catalogue)
    weights = checkpoint.candidates(directory)
    return (recipe, checkpoint.load_generator(weights[-1], catalogue)) if weights else None
