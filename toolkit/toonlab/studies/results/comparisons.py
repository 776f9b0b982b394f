"""A study's comparisons: each variant with the baseline, by the primary metric and its guards, in a word."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isnan, nan
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import ConfigDict

from toonlab.stats.verdicts import (
    ALPHA,
    LARGEST,
    LOOKS,
    Interval,
    Scores,
    TypicalDifference,
    Word,
    level_of,
    typical_difference,
    word,
)

if TYPE_CHECKING:
    from .results import CellResult, StudyResults

MARGIN = 0.03  # the smallest difference that matters; of `lines`, a 33rd of the way from chance to the true cartoon
Measured = Mapping[int, tuple[Mapping[str, float], Mapping[str, Sequence[float | None]]]]  # seed -> values, scores


@dataclass(frozen=True)
class Comparison:
    """What may be said of a variant, and what it rests on.

    Args:
        word: see `stats.verdicts.word`.
        primary: the difference of the primary metric, variant minus baseline.
        guards: those of the guards; None where a guard has no values.
        level: of the primary metric's interval, 0 to 1.
        look: in a study that looks several times, the number of seeds of the last look at this variant; 0 before the
            first. None in other studies.
    """

    __pydantic_config__: ClassVar = ConfigDict(extra="forbid")

    word: Word
    primary: TypicalDifference
    guards: Mapping[str, TypicalDifference | None]
    level: float
    look: int | None = None

    def __str__(self) -> str:
        """`+0.042 (+0.021 to +0.063), better`."""
        low, high = self.primary.interval or (nan, nan)
        between = f" ({low:+.3f} to {high:+.3f})" if self.primary.interval else ""
        return f"{self.primary.median:+.3f}{between}, {self.word}"


def comparisons(results: StudyResults) -> dict[str, Comparison]:
    """label -> its comparison, of the variants that share a finished seed with their baseline; empty without one.

    The intervals of all variants' primary metric hold together with a chance of 95 %; the guards of a variant share its
    level. A study that stops by itself (`results.max_seeds`) says what it has seen at its looks alone.
    """
    measured = by_label(results)
    if not results.metrics:
        return {}
    others = [label for label in measured if not results.is_baseline(label) and results.baseline_of(label) in measured]
    found = {label: _Compared(results, measured, label) for label in others}
    return {label: one for label, compared in found.items() if (one := compared.comparison())}


def by_label(results: StudyResults) -> Mapping[str, Measured]:
    """label -> what its finished cells have measured, in the order of their seeds."""
    found: defaultdict[str, dict[int, Any]] = defaultdict(dict)
    for cell in sorted(results.cells, key=lambda cell: cell.seed):
        if cell.status == "finished" and cell.outcome:
            found[cell.variant.label][cell.seed] = cell.values, cell.outcome.get("scores", {})
    return found


def difference(variant: Measured, baseline: Measured, metric: str, level: float = ALPHA) -> TypicalDifference | None:
    """The difference of a metric; None where there is nothing to compare."""
    return typical_difference(*paired_scores(variant, baseline, metric), level)


def paired_scores(variant: Measured, baseline: Measured, metric: str) -> tuple[Scores, Scores]:
    """A metric's scores of scenes at the seeds that both have; where not all have as many, one value for each seed."""
    shared = [seed for seed in variant if seed in baseline]
    scores = [{seed: each[seed][1].get(metric) or () for seed in shared} for each in (variant, baseline)]
    lengths = {len(of) for each in scores for of in each.values()}
    if len(lengths) != 1 or 0 in lengths:
        scores = [{seed: [each[seed][0].get(metric, nan)] for seed in shared} for each in (variant, baseline)]
    return _finite(scores[0]), _finite(scores[1])


def _finite(scores: Mapping[int, Sequence[float | None]]) -> Scores:
    """NaN for what is no number, without the seeds that have none at all."""
    found = {s: [v if v is not None and abs(v) < LARGEST else nan for v in of] for s, of in scores.items()}
    return {seed: of for seed, of in found.items() if not all(map(isnan, of))}


