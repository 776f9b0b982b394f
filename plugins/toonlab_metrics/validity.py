"""Tests of the claims of metrics, on samples with a known truth."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from statistics import stdev

import torch
from torch import Tensor

from toonlab import Images, Sample, rng

from .bases import Measurement
from .degenerate import NAMES, PATTERNS, degenerates
from .degrade import DEGRADATIONS, degraded

MONOTONE = 0.95  # the least rank correlation (Spearman) between the amount of a degradation and the loss
STILL = 0.1  # the largest change by an ignored degradation, relative to the distance of truth and photo
ALIKE = 3.0  # the largest difference of two halves of the data, in standard deviations of random halves
_SPLITS = 12

Fakes = Sequence[Tensor]


@dataclass(frozen=True)
class Finding:
    """One claim of a metric, the measurement, and whether the claim holds."""

    claim: str
    measured: str
    holds: bool


@dataclass(frozen=True)
class ReferenceData:
    """Test data for metrics: samples, cartoons of other scenes, and the fakes of `identity`, `classic` and `truth`."""

    name: str
    samples: Sequence[Sample]
    cartoons: Images
    methods: Mapping[str, Fakes]


@dataclass
class Trial:
    """A metric under test; `curves` are its scores at growing amounts of each degradation, starting with the truth.

    `pictures` are its scores of degenerate pictures.
    """

    metric: Measurement
    curves: dict[str, list[float]] = field(default_factory=dict)
    pictures: dict[str, float] = field(default_factory=dict)
    ranks: dict[str, dict[str, float]] = field(default_factory=dict)  # data -> method -> score
    halves: tuple[float, float, float] = (0.0, 0.0, 1.0)  # of `classic`: both scores, the deviation of random halves
    _data: ReferenceData | None = None  # whose cartoons the metric has

    def score(self, fakes: Fakes, data: ReferenceData, chosen: Sequence[int] | None = None) -> float:
        """The main result for all samples, or for the chosen ones."""
        if hasattr(self.metric, "reference") and self._data is not data:
            self.metric.reference(data.cartoons)
            self._data = data
        metric = deepcopy(self.metric)
        for index in range(len(data.samples)) if chosen is None else chosen:
            metric.update(fakes[index], data.samples[index])
        return float(metric.compute()[self.metric.name])

    def halve(self, data: ReferenceData) -> None:
        """Score `classic` on even and odd samples, and measure the difference of random halves."""
        fakes, count = data.methods["classic"], len(data.samples)
        a, b = (self.score(fakes, data, range(start, count, 2)) for start in (0, 1))
        differences = []
        for split in range(_SPLITS):
            order = torch.randperm(count, generator=rng(0, "halves", split)).tolist()
            one, other = order[: count // 2], order[count // 2 :]
            differences.append(self.score(fakes, data, one) - self.score(fakes, data, other))
        self.halves = (a, b, stdev([*differences, *(-difference for difference in differences)]))

    def findings(self) -> Iterator[Finding]:
        """All claims, in the order of the table."""
        for name in DEGRADATIONS:
            if name in self.metric.sees:
                rho = self.monotony(name)
                yield Finding(f"sees {name}", f"Spearman {rho:.2f}", rho >= MONOTONE)
            elif name in self.metric.ignores:
                change = self.change(name)
                yield Finding(f"ignores {name}", f"moves {100 * change:.1f} %", change <= STILL)
        if self.metric.withstands is not None:
            score, name = max((min(self.pictures[name], self.scaled(name)), name) for name in PATTERNS)
            claim = f"gives no pattern more than {self.metric.withstands}, or as much above the photo below it"
            yield Finding(claim, f"{name} {score:.3f}", score <= self.metric.withstands)
        for data, scores in self.ranks.items():
            yield self._order(data, scores)
        yield self._alike()

    def monotony(self, name: str) -> float:
        """Spearman's rank correlation of amounts and losses; 0 for a constant score."""
        from scipy.stats import spearmanr

        values = self.curves[name]
        if len(set(values)) == 1:
            return 0.0
        rho = float(spearmanr(range(len(values)), values).statistic)
        return -rho if self.metric.higher_is_better else rho

    def change(self, name: str) -> float:
        """The largest change, relative to the distance between truth and photo in the first data."""
        values, scores = self.curves[name], next(iter(self.ranks.values()))
        return max(abs(value - values[0]) for value in values) / max(abs(scores["truth"] - scores["identity"]), 1e-12)

    def scaled(self, name: str) -> float:
        """The score of a degenerate picture, on the scale from the photo, 0, to the truth, 1."""
        scores = next(iter(self.ranks.values()))
        return (self.pictures[name] - scores["identity"]) / (scores["truth"] - scores["identity"])

    def _order(self, data: str, scores: Mapping[str, float]) -> Finding:
        ranked = sorted(scores, key=lambda name: scores[name], reverse=self.metric.higher_is_better)
        holds = ranked == ["truth", "classic", "identity"] if self.metric.leads else ranked[0] == self.metric.best
        claim = "truth > classic > identity" if self.metric.leads else f"{self.metric.best} is best"
        return Finding(f"{data}: {claim}", " > ".join(f"{name} {scores[name]:.3g}" for name in ranked), holds)

    def _alike(self) -> Finding:
        a, b, deviation = self.halves
        away = abs(a - b) / max(deviation, 1e-12)
        return Finding("halves are alike", f"{a:.3g} and {b:.3g}, {away:.1f} deviations", away <= ALIKE)


def examine(
    trials: Sequence[Trial], datasets: Sequence[ReferenceData], report: Callable[[str], None] = lambda _: None
) -> None:
    """Fill in the curves, the scores of pictures and the halves (on the first data), and the ranks (on all)."""
    first = datasets[0]
    for name, degradation in DEGRADATIONS.items():
        report(name)
        for amount in (0.0, *degradation.amounts):
            fakes = [degraded(sample, name, amount) for sample in first.samples] if amount else first.methods["truth"]
            for one in trials:
                one.curves.setdefault(name, []).append(one.score(fakes, first))
    for name in NAMES:
        report(name)
        fakes = degenerates(first.samples, name)
        for one in trials:
            one.pictures[name] = one.score(fakes, first)
    report("halves")
    for one in trials:
        one.halve(first)
    for data in datasets:
        report(f"ranks in {data.name}")
        for one in trials:
            one.ranks[data.name] = {name: one.score(fakes, data) for name, fakes in data.methods.items()}
