"""Words for a comparison: the typical difference of two methods over seeds and scenes, and what may be said of it.

Nothing is assumed of how seeds vary: a seed that diverges, skewed scores, and methods without any randomness leave the
error rates as they are. `docs/statistics.md` has the simulation.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from math import ceil, comb, log2
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

Word = Literal["better", "worse", "trade-off", "equivalent", "undecided", "at the floor"]
Interval = tuple[float, float]
Scores = Mapping[int, Sequence[float]]  # seed -> a score of each scene; NaN where there is none
ALPHA = 0.05
LOOKS: Mapping[int, float] = {9: 0.2, 13: 0.2, 18: 0.2, 24: 0.4}  # seeds at which to look -> share of alpha spent there
LEAST_SCENES = 5
LARGEST = 1e100  # whose square a float can still hold


@dataclass(frozen=True)
class TypicalDifference:
    """A method's scores minus another's, for a typical seed: the median over seeds of the mean over scenes.

    Args:
        seeds: that both have; 0 if neither method is random, so that scenes alone vary.
        scenes: that all of these have; 0 if each seed has a single value, so that seeds alone vary.
        median: positive where the first method has more.
        interval: None where there are too few seeds or scenes for the level.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}  # where it is read back

    seeds: int
    scenes: int
    median: float
    interval: Interval | None


def typical_difference(variant: Scores, baseline: Scores, level: float = ALPHA) -> TypicalDifference | None:
    """The difference of two methods that were trained with the same seeds and measured on the same scenes.

    The interval joins two sources of chance. Seeds: the distribution-free interval of a median, from order statistics
    (its errors are those of the sign test, Dixon and Mood 1946). Scenes: Student's t of the means per scene. The
    distances of both ends from the median are added as independent errors are, by their squares. A single value for
    each seed, such as that of a metric of whole sets, has no scenes: its interval is that of the seeds alone.

    Args:
        level: the largest chance that the interval misses, between 0 and 1.

    Returns:
        None if there is no seed, or no scene, that both have.
    """
    table = difference_table(variant, baseline)
    if table is None:
        return None
    seeds = [seed for seed in variant if seed in baseline]
    varies = any(np.ptp(_matrix(scores, seeds), axis=0).any() for scores in (variant, baseline))
    fixed = len(seeds) > 1 and not varies
    means = table.mean(axis=1)
    median, single = float(np.median(means)), len(variant[seeds[0]]) == 1
    count, found = 0 if fixed else len(seeds), 0 if single else table.shape[1]
    ends = median_interval(means, level) if not fixed else None if single else (median, median)
    if ends is None or (found < LEAST_SCENES and not single):
        return TypicalDifference(count, found, median, None)
    reach = 0.0 if single else scenes_reach(table.mean(axis=0), level)
    low, high = (float(np.hypot(median - end, reach)) for end in ends)
    return TypicalDifference(count, found, median, (median - low, median + high))


def difference_table(variant: Scores, baseline: Scores) -> NDArray[np.float64] | None:
    """The differences of two methods, `(seeds, scenes)` that both have; None if there is no seed, or no scene."""
    seeds = [seed for seed in variant if seed in baseline]
    if not seeds:
        return None
    table = np.array([np.subtract(variant[seed], baseline[seed]) for seed in seeds], float)
    table = table[:, np.isfinite(table).all(axis=0)]
    if not table.size:
        return None
    return _rounded(table, max(np.abs(_matrix(scores, seeds)).max() for scores in (variant, baseline)))


def median_interval(values: Sequence[float] | NDArray[np.float64], level: float) -> Interval | None:
    """An interval that misses the median of the values' distribution with a chance of at most `level`, for any shape.

    None if there are too few values: fewer than 6 at 5 %.
    """
    ordered, place = np.sort(np.asarray(values, float)), place_of(len(values), level)
    return None if place < 0 else (float(ordered[place]), float(ordered[len(ordered) - 1 - place]))


def word(
    primary: Interval | None, guards: Mapping[str, Interval | None], margin: float, *, above_floor: bool = True
) -> Word:
    """What may be said of a method, by the intervals of its gains over the baseline; a gain is positive.

    - `better`: more in the primary metric, and shown to lose less than the margin in every guard.
    - `trade-off`: more in the primary metric, and less in a guard, where a loss of the margin is not excluded.
    - `equivalent`: a gain and a loss of the margin in the primary metric are both excluded (two one-sided tests,
      Schuirmann 1987), of either sign.
    - `worse`: less in the primary metric.
    - `undecided`: anything else; also better in the primary metric where a guard is open.
    - `at the floor`: not shown to be above the unmodified photo; nothing else is said of it.
    """
    if not above_floor:
        return "at the floor"
    if primary is None:
        return "undecided"
    low, high = primary
    if -margin < low and high < margin:
        return "equivalent"
    if high < 0:
        return "worse"
    if low <= 0:
        return "undecided"
    open_ = [interval for interval in guards.values() if interval is None or interval[0] <= -margin]
    if not open_:
        return "better"
    return "trade-off" if any(interval is not None and interval[1] < 0 for interval in open_) else "undecided"


def level_of(comparisons: int, seeds: int | None = None) -> float:
    """The level of each interval of a family, so that all of them hold with a chance of 95 % (Bonferroni).

    Args:
        comparisons: in the family.
        seeds: at which a study looks that may stop there; the looks share the 5 %, as `LOOKS` says. None for a study
            with a number of seeds that was fixed beforehand.
    """
    return ALPHA * (1.0 if seeds is None else LOOKS[seeds]) / max(comparisons, 1)


def fewest_seeds(level: float) -> int:
    """The least number of seeds that have an interval of a level, 0 to 1."""
    return ceil(1 - log2(level))


def next_look(seeds: int) -> int | None:
    """The next number of seeds at which a study looks; None after the last."""
    return next((look for look in LOOKS if look > seeds), None)


def decided(words: Iterable[Word]) -> bool:
    """Whether no comparison is open."""
    return all(said != "undecided" for said in words)


def _matrix(scores: Scores, seeds: Sequence[int]) -> NDArray[np.float64]:
    return np.nan_to_num(np.array([scores[seed] for seed in seeds], float))


def _rounded(table: NDArray[np.float64], largest: float) -> NDArray[np.float64]:
    """Differences that are rounding errors of the scores are none."""
    return np.where(np.abs(table) <= 16 * np.finfo(float).eps * largest, 0, table)


@cache
def place_of(count: int, level: float) -> int:
    """The order statistic, from 0, of `count` values that a two-sided sign test of a level reaches; -1 if none does."""
    place, tail = -1, 0
    while place < count // 2 and 2 * (tail := tail + comb(count, place + 1)) <= level * 2**count:
        place += 1
    return place


def scenes_reach(means: NDArray[np.float64], level: float) -> float:
    """Half the length of Student's t interval of the mean of some scenes' values."""
    from scipy.special import stdtrit

    count = len(means)
    return float(-stdtrit(count - 1, level / 2) * means.std(ddof=1) / np.sqrt(count))
