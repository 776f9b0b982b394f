from __future__ import annotations

import gc
import math
from collections.abc import Iterator, Mapping

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import binom, chi2, nct, norm, t

from toonlab.errors import ToonlabError
from toonlab.stats.paired import Difference, describe, differences

# Student, "The Probable Error of a Mean", 1908: additional hours of sleep by one drug over another, ten patients
SLEEP = [1.2, 2.4, 1.3, 1.3, 0.0, 1.0, 1.8, 0.8, 4.6, 1.4]
# Darwin's maize, cross- against self-fertilised, in eighths of an inch: Fisher, "The Design of Experiments", 1935, § 21
MAIZE = [49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48]


@pytest.fixture(autouse=True, scope="module")
def _quick_collection() -> Iterator[None]:
    """statsmodels' Holm collects garbage each time it is called, through all that the tests before have left."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


def against_zero(*variants: list[float], **options) -> list[Difference]:
    """Variants whose paired differences from the baseline are the given ones."""
    longest = max(map(len, variants))
    values = {"base": dict.fromkeys(range(longest), 0.0)}
    values |= {f"v{i}": dict(enumerate(found)) for i, found in enumerate(variants)}
    return list(differences(values, "base", True, **options).values())


def p_of_three(differences: list[float]) -> float:
    """Student's t distribution has a closed form at two degrees of freedom."""
    statistic = abs(np.mean(differences)) / (np.std(differences, ddof=1) / math.sqrt(3))
    return 1 - statistic / math.sqrt(2 + statistic**2)


def power_of_t_test(effect: float, n: int, alpha: float) -> float:
    """Chance that the t test of n differences rejects on the right side: normal tail given the chi-squared variance."""
    df, critical = n - 1, t.isf(alpha / 2, n - 1)
    tail = lambda v: norm.sf(critical * math.sqrt(v / df) - effect * math.sqrt(n)) * chi2.pdf(v, df)
    return quad(tail, 0, df + 40 * math.sqrt(df) + 60, limit=500)[0]


# -- values


def test_student_s_sleep_data_give_the_published_numbers():
    (found,) = against_zero(SLEEP)
    assert (found.n, found.verdict) == (10, "better")
    assert found.mean == pytest.approx(1.58)
    assert found.interval == pytest.approx((0.7001142, 2.4598858), abs=1e-7)  # R's help of t.test
    assert found.p == pytest.approx(0.002833, abs=1e-6)
    assert found.effect == pytest.approx(1.284558 * (1 - 3 / (4 * 9 - 1)), rel=2e-3)  # Hedges' approximate correction


def test_hedges_correction_is_the_exact_one():
    (found,) = against_zero([0.0, 1.0, 2.0, 3.0, 4.0])
    exact = math.gamma(2) / (math.sqrt(2) * math.gamma(1.5))  # Hedges 1981, eq. 6e, at 4 degrees of freedom
    assert found.effect == pytest.approx(2 / math.sqrt(2.5) * exact)


def test_the_permutation_test_gives_fisher_s_number_for_darwin_s_maize():
    (found,) = against_zero(MAIZE)
    assert found.p_permutation == pytest.approx(2 * 863 / 2**15)
    assert found.p == pytest.approx(0.0497, abs=5e-5)


def test_the_permutation_test_of_many_seeds_draws_the_same_flips_each_time():
    many = [*MAIZE, 10, -20, 35, 5]
    (first,), (second,) = against_zero(many), against_zero(many)
    assert first.p_permutation == second.p_permutation
    flips = np.random.default_rng(1).choice([-1, 1], (200_000, len(many)))
    share = np.mean(np.abs(flips @ many) >= abs(sum(many)))
    assert first.p_permutation == pytest.approx(share, abs=0.005)


def test_p_is_corrected_by_holm_s_procedure():
    samples = [[1.0, 1.1, 1.2], [1.0, 2.0, 3.0], [0.5, -0.4, 0.3]]
    raw = [p_of_three(sample) for sample in samples]
    assert raw == sorted(raw)
    expected = [3 * raw[0], max(3 * raw[0], 2 * raw[1]), max(3 * raw[0], 2 * raw[1], raw[2])]
    found = against_zero(samples[2], samples[0], samples[1])
    assert [d.p for d in found] == pytest.approx([expected[2], expected[0], expected[1]])


def test_a_correction_can_make_a_difference_inconclusive():
    sample = [1.0, 1.5, 2.0]
    assert 0.05 / 2 < p_of_three(sample) < 0.05
    assert [d.verdict for d in against_zero(sample)] == ["better"]
    assert [d.verdict for d in against_zero(sample, sample)] == ["inconclusive"] * 2


def test_permutation_tests_are_corrected_too():
    once, twice = against_zero(SLEEP), against_zero(SLEEP, [-value for value in SLEEP])
    assert [d.p_permutation for d in once] == pytest.approx([4 / 2**10])  # all of one sign but for a zero
    assert [d.p_permutation for d in twice] == pytest.approx([8 / 2**10] * 2)


