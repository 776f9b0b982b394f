"""How many seeds and minutes a difference takes, by how the finished cells of a study vary."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from toonlab.errors import ToonlabError
from toonlab.stats.verdicts import LOOKS, difference_table, fewest_seeds, level_of, place_of, scenes_reach
from toonlab.utils.text import duration, several

from .comparisons import by_label, family, paired_scores
from .results import CellResult, StudyResults

POWER = 0.8
_MOST = 200  # seeds
_STUDIES = 1000  # simulated
_LEAST = 2  # seeds of a pilot, below which nothing varies


@dataclass(frozen=True)
class Variation:
    """How a variant's difference to the baseline varies.

    Args:
        pilot: the seeds of both that have finished.
        seeds: standard deviation of the difference over seeds.
        scenes: the mean difference of each scene; empty without scores of scenes.
    """

    pilot: int
    seeds: float
    scenes: NDArray[np.float64]

    @property
    def over_scenes(self) -> float:
        """Standard deviation over scenes."""
        return float(self.scenes.std(ddof=1)) if len(self.scenes) else 0.0


def plan(results: StudyResults, finished: Sequence[CellResult], delta: float) -> Iterator[str]:
    """Lines on the seeds that each variant takes to be found better by `delta`, and on the time of the whole study.

    Args:
        results: of the study, without cells.
        finished: those of its cells that have finished.
        delta: in the unit of the primary metric.

    Raises:
        ToonlabError: if no variant has two finished seeds in common with the baseline, or `delta` is not above 0.
    """
    if not 0 < delta < float("inf"):
        raise ToonlabError(f"--plan: got {delta:g}, expected a number above 0, in the unit of {results.metrics[0]}")
    known = replace(results, cells=finished)
    found = variations(known)
    if not found:
        text = f"no variant has {_LEAST} finished seeds in common with {results.baseline_text}"
        raise ToonlabError(f"{results.directory}: {text}, so it is unknown how they vary; run some seeds first")
    seeds = {label: seeds_needed(one, delta, family(results), results.max_seeds) for label, one in found.items()}
    return _lines(known, found, seeds, delta)


def variations(results: StudyResults) -> dict[str, Variation]:
    """label -> how its difference varies, of the variants with enough seeds, without the floors."""
    measured, found = by_label(results), dict[str, Variation]()
    for label in measured:
        baseline = measured.get(results.baseline_of(label) or "", {})
        table = difference_table(*paired_scores(measured[label], baseline, results.metrics[0]))  # (seeds, scenes)
        if (
            table is not None
            and len(table) >= _LEAST
            and not results.is_baseline(label)
            and label not in results.floors
        ):
            scenes = table.mean(axis=0) if table.shape[1] > 1 else np.empty(0)
            found[label] = Variation(len(table), float(table.mean(axis=1).std(ddof=1)), scenes)
    return found


def seeds_needed(variation: Variation, delta: float, comparisons: int, max_seeds: int | None) -> int | None:
    """The least number of seeds that show a difference with a chance of `POWER`; None if 200, or all looks, do not.

    Seeds and scenes are drawn from normal distributions: a pilot of few seeds knows no more of them.

    Args:
        comparisons: in the study.
        max_seeds: of its last look; None for a study with a fixed number of seeds.
    """
    if max_seeds is None:
        level = level_of(comparisons)
        plans = ([(seeds, level)] for seeds in range(fewest_seeds(level), _MOST + 1))
    else:
        looks = [(look, level_of(comparisons, look)) for look in LOOKS if look <= max_seeds]
        plans = (looks[: n + 1] for n in range(len(looks)))
    return next((looks[-1][0] for looks in plans if power(variation, delta, looks) >= POWER), None)


def power(variation: Variation, delta: float, looks: Sequence[tuple[int, float]]) -> float:
    """The share of simulated studies in which one of the looks, (seeds, level), finds the difference above zero."""
    chance, found, count = np.random.default_rng(0), np.zeros(_STUDIES, bool), len(variation.scenes)
    drawn = delta + variation.seeds * chance.normal(size=(_STUDIES, looks[-1][0]))
    drawn += variation.over_scenes / np.sqrt(max(count, 1)) * chance.normal(size=(_STUDIES, 1))
    for seeds, level in looks:
        if (place := place_of(seeds, level)) >= 0:
            ordered = np.sort(drawn[:, :seeds])
            median, reach = np.median(ordered, axis=1), scenes_reach(variation.scenes, level) if count else 0.0
            found |= median > np.hypot(median - ordered[:, place], reach)
    return float(found.mean())


def _lines(
    known: StudyResults, found: Mapping[str, Variation], seeds: Mapping[str, int | None], delta: float
) -> Iterator[str]:
    count = family(known)
    together = f", {count} comparisons together at 5 %" if count > 1 else ""
    yield f"to find a difference of {delta:g} in {known.metrics[0]} with a chance of {POWER:.0%}{together}:"
    for label, one in found.items():
        most = f"more than {known.max_seeds or _MOST} seeds"
        needed = f"{seeds[label]} seeds" if seeds[label] else most
        scenes = f", by {one.over_scenes:.3g} between {len(one.scenes)} scenes" if len(one.scenes) else ""
        varies = f"it varies by {one.seeds:.3g} between seeds{scenes}"
        yield f"{label}: {needed} ({varies}; from {several(one.pilot, 'seed')}{'' if one.pilot > 5 else ', roughly'})"
    if most_seeds := max((given or 0 for given in seeds.values()), default=0):
        yield f"in all: {most_seeds} seeds, {_cost(known, most_seeds)}"


def _cost(known: StudyResults, seeds: int) -> str:
    """`42 runs, of which 9 have finished; the others take about 35 min, one at a time`."""
    times = defaultdict[str, list[float]](list)
    for cell in known.cells:
        times[cell.variant.label].append(cell.values["seconds"])
    left = sum(max(seeds - len(own), 0) * fmean(own) for own in times.values())
    runs, done = f"{seeds * len(times)} runs", len(known.cells)
    return f"{runs}, of which {done} have finished; the others take about {duration(left)}, one at a time"
