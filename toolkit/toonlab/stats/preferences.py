"""What choices between pairs say: strengths of methods, their intervals, agreement of raters and with metrics.

The intervals hold for other raters and other photos: both are drawn again (Owen 2007, the pigeonhole bootstrap).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import ceil, exp, pi, sqrt

import numpy as np
from numpy.typing import NDArray

from toonlab.errors import ToonlabError

Array = NDArray[np.float64]
DRAWS = 400  # of the bootstrap
PRIOR = 0.1  # wins of each method over each other one, added, so that a method that never wins has a finite strength
TASTE = 0.5  # assumed before a study: standard deviation of a method's strength over raters, and over photos
TIES = 0.2  # assumed before a study: share of ties
_NORMAL = 1.959964  # of an interval of 95 %


@dataclass(frozen=True)
class Preference:
    """A rater's choice between two methods on a photo; `score` is 1 for `one`, 0 for `other`, 0.5 for a tie."""

    rater: str
    photo: str
    one: str
    other: str
    score: float


@dataclass(frozen=True)
class Strengths:
    """Bradley–Terry strengths in log-odds, whose mean over the methods is 0, `(M,)`; and of each draw, `(draws, M)`.

    `tail`: the share of the draws that an interval of 95 % leaves out at each end.
    """

    methods: Sequence[str]
    values: Array
    drawn: Array
    tail: float = 0.025

    def interval(self, place: int) -> tuple[float, float]:
        """Of 95 %, of the method at a place."""
        return _interval(self.drawn[:, place], self.tail)


@dataclass(frozen=True)
class RankAgreement:
    """How well an order of methods agrees with another one, from -1 to 1; `interval`: of `spearman`, over draws."""

    methods: int
    spearman: float
    kendall: float
    interval: tuple[float, float]


def missing_package() -> str | None:
    """The first package of the extra `app` that the statistics need and that is not installed."""
    from importlib.util import find_spec

    return next((name for name in ("evalica", "krippendorff") if find_spec(name) is None), None)


def strengths(preferences: Sequence[Preference], methods: Sequence[str], draws: int = DRAWS) -> Strengths:
    """The strengths of methods (Bradley and Terry 1952), and bootstrap draws of them.

    A method's expected score against another one is the logistic function of the difference of their strengths. A tie
    is half a win for both: this holds in the same way however ties come about. In a draw, raters and photos are drawn
    again with replacement, each for itself; a vote counts as often as its rater times its photo. A single rater, or
    photo, stays: the intervals then say nothing of others.

    Raises:
        ToonlabError: if the packages of the extra are missing.
    """
    if name := missing_package():
        raise ToonlabError(f"{name} is not installed; pip install 'toonlab[app]'")
    place = {method: number for number, method in enumerate(methods)}
    one, other = (np.array([place[getattr(p, side)] for p in preferences], int) for side in ("one", "other"))
    scores = np.array([p.score for p in preferences], float)
    random = np.random.default_rng(0)
    weights = _counts(random, [p.rater for p in preferences], draws)
    weights *= _counts(random, [p.photo for p in preferences], draws)
    fitted = [_fit(one, other, scores, weight, len(methods)) for weight in [np.ones(len(scores)), *weights]]
    clusters = [n for n in (len({p.rater for p in preferences}), len({p.photo for p in preferences})) if n > 1]
    return Strengths(methods, fitted[0], np.array(fitted[1:]).reshape(draws, len(methods)), _tail(clusters))


def _tail(clusters: Sequence[int]) -> float:
    """Of draws from few raters or photos: less than 2.5 %, as their intervals are too short (Hesterberg 2015)."""
    from scipy.stats import norm, t

    least = min(clusters, default=1)
    return float(norm.cdf(-sqrt(least / (least - 1)) * t.ppf(0.975, least - 1))) if least > 1 else 0.025


def _interval(drawn: Array, tail: float) -> tuple[float, float]:
    low, high = np.quantile(drawn, (tail, 1 - tail))
    return float(low), float(high)


def _counts(random: np.random.Generator, names: Sequence[str], draws: int) -> Array:
    """How often each of `names`, `(N,)`, is drawn, `(draws, N)`."""
    levels, places = np.unique(np.asarray(names), return_inverse=True)
    if len(levels) < 2:
        return np.ones((draws, len(names)))
    drawn = random.multinomial(len(levels), np.full(len(levels), 1 / len(levels)), size=draws)
    return drawn[:, places].astype(float)


def _fit(one: NDArray[np.int_], other: NDArray[np.int_], scores: Array, weights: Array, count: int) -> Array:
    """Log strengths, `(M,)`, of choices that are given by the places of their methods."""
    import pandas as pd
    from evalica import Winner, bradley_terry

    wins = np.bincount(one * count + other, weights * scores, count**2)
    wins += np.bincount(other * count + one, weights * (1 - scores), count**2)
    won = wins.reshape(count, count) + PRIOR
    winners, losers = np.nonzero(~np.eye(count, dtype=bool))
    found = bradley_terry(
        winners.tolist(),
        losers.tolist(),
        [Winner.X] * len(winners),
        index=pd.RangeIndex(count),
        weights=won[winners, losers].tolist(),
        tolerance=1e-8,
        limit=10_000,
    )
    logs = np.log(found.scores.sort_index().to_numpy(float))
    return np.asarray(logs - logs.mean(), float)


