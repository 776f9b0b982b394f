"""A full factorial design: which factors matter, by table and by interaction plot."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import nan
from typing import TYPE_CHECKING, Any

from toonlab.errors import ToonlabError
from toonlab.studies.results.results import short_names

from .charts.chart import Chart
from .charts.colors import MARKERS, PAPER, SERIES
from .findings import Findings
from .format import number

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from toonlab.stats.factorial import Anova, Record

MOST = 6  # pairs of factors that are drawn


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
    for recipe in dict.fromkeys(variant.recipe for variant in found.variants if variant.levels):
        yield _factorial(found, recipe)


def _factorial(found: Findings, recipe: str) -> Factorial:
    from toonlab.stats.factorial import anova  # imports statsmodels and pandas

    records = _records(found, recipe)
    charts = list(_charts(found, recipe, records)) if records else []
    try:
        return Factorial(recipe, anova(records), "", charts)
    except ToonlabError as error:
        return Factorial(recipe, None, str(error), charts)


def _records(found: Findings, recipe: str) -> list[Record]:
    from toonlab.stats.factorial import Record

    names = short_names(list(found.results.factors))
    return [
        Record({names.get(p, p): level for p, level in v.levels.items()}, seed, value)
        for v in found.variants
        if v.recipe == recipe
        for seed, value in found.by_seed(found.primary, v.label).items()
    ]


def _charts(found: Findings, recipe: str, records: Sequence[Record]) -> Iterator[Chart]:
    from toonlab.stats.factorial import level_text, means

    order = {
        name: [level_text(level) for level in found.results.factors[path]]
        for path, name in short_names(list(found.results.factors)).items()
        if name in records[0].levels
    }
    for pair in list(combinations(order, 2))[:MOST]:
        first, second = sorted(pair, key=lambda name: -len(order[name]))  # the one with more levels goes across
        found_means = means(records, first, second)
        across, lines = (
            [level for level in order[name] if any(key[place] == level for key in found_means)]
            for place, name in enumerate((first, second))
        )
        yield _interaction(recipe, _Interaction((first, second), across, lines, found_means, found.primary))


@dataclass(frozen=True)
class _Interaction:
    """Two factors: the levels of the first go across, each of the second's has a line."""

    factors: tuple[str, str]
    across: Sequence[str]
    lines: Sequence[str]
    means: Mapping[tuple[str, str], float]
    metric: str

    def draw(self, figure: Figure) -> None:
        axes = figure.add_subplot()
        for place, line in enumerate(self.lines):
            heights = [self.means.get((level, line), nan) for level in self.across]
            style: Any = {"color": SERIES[place % len(SERIES)], "marker": MARKERS[place % len(MARKERS)]}
            axes.plot(heights, markersize=7, markeredgecolor=PAPER, label=line, **style)
        turned = 20 if sum(map(len, self.across)) > 36 else 0
        axes.set_xticks(range(len(self.across)), self.across, rotation=turned)
        axes.margins(x=0.1)
        axes.set(xlabel=self.factors[0], ylabel=self.metric)
        columns = max(1, min(4, 44 // (max(map(len, self.lines)) + 6)))
        figure.legend(title=self.factors[1], frameon=False, loc="outside upper center", ncols=columns)


def _interaction(recipe: str, plot: _Interaction) -> Chart:
    (first, second), metric = plot.factors, plot.metric
    texts = [f"{a} with {b} {number(mean)}" for (a, b), mean in plot.means.items()]
    return Chart(
        name=f"interaction-{recipe}-{first}-{second}",
        title=f"{first} × {second}",
        caption="Means over seeds and all else. Parallel lines: the factors act independently.",
        description=f"Means of {metric} at {first} and {second}: {', '.join(texts)}.",
        draw=plot.draw,
    )
