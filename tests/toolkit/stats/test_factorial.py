from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, f

from toonlab.errors import ToonlabError
from toonlab.stats.factorial import Record, anova, level_text, means

# Montgomery, "Design and Analysis of Experiments", example 5.6: clutter x filter, four operators as blocks
RADAR = {
    "low": {1: [90, 96, 100, 92], 2: [86, 84, 92, 81]},
    "medium": {1: [102, 106, 105, 96], 2: [87, 90, 97, 80]},
    "high": {1: [114, 112, 108, 98], 2: [93, 91, 95, 83]},
}
LEVELS = [None, "image", 4, 4.0, "4", True, [0.5, 0.75], {"use": "grid", "k": 4}]


def radar() -> list[Record]:
    return [
        Record({"clutter": clutter, "filter": kind}, operator, value)
        for clutter, kinds in RADAR.items()
        for kind, values in kinds.items()
        for operator, value in enumerate(values)
    ]


def design(random: np.random.Generator, levels: dict[str, list], seeds: int, noise: float = 1.0) -> list[Record]:
    """A full design in which nothing but the seeds matters."""
    luck = random.normal(0, 3, seeds)
    cells = [dict(zip(levels, cell, strict=True)) for cell in itertools.product(*levels.values())]
    return [Record(cell, seed, luck[seed] + noise * random.normal()) for cell in cells for seed in range(seeds)]


# -- values


def test_the_radar_experiment_gives_the_published_table():
    found = anova(radar())
    table = {effect.term: effect for effect in found.effects}
    assert list(table) == ["clutter", "filter", "clutter × filter"]
    assert [effect.df for effect in found.effects] == [2, 1, 2]
    assert [effect.f for effect in found.effects] == pytest.approx([15.13, 96.19, 3.48], abs=0.005)
    assert [effect.p for effect in found.effects] == pytest.approx([0.0003, 0.0000, 0.0573], abs=0.0003)
    shares = [335.58 / (335.58 + 166.33), 1066.67 / (1066.67 + 166.33), 77.08 / (77.08 + 166.33)]
    assert [effect.partial_eta_squared for effect in found.effects] == pytest.approx(shares, abs=1e-4)
    assert (found.seed.term, found.seed.df, found.residual_df, found.notes) == ("seed", 3, 15, [])
    assert found.seed.f == pytest.approx(402.17 / 3 / 11.09, abs=0.005)
    assert found.residual_ms == pytest.approx(11.09, abs=0.005)
    assert found.half_width(4) == pytest.approx(2.131 * (11.09 / 4) ** 0.5, abs=0.002)  # t of 15 degrees of freedom


def test_three_factors_have_three_interactions_of_two():
    records = design(np.random.default_rng(0), {"a": [1, 2], "b": [1, 2, 3], "c": [1, 2]}, seeds=3)
    found = anova(records)
    assert [effect.term for effect in found.effects] == ["a", "b", "c", "a × b", "a × c", "b × c"]
    assert found.residual_df == 36 - 1 - (1 + 2 + 1) - (2 + 1 + 2) - 2


def test_a_two_level_effect_without_interaction_is_the_sum_of_squares_of_its_contrast():
    records = design(np.random.default_rng(1), {"k": [1, 4], "rank": ["batch", "image"]}, seeds=5)
    values = np.array([record.value for record in records]).reshape(2, 2, 5)
    contrast = (values[1] - values[0]).mean() / 2
    residuals = values - values.mean(2, keepdims=True) - values.mean((0, 1)) + values.mean()
    expected = 20 * contrast**2 / ((residuals**2).sum() / 12)
    found = anova(records).effects[0]
    assert found.f == pytest.approx(expected)
    assert found.p == pytest.approx(f.sf(expected, 1, 12))


@pytest.mark.parametrize(("one", "other"), list(itertools.combinations(LEVELS, 2)))
def test_levels_of_any_type_are_told_apart(one, other):
    records = [Record({"x": level}, seed, seed + bonus) for level, bonus in ((one, 0), (other, 5)) for seed in range(4)]
    noise = np.random.default_rng(0).normal(size=8)
    records = [Record(record.levels, record.seed, record.value + n) for record, n in zip(records, noise, strict=True)]
    (effect,) = anova(records).effects
    assert (effect.term, effect.df) == ("x", 1)
    assert effect.p < 0.05


def test_levels_are_numbers_of_no_scale():
    """k = 1, 2, 8 with its best in the middle: a slope would not see it."""
    bonus = {1: 0.0, 2: 5.0, 8: 0.0}
    records = design(np.random.default_rng(2), {"k": list(bonus)}, seeds=4)
    records = [Record(r.levels, r.seed, r.value + bonus[r.levels["k"]]) for r in records]
    (effect,) = anova(records).effects
    assert (effect.df, effect.p < 0.01) == (2, True)


def test_the_plot_s_means_are_over_all_else():
    found = means(radar(), "filter", "clutter")
    expected = {(str(kind), clutter): np.mean(v) for clutter, kinds in RADAR.items() for kind, v in kinds.items()}
    assert {levels: mean for levels, (mean, _) in found.items()} == pytest.approx(expected)
    assert found["1", "low"] == (94.5, 4)