def win_shares(preferences: Sequence[Preference], methods: Sequence[str]) -> tuple[Array, NDArray[np.int_]]:
    """The share of votes for the method of a row over that of a column, a tie counts half; and the number of votes.

    Returns:
        Both `(M, M)`; the share is NaN where there are no votes.
    """
    place = {method: number for number, method in enumerate(methods)}
    won, votes = np.zeros((len(methods),) * 2), np.zeros((len(methods),) * 2, int)
    for p in preferences:
        i, j = place[p.one], place[p.other]
        won[i, j] += p.score
        won[j, i] += 1 - p.score
        votes[[i, j], [j, i]] += 1
    return np.where(votes > 0, won / np.maximum(votes, 1), np.nan), votes


def agreement(preferences: Sequence[Preference]) -> tuple[float | None, int]:
    """Krippendorff's alpha of raters who judged the same pair on the same photo, of ordinal answers.

    Returns:
        1 is full agreement, 0 is chance; None where nothing was judged by two raters, or all answers are the same.
        And the number of pairs on a photo that two raters or more have judged.
    """
    from krippendorff import alpha

    units: defaultdict[tuple[str, str, str], dict[str, float]] = defaultdict(dict)
    for p in preferences:
        first, second = sorted((p.one, p.other))
        units[p.photo, first, second][p.rater] = p.score if p.one == first else 1 - p.score
    shared = [answers for answers in units.values() if len(answers) > 1]
    if len({score for answers in shared for score in answers.values()}) < 2:
        return None, len(shared)
    raters = sorted({p.rater for p in preferences})
    table = [[answers.get(rater, np.nan) for answers in shared] for rater in raters]
    return float(alpha(reliability_data=table, level_of_measurement="ordinal")), len(shared)


def rank_agreement(found: Strengths, values: Sequence[float], *, higher: bool) -> RankAgreement | None:
    """How well strengths agree with a metric over methods, by their ranks.

    Args:
        values: the metric of each method; NaN where there is none.
        higher: whether more of the metric is better.

    Returns:
        None with fewer than three methods that have a value, or where all values are the same.
    """
    from scipy.stats import kendalltau, rankdata

    given = np.asarray(values, float) * (1 if higher else -1)
    known = np.isfinite(given)
    if known.sum() < 3 or np.ptp(given[known]) == 0:
        return None
    rows = np.vstack([found.values, found.drawn])[:, known]
    ranks, target = rankdata(rows, axis=1), rankdata(given[known])
    ranks -= ranks.mean(axis=1, keepdims=True)
    target -= target.mean()
    norms = np.linalg.norm(ranks, axis=1) * np.linalg.norm(target)
    all_rho = np.divide(ranks @ target, norms, out=np.zeros(len(rows)), where=norms > 0)
    tau = float(kendalltau(rows[0], given[known]).statistic)
    return RankAgreement(int(known.sum()), float(all_rho[0]), tau, _interval(all_rho[1:], found.tail))


# -- before a study: how precise it will be


def half_width(
    votes: float, methods: int, raters: float, photos: int, taste: float = TASTE, ties: float = TIES
) -> float:
    """Half of the 95 % interval of the share that prefers one of two equally strong methods, between 0 and 0.5.

    The variance of a difference of two strengths has three parts. Votes: `4 (M - 1) (1 - ties) / N`, for N
    choices that are balanced over all pairs of M methods. Raters and photos: see `_spread`. A share near
    one half changes by a quarter of the difference.

    Args:
        votes: to one question, of all raters together.
        taste: standard deviation of a method's strength over raters, and over photos, in log-odds.
        ties: share of the votes.
    """
    variance = 4 * (methods - 1) * (1 - ties) / votes + _spread(raters, photos, taste)
    return min(0.5, _NORMAL * sqrt(variance) / 4)


def votes_needed(width: float, methods: int, raters: float, photos: int) -> int | None:
    """The votes to one question that make `half_width` as small as `width`; None if no number of votes does."""
    left = (4 * width / _NORMAL) ** 2 - _spread(raters, photos, TASTE)
    return ceil(4 * (methods - 1) * (1 - TIES) / left) if left > 0 else None


def _spread(raters: float, photos: int, taste: float) -> float:
    """The variance that raters and photos alone leave: `2 taste² / R`, and the same with the number of photos.

    Strengths of a crowd are smaller than those of each rater on each photo, by the square root of `1 + pi taste² / 2`
    (the logistic function of a normal variable).
    """
    return 2 * taste**2 * (1 / raters + 1 / photos) / (1 + pi * taste**2 / 2)


def simulated(
    true: Sequence[float],
    raters: int,
    photos: int,
    votes_per_rater: int,
    seed: int = 0,
    taste: float = TASTE,
    ties: float = TIES,
) -> list[Preference]:
    """Votes of raters whose strengths scatter around the true ones, as `half_width` assumes them.

    Args:
        true: strengths in log-odds; methods and photos are named by their places: `0`, `1`, …
        ties: the share between two methods of equal strength, 0.5 at most.
    """
    random = np.random.default_rng(seed)
    count = len(true)
    own, of_photo = random.normal(0, taste, (raters, count)), random.normal(0, taste, (photos, count))
    pairs = list(combinations(range(count), 2))
    found = []
    for rater in range(raters):
        rounds = ceil(votes_per_rater / len(pairs))
        order = [pairs[place] for _ in range(rounds) for place in random.permutation(len(pairs))]
        for number, (i, j) in enumerate(order[:votes_per_rater]):
            photo = (number + rater) % photos
            gap = true[i] - true[j] + own[rater, i] - own[rater, j] + of_photo[photo, i] - of_photo[photo, j]
            share = 1 / (1 + exp(-gap))
            tie, drawn = 4 * ties * share * (1 - share), random.random()
            score = 1.0 if drawn < share - tie / 2 else 0.5 if drawn < share + tie / 2 else 0.0
            found.append(Preference(str(rater), str(photo), str(i), str(j), score))
    return found
