"""The best result that a search of any number of trials may expect, from the trials of one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

_RESAMPLED = 1000  # times, for the intervals


@dataclass(frozen=True)
class ExpectedBest:
    """The expected best value of so many trials, with its interval of 95 %."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}  # where it is read back

    trials: int
    value: float
    low: float
    high: float


def expected_best(values: Sequence[float], *, higher: bool = True) -> list[ExpectedBest]:
    """The expected best of 1, 2, … trials, up to as many as there are, with bootstrap intervals.

    Dodge et al. 2019, "Show Your Work", equations 6 and 7: with the empirical distribution F of N values in their
    order, the best of n draws is at most v with the chance F(v)^n, so that its expectation is the sum over the values
    v_i of v_i (F(v_i)^n - F(v_{i-1})^n). Drawn are values that are independent of each other: those of a random search
    are, those of a sampler that learns are not.

    Args:
        values: of all trials; none: no points.
        higher: whether more is better.
    """
    sign, count = (1 if higher else -1), len(values)
    ordered = np.sort(sign * np.asarray(values, float))
    budgets = np.arange(1, count + 1)
    steps = (np.arange(count + 1)[:, None] / max(count, 1)) ** budgets  # (values + 1, budgets): F(v)^n
    weights = np.diff(steps, axis=0)
    drawn = np.random.default_rng(0).choice(ordered, (_RESAMPLED, count)) if count else np.empty((1, 0))
    curves: NDArray[np.float64] = sign * (np.sort(drawn, axis=1) @ weights)
    ends = np.percentile(curves, (2.5, 97.5), axis=0)
    found = sign * (ordered @ weights)
    return [ExpectedBest(int(n), *map(float, at)) for n, *at in zip(budgets, found, *ends, strict=True)]
