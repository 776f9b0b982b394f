"""Which factors of a full factorial design matter, and which pairs of them matter together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import sqrt
from statistics import fmean
from typing import Any

import numpy as np
import pandas as pd
import yaml
from scipy.stats import t
from statsmodels.formula.api import ols
from statsmodels.stats.anova import anova_lm

from toonlab.errors import ToonlabError, nearest

from .verdicts import LARGEST

LEAST_RESIDUAL = 3  # degrees of freedom; with two, an effect must be nineteen times the noise to be seen
ROUNDING = 1e-20  # of sums of squares, relative to those of the values
Term = tuple[str, ...]


@dataclass(frozen=True)
class Record:
    """One finished cell.

    Args:
        levels: factor -> level of any type that YAML can write; factors are named as they shall be read.
        value: of the metric.
    """

    levels: Mapping[str, Any]
    seed: int
    value: float


@dataclass(frozen=True)
class Effect:
    """A line of the ANOVA table.

    Args:
        term: `k`, or `k × patch_size`.
        df: degrees of freedom.
        f: mean square of the term over that of the residuals.
        p: of the F test, not corrected for the number of terms.
        partial_eta_squared: the term's share of what neither the other terms nor the seeds explain, 0 to 1.
    """

    term: str
    df: int
    f: float
    p: float
    partial_eta_squared: float


@dataclass(frozen=True)
class Anova:
    """What an analysis of variance found.

    Args:
        effects: of the factors, then of their pairs.
        seed: the line of the seeds, which are a block: what pairing takes out of the noise.
        residual_df: degrees of freedom of the residuals.
        residual_ms: their mean square.
        notes: which interactions were left out, and why.
    """

    effects: Sequence[Effect]
    seed: Effect
    residual_df: int
    residual_ms: float
    notes: Sequence[str] = ()

    def half_width(self, count: int) -> float:
        """Of the 95 % interval of a mean of `count` values, for comparisons of levels within the same seeds."""
        return float(t.ppf(0.975, self.residual_df)) * sqrt(self.residual_ms / count)


def anova(records: Sequence[Record]) -> Anova:
    """Main effects and two-way interactions, with seeds as a block: type II sums of squares.

    Randomised complete block design, see Montgomery, "Design and Analysis of Experiments", section 5.6. Levels are
    categories of any type. Values that are not finite are left out. An interaction is left out where a pair of
    levels has no value; all of them, where they can't be told from main effects or leave fewer than three degrees
    of freedom.

    Raises:
        ToonlabError: if the records have no factors or not the same ones, if a factor has fewer than two levels, if
            there are no two seeds, if factors can't be told from one another or from the seeds, or if nothing else
            varies.
    """
    records = _finite(records)
    factors = _factors(records)
    _check_replicates(records, factors)
    table = _table(records, factors)
    pairs, notes = _complete_pairs(table, factors)
    model = _model(table, factors, pairs)
    if pairs and not _sound(model, LEAST_RESIDUAL):
        notes += [f"{_name(pair)}: left out, too few values to tell it from other effects or noise" for pair in pairs]
        model = _model(table, factors, [])
    if not _sound(model, 1):
        raise ToonlabError(
            f"{', '.join(factors)}: effects can't be told apart; each level must meet several of every other factor"
            " and of the seeds, as in `design: full`"
        )
    fit = model.fit()
    if fit.ssr <= ROUNDING * float(model.endog @ model.endog):
        raise ToonlabError(f"{', '.join(factors)}: no variance to test by: every seed shows the same effects")
    return _read(anova_lm(fit, typ=2), factors, notes)


def means(records: Sequence[Record], first: str, second: str) -> dict[tuple[str, str], tuple[float, int]]:
    """What an interaction plot draws: the mean over all else, for each pair of levels that has a value.

    Returns:
        (level of `first`, level of `second`) -> mean and number of values; levels as `level_text` writes them, in the
        order of the records.

    Raises:
        ToonlabError: if the records have no such factor.
    """
    records = _finite(records)
    factors = _factors(records)
    for name in (first, second):
        if name not in factors:
            raise ToonlabError(f"{name}: not a factor of this design; {nearest(name, factors)}")
    cells: dict[tuple[str, str], list[float]] = {}
    for record in records:
        levels = level_text(record.levels[first]), level_text(record.levels[second])
        cells.setdefault(levels, []).append(record.value)
    return {levels: (fmean(values), len(values)) for levels, values in cells.items()}


def level_text(level: Any) -> str:
    """A level as an experiment's file would have it: `4`, `'4'`, `null`, `{use: grid}`."""
    written = yaml.safe_dump(level, default_flow_style=True, width=float("inf"), allow_unicode=True)
    return written.removesuffix("...\n").strip()


