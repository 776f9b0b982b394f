"""A search's space, sampler and pruner as Optuna's."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from toonlab.errors import ToonlabError

from .search import Range, SearchSpec

_SEED = 0  # of the search itself: the same search proposes the same trials where one worker runs


def distributions(space: Mapping[str, Range]) -> dict[str, BaseDistribution]:
    """Optuna's distribution of each path; choices that are no plain values are held as JSON (see `choice`)."""
    return {path: _distribution(found) for path, found in space.items()}


def _distribution(found: Range) -> BaseDistribution:
    if found.choices:
        return CategoricalDistribution([encoded(value) for value in found.choices])
    if found.integer:
        return IntDistribution(int(found.low), int(found.high), log=found.log, step=int(found.step or 1))
    return FloatDistribution(found.low, found.high, log=found.log, step=found.step)


def encoded(value: Any) -> Any:
    """A choice as a storage holds it."""
    return value if isinstance(value, str | int | float | bool | None) else json.dumps(value, sort_keys=True)


def decoded(space: Mapping[str, Range], parameters: Mapping[str, Any]) -> dict[str, Any]:
    """A trial's parameters as the recipe takes them."""
    return {path: _decoded(space[path], value) for path, value in parameters.items()}


def _decoded(found: Range, value: Any) -> Any:
    return next((choice for choice in found.choices or () if encoded(choice) == value), value)


def sampler(search: SearchSpec) -> optuna.samplers.BaseSampler:
    """The search's sampler; a running trial is not proposed again (constant liar).

    Raises:
        ToonlabError: if a package that it needs is missing.
    """
    if search.sampler in ("random", "grid"):  # Optuna's own grid ends a search by an error, unless Optuna runs it
        return optuna.samplers.RandomSampler(seed=_SEED)
    if search.sampler == "cma":
        try:
            return optuna.samplers.CmaEsSampler(seed=_SEED)
        except ImportError as error:
            raise ToonlabError("sampler: cma needs the package cmaes: pip install 'toonlab[cma]'") from error
    return optuna.samplers.TPESampler(
        seed=_SEED, n_startup_trials=min(10, max(3, search.trials // 4)), multivariate=True, constant_liar=True
    )


def grid(found: Range) -> list[Any]:
    """Every value of a range, in steps."""
    if found.choices:
        return [encoded(value) for value in found.choices]
    step = found.step or 1
    values = found.low + step * np.arange(int((found.high - found.low) / step + 1e-9) + 1)
    return [int(value) if found.integer else float(value) for value in values]


def pruner(search: SearchSpec) -> optuna.pruners.BasePruner:
    """The search's pruner."""
    if search.pruner == "median":
        return optuna.pruners.MedianPruner(n_startup_trials=5)
    return optuna.pruners.HyperbandPruner() if search.pruner == "hyperband" else optuna.pruners.NopPruner()
