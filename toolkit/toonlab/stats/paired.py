"""Is a variant better than the baseline? Paired differences over seeds, tested; `docs/statistics.md` says why so.

scipy and statsmodels are imported by the functions that need them: a table of few seeds takes neither.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from toonlab.errors import ToonlabError, nearest

if TYPE_CHECKING:
    from statsmodels.stats.weightstats import DescrStatsW

Verdict = Literal["better", "worse", "inconclusive", "untested"]
Interval = tuple[float, float]
LEAST = 3  # seeds; with two, a 95 % interval is thirteen standard errors wide to either side
LEAST_PERMUTED = 8  # seeds; with seven, no permutation test can pass Holm's correction among four
FLIPS = 2**15  # all sign flips of up to 15 seeds, so many random ones of more
POWER = 0.8
LARGEST, SMALLEST = 1e100, 1e-100  # whose squares a float can still hold


@dataclass(frozen=True)
class Summary:
    """A row's own values.

    Args:
        n: how many of them are finite.
        mean: NaN if there are none.
        sd: sample standard deviation; None below 2.
        interval: 95 % t interval of the mean; None below 3.
    """

    n: int
    mean: float
    sd: float | None
    interval: Interval | None


@dataclass(frozen=True)
class Difference:
    """A variant against the baseline, in one metric.

    Args:
        n: seeds at which both have a finite value.
        mean: mean of the paired differences, variant minus baseline, in the metric's unit.
        interval: its 95 % t interval, not corrected; None below 3 seeds.
        p: of the paired t test, Holm-corrected over the variants; None below 3 seeds.
        p_permutation: of the paired permutation (sign flip) test, Holm-corrected likewise; None below 8 seeds.
        effect: Cohen's d of the paired differences with Hedges' correction, of the sign of `mean`; None below 3 seeds,
            and where the differences do not vary.
        detectable: the smallest |difference| that so many seeds show with power 0.8, at the strictest level of Holm's
            procedure (alpha / variants tested), if differences vary as they did here; None below 3 seeds.
        verdict: by `p`; `untested` below 3 seeds.
    """

    n: int
    mean: float
    interval: Interval | None
    p: float | None
    p_permutation: float | None
    effect: float | None
    detectable: float | None
    verdict: Verdict


def describe(values: Sequence[float]) -> Summary:
    """Mean, standard deviation and interval of the values; those that are not finite are left out."""
    kept = np.array([value for value in values if abs(value) < LARGEST])
    if not len(kept):
        return Summary(0, float("nan"), None, None)
    sd = float(kept.std(ddof=1)) if len(kept) > 1 else None
    return Summary(len(kept), float(kept.mean()), sd, _interval(_statistics(kept)) if len(kept) >= LEAST else None)


def differences(
    values: Mapping[str, Mapping[int, float]],
    baseline: str,
    higher_is_better: bool,
    alpha: float = 0.05,
    permutation: bool = True,
) -> dict[str, Difference]:
    """Every variant against the baseline, paired by seed, in one metric.

    Two-sided paired t tests (Student 1908), corrected together by Holm's step-down procedure (Holm 1979), so that the
    chance that any variant which equals the baseline is called better or worse is at most `alpha`. Values that are
    not finite count as missing. Where all seeds have the same difference (methods that do not learn), there is nothing
    to estimate: the interval is the difference itself, and p is 0, or 1 where there is none.

    Args:
        values: label -> seed -> value.
        baseline: the label of what the others are compared with.
        alpha: chance of a false verdict in the family, between 0 and 1.
        permutation: also make the permutation tests, which take most of the time.

    Returns:
        label -> difference, of the variants that share a seed with the baseline.

    Raises:
        ToonlabError: if no label is `baseline`.
    """
    if baseline not in values:
        raise ToonlabError(f"baseline: {baseline!r} is not among what was compared; {nearest(baseline, values)}")
    paired = {label: _paired(given, values[baseline]) for label, given in values.items() if label != baseline}
    paired = {label: found for label, found in paired.items() if len(found)}
    tested = {label: found for label, found in paired.items() if len(found) >= LEAST}
    permuted = {label: found for label, found in tested.items() if len(found) >= LEAST_PERMUTED and permutation}
    p = _holm(tested, map(_t_test, tested.values()))
    p_permutation = _holm(permuted, map(_permutation_test, permuted.values()))
    level = alpha / max(len(tested), 1)

    def difference(label: str, found: NDArray[np.float64]) -> Difference:
        n, spread = len(found), bool(np.ptp(found))
        mean = float(found.mean() if spread else found[0])
        if label not in tested:
            return Difference(n, mean, None, None, None, None, None, "untested")
        gain = mean if higher_is_better else -mean
        verdict: Verdict = "inconclusive" if p[label] > alpha else "better" if gain > 0 else "worse"
        if not spread:
            return Difference(n, mean, (mean, mean), p[label], p_permutation.get(label), None, 0.0, verdict)
        statistics = _statistics(found)
        sd = float(statistics.std)
        effect, detectable = _hedges(mean / sd, n), _standardised_detectable(n, level) * sd
        return Difference(
            n, mean, _interval(statistics), p[label], p_permutation.get(label), effect, detectable, verdict
        )

    return {label: difference(label, found) for label, found in paired.items()}


def _paired(variant: Mapping[int, float], baseline: Mapping[int, float]) -> NDArray[np.float64]:
    """The differences at the seeds that both have; those that are equal up to rounding of the values are made equal."""
    seeds = [s for s in variant if abs(variant[s]) < LARGEST and abs(baseline.get(s, float("nan"))) < LARGEST]
    pair = np.array([[variant[seed] for seed in seeds], [baseline[seed] for seed in seeds]], dtype=float)
    rounding = max(16 * np.finfo(float).eps * np.abs(pair).max(initial=0), SMALLEST)
    found = pair[0] - pair[1]
    found[np.abs(found) <= rounding] = 0
    if seeds and np.ptp(found) <= rounding:
        found[:] = found[0]
    return found


def _hedges(effect: float, n: int) -> float:
    """Cohen's d_z with Hedges' exact correction.

    Cohen, "Statistical Power Analysis for the Behavioral Sciences", 1988, section 2.3.5; Hedges, "Distribution Theory
    for Glass's Estimator of Effect Size", 1981, eq. 6e, at n - 1 degrees of freedom.
    """
    from scipy.special import poch

    return float(effect * poch((n - 2) / 2, 0.5) / np.sqrt((n - 1) / 2))


def _statistics(values: NDArray[np.float64]) -> DescrStatsW:
    from statsmodels.stats.weightstats import DescrStatsW

    return DescrStatsW(values, ddof=1)


def _interval(statistics: DescrStatsW) -> Interval:
    mean, margin = float(statistics.mean), _quantile(int(statistics.nobs) - 1) * float(statistics.std_mean)
    return mean - margin, mean + margin


@cache
def _quantile(df: int) -> float:
    from scipy.stats import t

    return float(t.isf(0.025, df))


def _t_test(differences: NDArray[np.float64]) -> float:
    if not np.ptp(differences):
        return 1.0 if differences[0] == 0 else 0.0
    return float(_statistics(differences).ttest_mean(0)[1])


def _permutation_test(differences: NDArray[np.float64]) -> float:
    """Every difference may as well have had the other sign, if the two are the same; all flips, or a fixed draw."""
    from scipy.stats import permutation_test

    mean = lambda flipped, axis: flipped.mean(axis)
    given = {"permutation_type": "samples", "n_resamples": FLIPS, "vectorized": True, "rng": 0}
    return float(permutation_test((differences,), mean, **given).pvalue)


def _holm(labels: Iterable[str], p: Iterable[float]) -> dict[str, float]:
    found = dict(zip(labels, p, strict=True))
    if len(found) < 2:
        return found
    from statsmodels.stats.multitest import multipletests

    return dict(zip(found, multipletests(list(found.values()), method="holm")[1].tolist(), strict=True))


@cache
def _standardised_detectable(n: int, level: float) -> float:
    """In standard deviations of the differences.

    One tail of the two-sided test: the other adds nothing at such power, and scipy's tail is NaN there at some places,
    which leads the solver astray.
    """
    from statsmodels.stats.power import TTestPower

    return float(TTestPower().solve_power(nobs=n, alpha=level / 2, power=POWER, alternative="larger"))
