"""Simulated raters of known strengths: these are recovered, intervals cover, and the plan's formula is what happens."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize

from toonlab.stats.preferences import (
    Preference,
    Strengths,
    agreement,
    half_width,
    rank_agreement,
    simulated,
    strengths,
    votes_needed,
    win_shares,
)

TRUE = [1.2, 0.5, 0.0, -0.6, -1.1]
NAMES = [str(place) for place in range(len(TRUE))]


def test_simulated_raters_recover_the_strengths() -> None:
    votes = simulated(TRUE, raters=40, photos=40, votes_per_rater=100, seed=1, taste=0.2)
    found = strengths(votes, NAMES, draws=200)
    assert np.abs(found.values - np.array(TRUE)).max() < 0.2
    assert list(np.argsort(-found.values)) == [0, 1, 2, 3, 4]


def test_intervals_cover_the_strengths_of_the_crowd_as_often_as_they_say() -> None:
    covered, crowd = [], np.array(TRUE) / np.sqrt(1 + np.pi * 0.5**2 / 2)  # tastes differ, which evens out strengths
    for seed in range(30):
        found = strengths(simulated(TRUE, raters=10, photos=12, votes_per_rater=60, seed=seed), NAMES, draws=80)
        covered += [low <= true <= high for true, (low, high) in zip(crowd, map(found.interval, range(5)), strict=True)]
    assert np.mean(covered) >= 0.93


def test_strengths_maximize_the_likelihood_in_which_a_tie_is_half_a_win_for_both() -> None:
    votes = simulated(TRUE, raters=5, photos=8, votes_per_rater=60, seed=2)
    pairs = [(int(p.one), int(p.other), p.score) for p in votes]
    pairs += [(i, j, s) for i in range(5) for j in range(i) for s in (0.0, 1.0)]
    amounts = np.array([1.0] * len(votes) + [0.1] * 20)
    one, other, scores = (np.array(column) for column in zip(*pairs, strict=True))

    def loss(beta: np.ndarray) -> float:
        gap = beta[one] - beta[other]
        return float((amounts * (scores * np.log1p(np.exp(-gap)) + (1 - scores) * np.log1p(np.exp(gap)))).sum())

    best = minimize(loss, np.zeros(5), method="BFGS").x
    assert strengths(votes, NAMES, draws=0).values == pytest.approx(best - best.mean(), abs=1e-3)


def test_intervals_hold_for_other_raters_and_photos() -> None:
    """With few raters of strong taste, votes drawn one by one would pretend to a precision that is not there."""
    votes = simulated([0.0] * 3, raters=6, photos=12, votes_per_rater=300, seed=3, taste=1.0)
    found = strengths(votes, NAMES[:3])
    low, high = found.interval(0)
    by_votes_alone = 2 * 1.96 * np.sqrt(4 * 2 * 0.8 / 1800) / np.sqrt(2)
    assert high - low > 3 * by_votes_alone


def test_a_method_that_never_wins_has_a_finite_strength_and_one_rater_an_interval_over_photos() -> None:
    votes = [Preference("a", str(n), "x", "y", 1) for n in range(20)]
    found = strengths(votes, ["x", "y"], draws=50)
    assert np.isfinite(found.values).all()
    assert found.values[0] > 1.5
    assert np.isfinite(found.drawn).all()


@pytest.mark.parametrize(
    ("methods", "raters", "photos", "each", "taste"), [(2, 20, 20, 30, 0.5), (5, 10, 15, 40, 0.5), (4, 5, 20, 12, 0)]
)
def test_the_plan_tells_the_precision_that_studies_have(
    methods: int, raters: int, photos: int, each: int, taste: float
) -> None:
    differences = []
    for seed in range(100):
        votes = simulated([0.0] * methods, raters, photos, each, seed, taste)
        values = strengths(votes, NAMES[:methods], draws=0).values
        differences.append(values[0] - values[1])
    seen = 1.96 * np.std(differences) / 4
    assert half_width(raters * each, methods, raters, photos, taste) == pytest.approx(seen, rel=0.22)


def test_votes_needed_is_the_inverse_of_the_precision() -> None:
    needed = votes_needed(0.12, methods=5, raters=20, photos=24)
    assert needed is not None
    assert half_width(needed, 5, 20, 24) <= 0.12 < half_width(needed - 1, 5, 20, 24)
    assert votes_needed(0.05, methods=5, raters=3, photos=6) is None  # so few raters and photos are no crowd


def test_the_win_matrix_counts_ties_half() -> None:
    votes = [Preference("a", "p", "x", "y", score) for score in (1, 1, 0.5, 0)]
    shares, counts = win_shares(votes, ["x", "y", "z"])
    assert shares[0, 1] == pytest.approx(2.5 / 4)
    assert shares[1, 0] == pytest.approx(1.5 / 4)
    assert np.isnan(shares[0, 2])
    assert counts.tolist() == [[0, 4, 0], [4, 0, 0], [0, 0, 0]]


def test_agreement_is_one_for_the_same_answers_and_about_zero_for_chance() -> None:
    same = [
        Preference(rater, str(n), *(("x", "y", score) if rater == "a" else ("y", "x", 1 - score)))
        for n, score in enumerate([1, 0, 0.5, 1, 0, 0])
        for rater in "ab"
    ]
    assert agreement(same) == (1.0, 6)
    random = np.random.default_rng(0)
    chance = [Preference(rater, str(n), "x", "y", random.choice([0, 0.5, 1])) for n in range(300) for rater in "abc"]
    alpha, units = agreement(chance)
    assert alpha == pytest.approx(0, abs=0.08)
    assert units == 300
    assert agreement([Preference("a", "p", "x", "y", 1), Preference("b", "q", "x", "y", 0)]) == (None, 0)


def test_ranks_of_strengths_and_of_a_metric() -> None:
    found = Strengths(NAMES, np.array(TRUE), np.tile(TRUE, (10, 1)))
    same = rank_agreement(found, [5.0, 4.0, 3.0, 2.0, 1.0], higher=True)
    assert same is not None
    assert (same.spearman, same.kendall) == pytest.approx((1.0, 1.0))
    assert same.interval == pytest.approx((1.0, 1.0))
    against = rank_agreement(found, [5.0, 4.0, 3.0, 2.0, 1.0], higher=False)
    assert against is not None
    assert against.spearman == pytest.approx(-1.0)
    swapped = rank_agreement(found, [4.0, 5.0, 3.0, np.nan, 1.0], higher=True)
    assert swapped is not None
    assert swapped.methods == 4
    assert swapped.spearman == pytest.approx(0.8)
    assert swapped.kendall == pytest.approx(2 / 3)
    assert rank_agreement(found, [1.0, 2.0, *[np.nan] * 3], higher=True) is None
