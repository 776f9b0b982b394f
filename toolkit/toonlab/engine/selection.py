"""Which weights of a training count: the last, or the best by a metric (`train.select`)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from torch import nn

from toonlab.recipes.spec import Recipe
from toonlab.registry.catalogue import Catalogue

from .checkpoint import candidates, load_generator


def is_best(
    value: float | None, earlier: Iterable[Mapping[str, float]], metric: str, *, higher_is_better: bool
) -> bool:
    """Whether a metric's value is better than in all earlier evaluations; a tie is not."""
    if value is None:
        return False
    sign = 1 if higher_is_better else -1
    return all(sign * value > sign * metrics[metric] for metrics in earlier)


def best_generator(recipe: Recipe, directory: Path, catalogue: Catalogue) -> nn.Module | None:
    """The generator with the best weights of a run's directory; None if the recipe selects the last ones.

    None also if no evaluation had the metric, so that none of the weights was kept as the best.
    """
    if recipe.train.select == "last" or not (directory / "best").is_dir():
        return None
    weights = candidates(directory)
    return load_generator(weights[-1], catalogue) if weights else None