def test_twenty_pairs_can_show_the_textbook_s_effect():
    """Cohen's tables, as pingouin's and R's pwr document them: d = 0.6604 for 20 pairs at power 0.8 and level 0.05."""
    sample = list(np.random.default_rng(0).normal(0, 3, 20))
    (found,) = against_zero(sample)
    assert found.detectable == pytest.approx(0.6604 * np.std(sample, ddof=1), rel=1e-4)


@pytest.mark.parametrize("n", [3, 4, 5, 8, 10, 15])
@pytest.mark.parametrize("variants", [1, 2, 6, 20])
def test_the_detectable_difference_has_power_at_the_strictest_level_of_holm(n, variants):
    sample = list(np.random.default_rng(n).normal(0, 2, n))
    found = against_zero(*[sample] * variants, permutation=False)[0]
    effect = found.detectable / np.std(sample, ddof=1)
    assert power_of_t_test(effect, n, 0.05 / variants) == pytest.approx(0.8, abs=1e-4)


def test_only_shared_seeds_with_finite_values_are_paired():
    values = {
        "base": {0: 1.0, 1: 2.0, 2: 3.0, 3: math.nan, 4: 5.0, 6: 1.0},
        "better": {6: 4.0, 5: 0.0, 4: math.inf, 3: 1.0, 2: 5.0, 1: 3.0, 0: 2.0},
        "elsewhere": {7: 1.0, 8: 2.0, 9: 3.0},
        "diverged": {0: math.nan, 1: -math.inf},
    }
    found = differences(values, "base", True)
    assert list(found) == ["better"]
    assert found["better"].n == 4
    assert found["better"].mean == pytest.approx(np.mean([1.0, 1.0, 2.0, 3.0]))


@pytest.mark.parametrize("n", [1, 2])
def test_below_three_seeds_nothing_is_tested(n):
    (found,) = against_zero([0.1, 0.2][:n])
    assert found == Difference(n, pytest.approx(0.1 if n == 1 else 0.15), None, None, None, None, None, "untested")


def test_untested_variants_do_not_enter_the_family():
    alone, beside = against_zero(SLEEP), against_zero(SLEEP, [0.1, 0.2])
    assert beside[0] == alone[0]


def test_the_permutation_test_starts_at_eight_seeds():
    assert [d.p_permutation for d in against_zero(SLEEP[:7])] == [None]
    assert [d.p_permutation for d in against_zero(SLEEP[:8])] == pytest.approx([4 / 2**8])
    assert [d.p_permutation for d in against_zero(SLEEP, permutation=False)] == [None]


def test_two_methods_without_randomness_differ_by_an_exact_amount():
    values = {
        "base": dict.fromkeys(range(5), 0.1),
        "more": dict.fromkeys(range(5), 0.4),
        "same": {0: 0.1, 3: 0.1, 4: 0.1},
    }
    found = differences(values, "base", higher_is_better=False)
    more, same = found["more"], found["same"]
    assert more == Difference(5, pytest.approx(0.3), (more.mean, more.mean), 0.0, None, None, 0.0, "worse")
    assert same == Difference(3, 0.0, (0.0, 0.0), 1.0, None, None, 0.0, "inconclusive")


def test_rounding_is_no_difference():
    base = [0.1, 0.7, 0.3, 0.9]
    rounded = [np.nextafter(value, 1) for value in base]
    values = {"base": dict(enumerate(base)), "rounded": dict(enumerate(rounded))}
    assert differences(values, "base", True)["rounded"].verdict == "inconclusive"


def test_an_unknown_baseline_is_named_with_the_nearest_label():
    with pytest.raises(ToonlabError, match=r"baseline: 'plane' is not among .* did you mean 'plain'"):
        differences({"plain": {0: 1.0}, "ctss": {0: 2.0}}, "plane", True)


def test_a_row_is_described_by_mean_deviation_and_interval():
    found = describe(SLEEP)
    assert (found.n, found.mean, found.sd) == (10, pytest.approx(1.58), pytest.approx(1.229995, abs=1e-6))
    assert found.interval == pytest.approx((0.7001142, 2.4598858), abs=1e-7)


def test_a_row_of_few_values_says_what_it_can():
    assert describe([1.0, 3.0, math.nan]) == describe([1.0, 3.0])
    assert (describe([1.0, 3.0]).sd, describe([1.0, 3.0]).interval) == (pytest.approx(math.sqrt(2)), None)
    assert (describe([2.0]).n, describe([2.0]).mean, describe([2.0]).sd) == (1, 2.0, None)
    assert describe([math.nan, math.inf]).n == 0
    assert math.isnan(describe([]).mean)
    assert describe([4.0] * 3).interval == (4.0, 4.0)


# -- properties

exact = st.integers(-1000, 1000).map(lambda number: number / 8)  # sums of these are exact
studies = st.lists(st.tuples(exact, exact, exact, exact), min_size=1, max_size=9).map(
    lambda rows: {label: dict(enumerate(column)) for label, column in zip("abcd", zip(*rows, strict=True), strict=True)}
)
OPPOSITE = {"better": "worse", "worse": "better", "inconclusive": "inconclusive", "untested": "untested"}


