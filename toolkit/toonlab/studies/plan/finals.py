"""The finals of a search: the trials that run again on fresh seeds, and the variant that each is compared with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil

from toonlab.studies.executors.cell import CellSpec
from toonlab.studies.results.results import SearchResult, SearchTrial

from .experiment import with_train
from .search import SearchSpec
from .search_plan import SearchPlan

FRESH = 1000  # the first seed: far from those of a search


@dataclass(frozen=True)
class Finals:
    """The cells, seed by seed; `baseline` and `baselines` as in `StudyResults`; the searches with their `finals`."""

    specs: Sequence[CellSpec]
    baseline: str
    baselines: dict[str, str]
    searches: Sequence[SearchResult]


def finals_of(search: SearchSpec, plans: Sequence[SearchPlan], searches: Sequence[SearchResult], seeds: int) -> Finals:
    """The default of each recipe, and its best trials; none of a control.

    Of one recipe, the best `top` trials are compared with the default; with several objectives, those of the front, or
    `top` of them that are spread over it. Of several, each winner is compared with the
    winner of the first recipe, and each default with the winner of its own recipe: one comparison for every variant
    but one. The winner is the best trial; where that is the default's, the recipe has no other variant.
    """
    first, told, winners, baselines = list[CellSpec](), list[SearchResult](), list[str](), dict[str, str]()
    for plan, found in zip(plans, searches, strict=True):
        best = [] if found.control else _best(search, found)
        others = [plan.spec(each.params, FRESH, each.number) for each in best]
        labels = [spec.variant.label for spec in others]
        told.append(replace(found, finals=dict(zip(labels, (each.number for each in best), strict=True))))
        if found.control:
            continue
        default = plan.spec(plan.default, FRESH)
        first += [default, *others]
        winners += labels[:1] if search.recipes and others else [default.variant.label]
        if search.recipes and others:
            baselines[default.variant.label] = labels[0]
    order = range(FRESH, FRESH + seeds)
    specs = [CellSpec(spec.variant, with_train(spec.recipe, seed=seed)) for seed in order for spec in first]
    return Finals(specs, winners[0], baselines, told)


def _best(search: SearchSpec, found: SearchResult) -> list[SearchTrial]:
    """The best trials that are confirmed besides the default, the best first, each once; of a front all, or `top`."""
    if search.objectives:
        numbered = {trial.number: trial for trial in found.trials}
        points = [numbered[n] for n in found.front if numbered[n].params != found.default]
        return points[:: ceil(len(points) / (search.confirm.top or len(points)))] if points else []
    ranking = [trial.params for trial in found.ranked]
    if search.recipes and ranking[:1] == [found.default]:
        return []
    fresh = [n for n, params in enumerate(ranking) if params != found.default and params not in ranking[:n]]
    return [found.ranked[n] for n in fresh[: search.top]]
