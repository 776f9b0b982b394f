"""A study's findings: means, differences to the baseline and their words, the best variants."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from math import isfinite
from statistics import fmean

from toonlab.stats.verdicts import TypicalDifference
from toonlab.studies.results.comparisons import Measured, by_label, difference
from toonlab.studies.results.results import CellResult, StudyResults

from .format import places


@dataclass(frozen=True)
class Findings:
    """Results, and the statistics derived from them."""

    results: StudyResults

    @property
    def primary(self) -> str:
        """The metric that the study is about."""
        return self.results.metrics[0]

    @cached_property
    def labels(self) -> list[str]:
        return [variant.label for variant in self.results.variants]

    @property
    def columns(self) -> list[str]:
        """Metrics and costs, the primary one first, and seconds at the end."""
        return list(dict.fromkeys([*self.results.metrics, "seconds"]))

    @property
    def costs(self) -> set[str]:
        """The columns that say what a run costs, not how good its pictures are."""
        return {name for cell in self.results.cells if cell.outcome for name in cell.outcome["costs"]} | {"seconds"}

    @property
    def finished(self) -> list[CellResult]:
        return [cell for cell in self.results.cells if cell.status == "finished"]

    @property
    def seeds(self) -> list[int]:
        return sorted({cell.seed for cell in self.results.cells})

    @cached_property
    def _values(self) -> Mapping[str, Mapping[str, dict[int, float]]]:
        """metric -> label -> seed -> value of the finished cells, in the order of the seeds; finite values only."""
        found: defaultdict[str, defaultdict[str, dict[int, float]]] = defaultdict(lambda: defaultdict(dict))
        for cell in sorted(self.results.cells, key=lambda cell: cell.seed):
            label = cell.variant.label
            for metric, value in cell.values.items():
                if isfinite(value):
                    found[metric][label][cell.seed] = value
        return found

    def by_seed(self, metric: str, label: str) -> dict[int, float]:
        """seed -> value, in the order of the seeds; values that are not finite count as missing."""
        return self._values.get(metric, {}).get(label, {})

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
        """The labels with the best mean; none if only one has a value, or for times that can't be compared."""
        ranked = self.ranked(metric)
        if len(ranked) < 2 or (metric in self.costs and metric in self.results.caveats):
            return set()
        return {label for label in ranked if self.mean(metric, label) == self.mean(metric, ranked[0])}

    @cached_property
    def differences(self) -> Mapping[str, Mapping[str, TypicalDifference]]:
        """metric or cost -> label -> the difference to the baseline; empty where there is no baseline.

        Of the primary metric and the guards, those that the words rest on; of others, each by itself at 95 %.
        """
        measured = by_label(self.results)
        found = {metric: self._differences(metric, measured) for metric in self.columns}
        return {metric: by_metric for metric, by_metric in found.items() if by_metric}

    def _differences(self, metric: str, measured: Mapping[str, Measured]) -> dict[str, TypicalDifference]:
        verdicts, results = self.results.verdicts, self.results
        if metric == self.primary:
            return {label: one.primary for label, one in verdicts.items()}
        if metric in results.guards:
            return {label: found for label, one in verdicts.items() if (found := one.guards.get(metric))}
        pairs = {label: results.baseline_of(label) or "" for label in self.labels if not results.is_baseline(label)}
        given = {
            label: difference(measured[label], measured[baseline], metric)
            for label, baseline in pairs.items()
            if label in measured and baseline in measured
        }
        return {label: found for label, found in given.items() if found}

    def verdict(self, label: str) -> str:
        """`better`, `worse`, …: a `Word`; `baseline`; or empty, where there is nothing to compare."""
        if self.results.is_baseline(label):
            return "baseline"
        found = self.results.verdicts.get(label)
        return found.word if found else ""

    def difference(self, label: str, metric: str | None = None) -> TypicalDifference | None:
        """To the baseline; None of the baseline itself, and of labels that share no seed with it."""
        return self.differences.get(metric or self.primary, {}).get(label)

    def paired(self, metric: str, label: str) -> dict[int, float]:
        """seed -> difference to the baseline, for the seeds that both have."""
        base, own = self.by_seed(metric, self.results.baseline_of(label) or ""), self.by_seed(metric, label)
        return {seed: own[seed] - base[seed] for seed in own if seed in base}
