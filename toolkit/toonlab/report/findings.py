"""What a study's results come to: means, differences to the baseline, who is best."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from statistics import fmean
from typing import TYPE_CHECKING

from toonlab.engine.profiling import COSTS
from toonlab.studies.results.results import CellResult, Results, Variant

from .format import places

if TYPE_CHECKING:
    from toonlab.stats.paired import Difference


@dataclass(frozen=True)
class Findings:
    """Results and what follows from them.

    Args:
        results: of the study.
        differences: metric -> label -> the difference to the baseline; empty where there is no baseline.
    """

    results: Results
    differences: Mapping[str, Mapping[str, Difference]]

    @property
    def primary(self) -> str:
        """The metric that the study is about."""
        return self.results.metrics[0]

    @property
    def variants(self) -> list[Variant]:
        return self.results.variants

    @property
    def labels(self) -> list[str]:
        return [variant.label for variant in self.variants]

    @property
    def columns(self) -> list[str]:
        """Metrics and costs, the primary one first, and seconds at the end."""
        return list(dict.fromkeys([*self.results.metrics, "seconds"]))

    @property
    def finished(self) -> list[CellResult]:
        return [cell for cell in self.results.cells if cell.status == "finished"]

    @property
    def seeds(self) -> list[int]:
        return sorted({cell.seed for cell in self.results.cells})

    def by_seed(self, metric: str, label: str) -> dict[int, float]:
        """seed -> value, in the order of the seeds; values that are not finite count as missing."""
        found = self.results.values(metric).get(label, {})
        return {seed: found[seed] for seed in sorted(found) if isfinite(found[seed])}

    def values(self, metric: str, label: str) -> list[float]:
        """In the order of the seeds."""
        return list(self.by_seed(metric, label).values())

    def digits(self, metric: str) -> int:
        """After the point, for all that is written in the metric's unit."""
        return places(abs(value) for label in self.labels for value in self.values(metric, label))

    def mean(self, metric: str, label: str) -> float | None:
        values = self.values(metric, label)
        return fmean(values) if values else None

    def higher(self, metric: str) -> bool:
        """Whether more of it is better."""
        return self.results.higher.get(metric, metric != "seconds")

    def ranked(self, metric: str) -> list[str]:
        """The labels that have a value, the best mean first."""
        means = {label: mean for label in self.labels if (mean := self.mean(metric, label)) is not None}
        return sorted(means, key=lambda label: means[label], reverse=self.higher(metric))

    def best(self, metric: str) -> set[str]:
        """The labels with the best mean; several where they are equal, none of times that can't be compared."""
        if metric in (*COSTS, "seconds") and metric in self.results.caveats:
            return set()
        ranked = self.ranked(metric)
        return {label for label in ranked if self.mean(metric, label) == self.mean(metric, ranked[0])}

    def verdict(self, label: str, metric: str | None = None) -> str:
        """`better`, `worse`, `inconclusive`, `untested`, or `baseline`."""
        if label == self.results.baseline:
            return "baseline"
        found = self.differences.get(metric or self.primary, {}).get(label)
        return found.verdict if found else "untested"

    def paired(self, metric: str, label: str) -> dict[int, float]:
        """seed -> what is more than the baseline's, for the seeds that both have."""
        base, own = self.by_seed(metric, self.results.baseline or ""), self.by_seed(metric, label)
        return {seed: own[seed] - base[seed] for seed in own if seed in base}


def find(results: Results) -> Findings:
    """Compare everything with the baseline, by every metric and cost that was asked for."""
    from toonlab.stats.paired import differences

    bare = Findings(results, {})
    found = {}
    for metric in bare.columns:
        values = {label: by_seed for label in bare.labels if (by_seed := bare.by_seed(metric, label))}
        if results.baseline in values:
            found[metric] = differences(values, results.baseline, bare.higher(metric))
    return Findings(results, found)