def photos(results: StudyResults, label: str) -> Measured:
    """The unmodified photos, as each of a variant's cells has measured them."""
    cells = [cell for cell in results.of(label) if cell.status == "finished" and cell.outcome]
    return {cell.seed: (cell.outcome["photo"], cell.outcome.get("photo_scores", {})) for cell in cells if cell.outcome}


def gain(interval: Interval, higher: bool) -> Interval:
    """An interval of a difference, with what is better as positive."""
    return interval if higher else (-interval[1], -interval[0])


def family(results: StudyResults) -> int:
    """The number of comparisons that a study makes: of all variants but the baselines and the floors."""
    labels = {variant.label for variant in results.variants} - {*results.floors}
    return sum(not results.is_baseline(label) for label in labels)


def above_floor(results: StudyResults, measured: Mapping[str, Measured], label: str, level: float) -> bool | None:
    """Whether a variant is shown to be above the photos and the other floors, by the intervals of its differences.

    None if it is not, but a gain of the margin is not excluded either: more seeds may show it. With too few seeds or
    scenes for an interval nothing speaks against it. A floor itself is not above.
    """
    if label in results.floors:
        return False
    primary = results.metrics[0]
    below = [photos(results, label), *(measured[floor] for floor in results.floors_of(label) if floor in measured)]
    found = [difference(measured[label], floor, primary, level) for floor in below]
    gains = [gain(one.interval, results.higher.get(primary, True)) for one in found if one and one.interval]
    if any(low <= 0 and high < results.margin for low, high in gains):
        return False
    return None if any(low <= 0 for low, _ in gains) else True


class _Compared:
    """A variant and the baseline, at any number of the study's first seeds."""

    def __init__(self, results: StudyResults, measured: Mapping[str, Measured], label: str) -> None:
        self.results, self.measured, self.label = results, measured, label
        self.baseline, self.family = results.baseline_of(label) or "", family(results)

    def comparison(self) -> Comparison | None:
        if self.results.max_seeds is None:
            return self._at(self.measured, level_of(self.family), None)
        said = None
        for look, seeds in reached(self.results, self.label):
            first = {label: {s: of[s] for s in of if s in seeds} for label, of in self.measured.items()}
            said = self._at(first, level_of(self.family, look), look)
            if said and said.word != "undecided":
                return said
        return said or self._before()

    def _before(self) -> Comparison | None:
        """Before the first look, no interval and no word."""
        found = difference(self.measured[self.label], self.measured[self.baseline], self.results.metrics[0])
        level = level_of(self.family, next(iter(LOOKS)))
        without = found and TypicalDifference(found.seeds, found.scenes, found.median, None)
        return Comparison("undecided", without, {}, level, 0) if without else None

    def _at(self, measured: Mapping[str, Measured], level: float, look: int | None) -> Comparison | None:
        results, own, baseline = self.results, measured[self.label], measured[self.baseline]
        primary = difference(own, baseline, results.metrics[0], level)
        if primary is None:
            return None
        shared = level / max(len(results.guards), 1)
        guards = {name: difference(own, baseline, name, shared) for name in results.guards}
        above = above_floor(results, measured, self.label, level)
        gains = {
            name: gain(one.interval, results.higher.get(name, True)) if one and one.interval else None
            for name, one in {results.metrics[0]: primary, **guards}.items()
        }
        said = word(gains.pop(results.metrics[0]), gains, results.margin, above_floor=bool(above))
        open_ = above is None and look not in (None, results.max_seeds)
        return Comparison("undecided" if open_ else said, primary, guards, level, look)


def reached(results: StudyResults, label: str) -> Iterator[tuple[int, set[int]]]:
    """The looks, each with its seeds, at which all cells of a variant and of its baseline have ended."""
    baseline = results.baseline_of(label) or ""
    cells = {name: {cell.seed: cell for cell in results.of(name)} for name in (label, baseline)}
    order = list(cells[baseline])
    for look in LOOKS:
        seeds = order[:look]
        if look > (results.max_seeds or 0) or len(seeds) < look or not all(map(_ended, cells.values(), [seeds] * 2)):
            return
        yield look, set(seeds)


def _ended(cells: Mapping[int, CellResult], seeds: Sequence[int]) -> bool:
    return all(seed in cells and cells[seed].status in ("finished", "failed") for seed in seeds)
