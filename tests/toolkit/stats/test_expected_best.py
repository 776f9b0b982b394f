"""The expected best of fewer trials, against brute force."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from toonlab.stats.expected_best import expected_best

VALUES = [0.41, 0.7, 0.55, 0.55, 0.62]  # two are equal


@pytest.mark.parametrize(("higher", "best"), [(True, max), (False, min)])
def test_it_is_the_mean_of_all_draws(higher: bool, best: object) -> None:
    for point in expected_best(VALUES, higher=higher):
        every = [best(draw) for draw in product(VALUES, repeat=point.trials)]
        assert point.value == pytest.approx(np.mean(every))


def test_it_is_what_resampling_gives() -> None:
    chance, values = np.random.default_rng(1), np.random.default_rng(2).normal(size=24)
    points = expected_best(list(values))
    for n in (1, 2, 5, 12, 24):
        drawn = chance.choice(values, (40_000, n)).max(axis=1)
        assert points[n - 1].trials == n
        assert abs(points[n - 1].value - drawn.mean()) < 4 * drawn.std() / 200


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    """Of uniform values, the best of n is n / (n + 1) on average."""
    held = []
    for seed in range(60):
        points = expected_best(list(np.random.default_rng(seed).uniform(size=40)))
        held += [points[n - 1].low <= n / (n + 1) <= points[n - 1].high for n in (1, 2, 5)]
    assert 0.88 < np.mean(held) <= 1


def test_of_none_and_of_one() -> None:
    assert expected_best([]) == []
    (only,) = expected_best([0.5])
    assert (only.trials, only.value, only.low, only.high) == (1, 0.5, 0.5, 0.5)
