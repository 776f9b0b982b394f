"""Words of a comparison: intervals that hold for any shape, and what may be said of them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from toonlab.stats.verdicts import (
    LOOKS,
    Interval,
    TypicalDifference,
    Word,
    decided,
    fewest_seeds,
    level_of,
    median_interval,
    next_look,
    typical_difference,
    word,
)


def arm(seeds: Sequence[float], scenes: Sequence[float], noise: float = 0.0) -> dict[int, list[float]]:
    chance = np.random.default_rng(0)
    table = np.asarray(seeds)[:, None] + np.asarray(scenes) + noise * chance.normal(size=(len(seeds), len(scenes)))
    return dict(enumerate(table.tolist()))


# -- intervals


@pytest.mark.parametrize(("count", "level", "place"), [(6, 0.05, 0), (9, 0.05, 1), (24, 0.05, 6), (5, 0.0625, 0)])
def test_the_interval_of_a_median_is_between_order_statistics(count: int, level: float, place: int) -> None:
    """Tables of the sign test, as in Conover, "Practical Nonparametric Statistics", table A3."""
    values = np.random.default_rng(1).permutation(count)
    assert median_interval(values, level) == (place, count - 1 - place)


@pytest.mark.parametrize(("count", "level"), [(3, 0.05), (5, 0.05), (6, 0.03), (0, 0.05), (1, 0.5)])
def test_too_few_values_have_no_interval(count: int, level: float) -> None:
    assert median_interval(range(count), level) is None


@pytest.mark.parametrize("level", [0.5, 0.05, 1 / 64, 0.01, 0.05 / 12])
def test_the_fewest_seeds_have_an_interval_and_one_less_has_none(level: float) -> None:
    count = fewest_seeds(level)
    assert median_interval(range(count), level) == (0, count - 1)
    assert median_interval(range(count - 1), level) is None


@given(st.lists(st.floats(-9, 9), min_size=1, max_size=30), st.floats(0.001, 0.5))
def test_the_interval_of_a_median_leaves_out_what_a_sign_test_rejects(values: list[float], level: float) -> None:
    interval = median_interval(values, level)
    differing = [value for value in values if value]
    rejected = len(differing) == len(values) and (
        binomtest(sum(value > 0 for value in values), len(values)).pvalue <= level
    )
    assert (interval is not None and not interval[0] <= 0 <= interval[1]) == rejected


def test_the_difference_is_that_of_a_typical_seed_not_of_the_mean() -> None:
    seeds = [0.1] * 8 + [-9.0]  # one has diverged
    found = typical_difference(arm(seeds, [0.2] * 6), arm([0.0] * 9, [0.0] * 6))
    assert found is not None
    assert (found.seeds, found.scenes) == (9, 6)
    assert found.median == pytest.approx(0.3)
    assert found.interval == (pytest.approx(0.3), pytest.approx(0.3))  # the second of nine is a typical one as well


def test_seeds_and_scenes_widen_the_interval_as_independent_errors_do() -> None:
    seeds, scenes = np.linspace(-1, 1, 9), np.linspace(-2, 2, 24)
    alone = [
        typical_difference(arm(s, c), arm([0.0] * 9, [0.0] * 24)) for s, c in ((seeds, [0.0] * 24), (seeds, scenes))
    ]
    by_seeds, by_both = (found.interval for found in alone if found is not None)
    assert by_seeds is not None
    assert by_both is not None
    reach = 2.0687 * np.std(scenes, ddof=1) / math.sqrt(24)  # Student's t with 23 degrees of freedom
    assert by_both[1] == pytest.approx(math.hypot(by_seeds[1], reach), rel=1e-4)
    assert by_both[0] == pytest.approx(-by_both[1])


def test_without_chance_scenes_alone_are_compared() -> None:
    scenes = [0.1, 0.3, 0.2, 0.4, 0.25, 0.2]
    found = typical_difference(arm([0.0] * 3, scenes), arm([0.0] * 3, [0.0] * 6))
    assert found is not None
    assert (found.seeds, found.scenes) == (0, 6)
    mean, reach = np.mean(scenes), 2.5706 * np.std(scenes, ddof=1) / math.sqrt(6)
    assert found.interval == (pytest.approx(mean - reach, abs=1e-4), pytest.approx(mean + reach, abs=1e-4))


def test_a_value_for_each_seed_is_compared_over_seeds_alone() -> None:
    found = typical_difference(arm(range(9), [0.0]), arm([0.0] * 9, [0.0]))
    assert found == TypicalDifference(9, 0, 4, (1, 7))
    assert typical_difference(arm([0.3] * 9, [0.0]), arm([0.0] * 9, [0.0])) == TypicalDifference(0, 0, 0.3, None)


def test_one_seed_is_not_taken_for_a_method_without_chance() -> None:
    assert typical_difference(arm([0.3], [0.0] * 6), arm([0.0], [0.0] * 6)) == TypicalDifference(1, 6, 0.3, None)


def test_pairs_that_differ_by_a_rounding_error_are_equal() -> None:
    scores = arm([0.1] * 9, [0.354] * 24)
    other = {seed: [value * (1 + 1e-16) for value in values] for seed, values in scores.items()}
    found = typical_difference(scores, other)
    assert found is not None
    assert (found.median, found.interval) == (0, (0, 0))


def test_seeds_and_scenes_that_one_lacks_are_left_out() -> None:
    variant, baseline = arm(range(9), [0.0] * 8), arm([0.0] * 12, [0.0] * 8)
    variant[3] = [math.nan, *variant[3][1:]]
    found = typical_difference(variant, baseline)
    assert found is not None
    assert (found.seeds, found.scenes) == (9, 7)
    assert typical_difference({1: [0.0]}, {2: [0.0]}) is None
    assert typical_difference({1: [math.nan]}, {1: [0.0]}) is None


@pytest.mark.parametrize(("seeds", "scenes"), [(5, 24), (9, 4)])
def test_too_few_seeds_or_scenes_have_no_interval(seeds: int, scenes: int) -> None:
    found = typical_difference(arm(range(seeds), [0.0] * scenes), arm([0.0] * seeds, [0.0] * scenes))
    assert found is not None
    assert found.interval is None
    assert found.median == (seeds - 1) / 2


# -- words

KEPT, LOST, OPEN = (-0.02, 0.05), (-0.3, -0.1), (-0.1, 0.1)


@pytest.mark.parametrize(
    ("primary", "guards", "said"),
    [
        ((0.05, 0.2), {}, "better"),
        ((0.05, 0.2), {"surfaces": KEPT, "colours": KEPT}, "better"),
        ((0.05, 0.2), {"surfaces": LOST, "colours": KEPT}, "trade-off"),
        ((0.05, 0.2), {"surfaces": LOST, "colours": OPEN}, "trade-off"),
        ((0.05, 0.2), {"surfaces": OPEN, "colours": KEPT}, "undecided"),
        ((0.05, 0.2), {"surfaces": None}, "undecided"),
        ((0.05, 0.2), {"surfaces": (-0.02, -0.01)}, "better"),
        ((-0.2, -0.05), {"surfaces": KEPT}, "worse"),
        ((-0.02, 0.01), {"surfaces": LOST}, "equivalent"),
        ((0.01, 0.02), {}, "equivalent"),
        ((-0.02, 0.05), {}, "undecided"),
        ((-0.05, 0.02), {}, "undecided"),
        ((0.0, 0.2), {}, "undecided"),
        (None, {}, "undecided"),
    ],
)
def test_words(primary: Interval | None, guards: dict[str, Interval | None], said: Word) -> None:
    assert word(primary, guards, margin=0.03) == said
    assert word(primary, guards, margin=0.03, above_floor=False) == "at the floor"


def test_a_study_is_decided_when_no_comparison_is_open() -> None:
    assert decided(["better", "worse", "equivalent", "trade-off", "at the floor"])
    assert not decided(["better", "undecided"])


def test_levels_of_a_family_and_of_looks_add_up_to_five_percent() -> None:
    assert level_of(1) == 0.05
    assert level_of(4) * 4 == pytest.approx(0.05)
    assert sum(level_of(3, seeds) * 3 for seeds in LOOKS) == pytest.approx(0.05)


def test_looks_follow_one_another() -> None:
    assert [next_look(seeds) for seeds in (0, 9, 10, 18, 24)] == [9, 13, 13, 24, None]