@given(studies, st.lists(exact, min_size=9, max_size=9))
def test_what_a_seed_adds_to_all_changes_nothing(study, shifts):
    shifted = {label: {seed: v + shifts[seed] for seed, v in given.items()} for label, given in study.items()}
    assert differences(shifted, "a", True) == differences(study, "a", True)


@given(studies)
def test_when_less_is_better_the_verdicts_turn_round(study):
    up, down = differences(study, "a", True), differences(study, "a", False)
    assert {label: OPPOSITE[d.verdict] for label, d in up.items()} == {label: d.verdict for label, d in down.items()}


@given(studies, st.sampled_from([0.25, 8.0, 1024.0]))
def test_the_unit_does_not_matter(study, factor):
    scaled = {label: {seed: v * factor for seed, v in given.items()} for label, given in study.items()}
    for label, found in differences(study, "a", True).items():
        other = differences(scaled, "a", True)[label]
        assert (other.p, other.effect, other.verdict) == (found.p, found.effect, found.verdict)
        assert other.mean == found.mean * factor
        assert other.detectable is None or other.detectable == pytest.approx(found.detectable * factor)


@given(st.dictionaries(st.sampled_from("abcd"), st.dictionaries(st.integers(0, 9), st.floats())))
def test_any_floats_give_sound_numbers_without_a_warning(study: Mapping[str, Mapping[int, float]]):
    for found in differences({"a": {}, **study}, "a", True).values():
        assert math.isfinite(found.mean)
        if found.verdict == "untested":
            assert found.n < 3
            continue
        assert 0 <= found.p <= 1
        assert found.interval[0] <= found.mean <= found.interval[1]
        assert 0 <= found.detectable < math.inf
        assert found.effect is None or math.isfinite(found.effect)
        assert (found.verdict == "inconclusive") == (found.p > 0.05)


# -- many simulated studies

STUDIES = 2000


def simulate(random: np.random.Generator, seeds: int, variants: int, gain: float = 0.0) -> dict[str, Difference]:
    """A study in which seeds differ more than recipes; paired differences have deviation 1, the first mean `gain`."""
    luck = random.normal(0, 5, seeds)
    values = random.normal(0, math.sqrt(0.5), (variants + 1, seeds)) + luck
    values[1] += gain
    study = {label: dict(enumerate(row)) for label, row in zip("0123456", values.tolist(), strict=False)}
    return differences(study, "0", True, permutation=False)


def share_called_different(seeds: int, variants: int) -> float:
    random = np.random.default_rng([seeds, variants])
    studies = (simulate(random, seeds, variants) for _ in range(STUDIES))
    share = sum(any(d.verdict != "inconclusive" for d in study.values()) for study in studies) / STUDIES
    print(f"{seeds} seeds, variants equal to the baseline: {variants}; any called different in {share:.2%} of studies")
    return share


def share_found(seeds: int, variants: int, gain: float) -> float:
    random = np.random.default_rng([seeds, variants, 1])
    share = sum(simulate(random, seeds, variants, gain)["1"].verdict == "better" for _ in range(STUDIES)) / STUDIES
    print(f"{seeds} seeds, variants: {variants}, of which one is better by {gain} deviations; found in {share:.2%}")
    return share


def bounds(lowest: float, highest: float) -> tuple[float, float]:
    """Between what a share of so many studies lies by chance, but for one in a thousand on either side."""
    return binom.ppf(0.001, STUDIES, lowest) / STUDIES, binom.ppf(0.999, STUDIES, highest) / STUDIES


@pytest.mark.parametrize("seeds", [3, 5, 10])
def test_two_identical_recipes_are_called_different_in_five_percent_of_studies(seeds):
    low, high = bounds(0.05, 0.05)
    assert low <= share_called_different(seeds, 1) <= high


@pytest.mark.parametrize("seeds", [3, 5, 10])
def test_any_of_six_identical_variants_is_called_different_in_at_most_five_percent_of_studies(seeds):
    assert share_called_different(seeds, 6) <= bounds(0, 0.05)[1]


def test_one_deviation_is_found_as_often_as_theory_says():
    power = nct.sf(t.isf(0.025, 9), 9, math.sqrt(10))
    assert power == pytest.approx(power_of_t_test(1, 10, 0.05))
    low, high = bounds(power, power)
    print(f"theory: {power:.2%}")
    assert low <= share_found(10, 1, 1.0) <= high


def test_one_deviation_among_six_variants_is_found_between_holm_s_first_and_last_level():
    first, last = power_of_t_test(1, 10, 0.05 / 6), power_of_t_test(1, 10, 0.05)
    low, high = bounds(first, last)
    print(f"theory: between {first:.2%} and {last:.2%}")
    assert low <= share_found(10, 6, 1.0) <= high