def test_the_plot_s_levels_read_as_in_an_experiment():
    assert [level_text(level) for level in LEVELS] == [
        *("null", "image", "4", "4.0", "'4'", "true", "[0.5, 0.75]", "{k: 4, use: grid}")
    ]
    one_seed = [Record({"x": None, "y": [1, 2]}, 0, 1.0), Record({"x": None, "y": [1, 2]}, 1, math.nan)]
    assert means(one_seed, "x", "y") == {("null", "[1, 2]"): (1.0, 1)}


# -- what a design does not allow for


def test_an_interaction_with_an_empty_cell_is_left_out_by_name():
    records = [r for r in radar() if r.levels != {"clutter": "low", "filter": 1}]
    found = anova(records)
    assert [effect.term for effect in found.effects] == ["clutter", "filter"]
    assert found.notes == ["clutter × filter: left out, 1 of its cells without a value"]


def test_interactions_that_leave_too_little_to_judge_by_are_left_out():
    records = design(np.random.default_rng(0), {"a": [1, 2], "b": [1, 2]}, seeds=2)
    assert len(anova(records).effects) == 3
    found = anova(records[:-1])
    assert [effect.term for effect in found.effects] == ["a", "b"]
    assert found.notes == ["a × b: left out, too few values to tell it from other effects or noise"]


def test_interactions_that_are_main_effects_in_disguise_are_left_out():
    half = [r for r in design(np.random.default_rng(0), {x: [0, 1] for x in "abc"}, 6) if sum(r.levels.values()) % 2]
    found = anova(half)
    assert [effect.term for effect in found.effects] == ["a", "b", "c"]
    assert len(found.notes) == 3


def test_a_value_that_is_not_finite_is_left_out():
    broken = [Record(r.levels, r.seed, math.nan if i == 5 else r.value) for i, r in enumerate(radar())]
    assert anova(broken) == anova([r for i, r in enumerate(radar()) if i != 5])


def test_with_values_missing_the_order_of_factors_does_not_matter():
    """Sums of squares of type II: each effect beside all others, not beside those named before it."""
    some = [r for i, r in enumerate(radar()) if i not in (0, 1, 9)]
    turned = [Record(dict(reversed(r.levels.items())), r.seed, r.value) for r in some]
    for name in ("clutter", "filter"):
        one, other = ({e.term: e.f for e in anova(records).effects}[name] for records in (some, turned))
        assert one == pytest.approx(other)


@pytest.mark.parametrize(
    ("records", "message"),
    [
        ([], "factors: no finished cell has any"),
        ([Record({}, 0, 1.0), Record({}, 1, 2.0)], "factors: no finished cell has any"),
        ([Record({"k": 4}, seed, float(seed)) for seed in range(4)], "k: only the level 4 has finished"),
        ([Record({"k": k}, 0, float(k)) for k in range(4)], "seeds: all values are of one seed"),
        ([Record({"k": 1}, 0, 1.0), Record({"rank": 1}, 1, 1.0)], "k: not all recipes have these factors"),
        ([Record({"k": k}, k, float(k)) for k in range(4)], "k: effects can't be told apart"),
        ([Record({"k": k, "j": k}, s, k + s**2.0) for k in (0, 1) for s in range(4)], "k, j: effects can't be told"),
        ([Record({"k": k}, s, k + s / 7) for k in (0, 1) for s in range(4)], "k: no variance to test by"),
        ([Record({"k": k}, s, 0.1) for k in (0, 1) for s in range(4)], "k: no variance to test by"),
    ],
)
def test_a_design_that_tells_nothing_is_an_error_of_one_line(records, message):
    with pytest.raises(ToonlabError) as error:
        anova(records)
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)


def test_a_factor_that_is_none_is_named_with_the_nearest():
    with pytest.raises(ToonlabError, match="cluter: not a factor of this design; did you mean 'clutter'"):
        means(radar(), "filter", "cluter")


# -- properties

numbers = st.floats(-100, 100)


@settings(max_examples=25)
@given(st.lists(numbers, min_size=4, max_size=4), st.sampled_from([0.25, 1.0, -8.0]))
def test_neither_unit_nor_what_a_seed_adds_to_all_matters(shifts, unit):
    moved = [Record(r.levels, r.seed, unit * r.value + shifts[r.seed]) for r in radar()]
    for effect, same in zip(anova(radar()).effects, anova(moved).effects, strict=True):
        assert same.f == pytest.approx(effect.f)
        assert same.partial_eta_squared == pytest.approx(effect.partial_eta_squared)


@settings(max_examples=25)
@given(st.permutations(range(24)))
def test_the_order_of_records_does_not_matter(order):
    records = radar()
    shuffled = anova([records[i] for i in order])
    assert [e.term for e in shuffled.effects] == ["clutter", "filter", "clutter × filter"]
    assert [e.f for e in shuffled.effects] == pytest.approx([e.f for e in anova(records).effects])


def test_each_term_of_a_design_in_which_nothing_matters_is_significant_in_five_percent_of_studies():
    random = np.random.default_rng(0)
    levels = {"k": [1, 2, 4], "rank": ["batch", "image"]}
    p = np.array([[effect.p for effect in anova(design(random, levels, 3)).effects] for _ in range(150)])
    low, high = binom.ppf([0.0005, 0.9995], 150, 0.05)
    assert all(low <= count <= high for count in (p <= 0.05).sum(0))
