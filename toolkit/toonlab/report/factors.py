"""A full factorial design: which factors matter, by table and by interaction plot."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import nan
from typing import TYPE_CHECKING

from toonlab.errors import ToonlabError
from toonlab.studies.results.results import short_names

from .charts.chart import PAPER, Chart, point_style
from .findings import Findings
from .format import number

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from toonlab.stats.factorial import Anova, Record

MOST = 6  # pairs of factors that are drawn
Means = Mapping[tuple[str, str], tuple[float, float]]  # levels of both factors -> mean, half the width of its interval


@dataclass(frozen=True)
class Factorial:
    """Of one recipe: the analysis of variance, or why there is none, and a plot for each pair of factors."""

    recipe: str
    anova: Anova | None
    problem: str
    charts: Sequence[Chart]


def factorials(found: Findings) -> Iterator[Factorial]:
    """One for each recipe that has factors; none where the design is not a full one."""
    if found.results.design != "full" or found.results.kind != "compare":
        return
    for recipe in dict.fromkeys(variant.recipe for variant in found.results.variants if variant.levels):
        from toonlab.stats.factorial import anova  # imports statsmodels and pandas

        records, analysis, problem = _records(found, recipe), None, ""
        try:
            analysis = anova(records)
        except ToonlabError as error:
            problem = str(error)
        yield Factorial(recipe, analysis, problem, list(_charts(found, recipe, records, analysis)) if records else [])


def _records(found: Findings, recipe: str) -> list[Record]:
    from toonlab.stats.factorial import Record

    names = short_names(list(found.results.factors))
    return [
        Record({names.get(p, p): level for p, level in v.levels.items()}, seed, value)
        for v in found.results.variants
        if v.recipe == recipe
        for seed, value in found.by_seed(found.primary, v.label).items()
    ]


def _charts(found: Findings, recipe: str, records: Sequence[Record], analysis: Anova | None) -> Iterator[Chart]:
    """A plot for each pair of factors; the one with more levels goes across, each level of the other has a line.

    All have one scale, that of the widest.
    """
    from toonlab.stats.factorial import level_text, means

    names = short_names(list(found.results.factors))
    given = {names[path]: list(map(level_text, levels)) for path, levels in found.results.factors.items()}
    pairs = list(combinations([name for name in given if name in records[0].levels], 2))[:MOST]
    plots: dict[tuple[str, ...], Means] = {}
    for factors in (tuple(sorted(pair, key=lambda name: -len(given[name]))) for pair in pairs):
        found_means = means(records, *factors)
        plots[factors] = {k: (mean, analysis.half_width(n) if analysis else 0) for k, (mean, n) in found_means.items()}
    ends = [mean + sign * half for one in plots.values() for mean, half in one.values() for sign in (-1, 1)]
    for factors, by_levels in plots.items():
        present = zip(*by_levels, strict=True)
        across, lines = ([one for one in given[name] if one in own] for name, own in zip(factors, present, strict=True))
        yield _interaction(f"interaction-{recipe}", factors, found.primary, across, lines, by_levels, ends)


def _interaction(
    name: str,
    factors: Sequence[str],
    metric: str,
    across: Sequence[str],
    lines: Sequence[str],
    means: Means,
    ends: Sequence[float],
) -> Chart:
    def draw(figure: Figure) -> None:
        axes = figure.add_subplot()
        for place, line in enumerate(lines):
            heights, halves = zip(*(means.get((level, line), (nan, nan)) for level in across), strict=True)
            aside = [at + 0.06 * (place - (len(lines) - 1) / 2) for at in range(len(across))]  # bars don't overlap
            style = {"markersize": 7, "markeredgecolor": PAPER, "elinewidth": 1.2, **point_style(place)}
            axes.errorbar(aside, heights, halves, label=line, **style)
        margin = 0.05 * (max(ends) - min(ends)) or 0.05
        axes.set_ylim(min(ends) - margin, max(ends) + margin)
        axes.set_xticks(range(len(across)), across, rotation=20 if sum(map(len, across)) > 36 else 0)
        axes.margins(x=0.1)
        axes.set(xlabel=factors[0], ylabel=metric)
        columns = max(1, min(4, 44 // (max(map(len, lines)) + 6)))
        figure.legend(title=factors[1], frameon=False, loc="outside upper center", ncols=columns)

    texts = [f"{a} with {b} {number(mean)}" for (a, b), (mean, _) in means.items()]
    bars = ", with 95 % intervals by the residuals" if any(half for _, half in means.values()) else ""
    return Chart(
        name="-".join([name, *factors]),
        title=" × ".join(factors),
        caption=f"Means over seeds and all else{bars}. Parallel lines: the factors act independently.",
        description=f"Means of {metric} at {' and '.join(factors)}: {', '.join(texts)}.",
        draw=draw,
    )