def _finite(records: Sequence[Record]) -> list[Record]:
    return [record for record in records if abs(record.value) < LARGEST]


def _factors(records: Sequence[Record]) -> list[str]:
    factors = list(records[0].levels) if records else []
    if not factors:
        raise ToonlabError("factors: no finished cell has any; give some to the experiment, and run it")
    if len({frozenset(record.levels) for record in records}) > 1:
        raise ToonlabError(f"{', '.join(factors)}: not all recipes have these factors; analyse each recipe by itself")
    return factors


def _check_replicates(records: Sequence[Record], factors: Sequence[str]) -> None:
    for name in factors:
        found = {level_text(record.levels[name]) for record in records}
        if len(found) < 2:
            raise ToonlabError(f"{name}: only the level {found.pop()} has finished; effects need two levels or more")
    if len({record.seed for record in records}) < 2:
        raise ToonlabError("seeds: all values are of one seed; effects need two or more to tell them from the noise")


def _table(records: Sequence[Record], factors: Sequence[str]) -> pd.DataFrame:
    """Columns `f0`, `f1`, …, `seed` and `value`: formulas can't hold dotted paths."""
    columns = {f"f{i}": [level_text(r.levels[name]) for r in records] for i, name in enumerate(factors)}
    return pd.DataFrame({**columns, "seed": [r.seed for r in records], "value": [float(r.value) for r in records]})


def _complete_pairs(table: pd.DataFrame, factors: Sequence[str]) -> tuple[list[Term], list[str]]:
    """Pairs of factors all of whose pairs of levels have a value, and what to say of the others."""
    pairs: list[Term] = []
    notes = []
    for (i, first), (j, second) in combinations(enumerate(factors), 2):
        counts = pd.crosstab(table[f"f{i}"], table[f"f{j}"]).to_numpy()
        if counts.all():
            pairs.append((first, second))
        else:
            notes.append(f"{_name((first, second))}: left out, {np.sum(counts == 0)} of its cells without a value")
    return pairs, notes


def _model(table: pd.DataFrame, factors: Sequence[str], pairs: Sequence[Term]) -> Any:
    columns = {name: f"C(f{i})" for i, name in enumerate(factors)}
    terms = [*columns.values(), *(":".join(columns[name] for name in pair) for pair in pairs), "C(seed)"]
    return ols(f"value ~ {' + '.join(terms)}", table)


def _sound(model: Any, residual: int) -> bool:
    """Whether every coefficient is determined, with enough degrees of freedom left to estimate the noise by."""
    values, coefficients = model.exog.shape
    return values - coefficients >= residual and np.linalg.matrix_rank(model.exog) == coefficients


def _read(table: pd.DataFrame, factors: Sequence[str], notes: Sequence[str]) -> Anova:
    residual = table.loc["Residual"]

    def effect(name: str, row: pd.Series) -> Effect:
        share = row["sum_sq"] / (row["sum_sq"] + residual["sum_sq"])
        return Effect(name, int(row["df"]), float(row["F"]), float(row["PR(>F)"]), float(share))

    names = {f"C(f{i})": name for i, name in enumerate(factors)}
    terms = [term for term in table.index if term not in ("C(seed)", "Residual")]
    mean_square = float(residual["sum_sq"] / residual["df"])
    effects = [effect(_name([names[part] for part in term.split(":")]), table.loc[term]) for term in terms]
    return Anova(effects, effect("seed", table.loc["C(seed)"]), int(residual["df"]), mean_square, list(notes))


def _name(term: Sequence[str]) -> str:
    return " × ".join(term)
