"""A full factorial design: which factors matter, by table and by interaction plot."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

from toonlab.errors import ToonlabError
from toonlab.results import short_names

from .findings import Findings
from .numbers import number
from .svg import INK, MARKERS, PAPER, SERIES, Chart

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from toonlab.factorial import Anova, Record

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
    from toonlab.factorial import anova

    if found.results.design != "full" or found.results.kind != "compare":
        return
    for recipe in dict.fromkeys(variant.recipe for variant in found.variants if variant.levels):
        records = _records(found, recipe)
        try:
            table, problem = anova(records), ""
        except ToonlabError as error:
            table, problem = None, str(error)
        charts = list(_charts(found, recipe, records)) if records else []
        yield Factorial(recipe, table, problem, charts)


def _records(found: Findings, recipe: str) -> list[Record]:
    from toonlab.factorial import Record

    names = short_names(list(found.results.factors))
    return [
        Record({names.get(p, p): level for p, level in v.levels.items()}, seed, value)
        for v in found.variants
        if v.recipe == recipe
        for seed, value in found.by_seed(found.primary, v.label).items()
    ]


def _charts(found: Findings, recipe: str, records: Sequence[Record]) -> Iterator[Chart]:
    from toonlab.factorial import level_text, means

    order = {
        name: [level_text(level) for level in found.results.factors[path]]
        for path, name in short_names(list(found.results.factors)).items()
        if name in records[0].levels
    }
    for pair in list(combinations(order, 2))[:MOST]:
        first, second = sorted(pair, key=lambda name: -len(order[name]))  # the one with more levels goes across
        found_means = means(records, first, second)
        levels = [
            [level for level in order[name] if any(level in key for key in found_means)] for name in (first, second)
        ]
        yield _interaction(f"{recipe}-{first}-{second}", (first, second), levels, found_means, found.primary)


def _interaction(
    name: str,
    factors: tuple[str, str],
    levels: Sequence[Sequence[str]],
    means: Mapping[tuple[str, str], float],
    metric: str,
) -> Chart:
    def draw(figure: Figure) -> None:
        axes = figure.add_subplot()
        for place, line in enumerate(levels[1]):
            heights = [means.get((level, line), float("nan")) for level in levels[0]]
            axes.plot(heights, marker=MARKERS[place % len(MARKERS)], markersize=7, markeredgecolor=PAPER,
                      color=SERIES[place % len(SERIES)], label=line)  # fmt: skip
        axes.set_xticks(range(len(levels[0])), levels[0])
        axes.margins(x=0.1)
        axes.set(xlabel=factors[0], ylabel=metric)
        figure.legend(title=factors[1], frameon=False, loc="outside upper center", ncols=4, labelcolor=INK)

    texts = [f"{a} with {b} {number(mean)}" for (a, b), mean in means.items()]
    return Chart(
        name=f"interaction-{name}",
        title=f"{factors[0]} × {factors[1]}",
        caption="Means over seeds and all else. Parallel lines: the factors act independently.",
        description=f"Means of {metric} at {factors[0]} and {factors[1]}: {', '.join(texts)}.",
        draw=draw,
    )
