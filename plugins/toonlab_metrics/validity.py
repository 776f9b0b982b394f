"""Is a metric to be trusted? Its claims, tested on samples whose truth is known."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from statistics import stdev

import torch
from torch import Tensor

from toonlab import Images, Sample, rng

from .degrade import DEGRADATIONS, degraded
from .pictures import Measurement
from .sets import SetMetric

MONOTONE = 0.95  # Spearman's rank correlation of the amount of a degradation and the loss, at least
STILL = 0.1  # of the distance between truth and photo: what an ignored degradation may change at most
ALIKE = 3.0  # deviations of random halves: what two halves of the same data may differ at most
_SPLITS = 12

Fakes = Sequence[Tensor]


@dataclass(frozen=True)
class Finding:
    """One claim of one metric, what was measured of it, and whether it holds."""

    claim: str
    measured: str
    holds: bool


@dataclass(frozen=True)
class DistributedContext:
    """What metrics are tested on: samples, cartoons of other scenes, and fakes of `identity`, `classic`, `truth`."""

    name: str
    samples: Sequence[Sample]
    cartoons: Images
    methods: Mapping[str, Fakes]


@dataclass
class Trial:
    """A metric under test; `curves` are the scores at growing amounts of each degradation, the truth's first."""

    make: Callable[[], Measurement]
    curves: dict[str, list[float]] = field(default_factory=dict)
    ranks: dict[str, dict[str, float]] = field(default_factory=dict)  # world -> method -> score
    halves: tuple[float, float, float] = (0.0, 0.0, 1.0)  # of `classic`: both scores, the deviation of random halves

    def __post_init__(self) -> None:
        self.metric = self.make()

    def score(self, fakes: Fakes, world: DistributedContext, chosen: Sequence[int] | None = None) -> float:
        """The leading result for all samples, or for those that are chosen."""
        metric = deepcopy(self._prepared(world))
        for index in range(len(world.samples)) if chosen is None else chosen:
            metric.update(fakes[index], world.samples[index])
        return float(metric.compute()[self.metric.name])

    def _prepared(self, world: DistributedContext) -> Measurement:
        if getattr(self, "_world", None) is not world:
            self._world, self._ready = world, self.make()
            if isinstance(self._ready, SetMetric):
                self._ready.reference(world.cartoons)
        return self._ready

    def rank(self, world: DistributedContext) -> None:
        """Score the three methods."""
        self.ranks[world.name] = {name: self.score(fakes, world) for name, fakes in world.methods.items()}

    def halve(self, world: DistributedContext) -> None:
        """Score `classic` on even and odd samples, and see how much random halves differ."""
        fakes, count = world.methods["classic"], len(world.samples)
        a, b = (self.score(fakes, world, range(start, count, 2)) for start in (0, 1))
        differences = []
        for split in range(_SPLITS):
            order = torch.randperm(count, generator=rng(0, "halves", split)).tolist()
            one, other = order[: count // 2], order[count // 2 :]
            differences.append(self.score(fakes, world, one) - self.score(fakes, world, other))
        self.halves = (a, b, stdev([*differences, *(-difference for difference in differences)]))

    def findings(self) -> Iterator[Finding]:
        """Every claim, in the order of the table."""
        for name in DEGRADATIONS:
            if name in self.metric.sees:
                rho = self.monotony(name)
                yield Finding(f"sees {name}", f"Spearman {rho:.2f}", rho >= MONOTONE)
            elif name in self.metric.ignores:
                change = self.change(name)
                yield Finding(f"ignores {name}", f"moves {100 * change:.1f} %", change <= STILL)
        for world, scores in self.ranks.items():
            yield self._order(world, scores)
        yield self._alike()

    def monotony(self, name: str) -> float:
        """Spearman's rank correlation of amounts and losses; 0 if nothing moves."""
        from scipy.stats import spearmanr

        values = self.curves[name]
        if len(set(values)) == 1:
            return 0.0
        rho = float(spearmanr(range(len(values)), values).statistic)
        return -rho if self.metric.higher_is_better else rho

    def change(self, name: str) -> float:
        """The largest change, as a share of the distance between truth and photo in the first world."""
        values, scores = self.curves[name], next(iter(self.ranks.values()))
        return max(abs(value - values[0]) for value in values) / max(abs(scores["truth"] - scores["identity"]), 1e-12)

    def _order(self, world: str, scores: Mapping[str, float]) -> Finding:
        ranked = sorted(scores, key=lambda name: scores[name], reverse=self.metric.higher_is_better)
        holds = ranked == ["truth", "classic", "identity"] if self.metric.leads else ranked[0] == self.metric.best
        claim = "truth > classic > identity" if self.metric.leads else f"{self.metric.best} is best"
        return Finding(f"{world}: {claim}", " > ".join(f"{name} {scores[name]:.3g}" for name in ranked), holds)

    def _alike(self) -> Finding:
        a, b, deviation = self.halves
        away = abs(a - b) / max(deviation, 1e-12)
        return Finding("halves are alike", f"{a:.3g} and {b:.3g}, {away:.1f} deviations", away <= ALIKE)


def examine(
    trials: Sequence[Trial], worlds: Sequence[DistributedContext], say: Callable[[str], None] = lambda _: None
) -> None:
    """Fill in the curves, the halves (both in the first world) and the ranks (in all)."""
    first = worlds[0]
    for name, degradation in DEGRADATIONS.items():
        say(name)
        for amount in (0.0, *degradation.amounts):
            fakes = [degraded(sample, name, amount) if amount else _cartoon(sample) for sample in first.samples]
            for one in trials:
                one.curves.setdefault(name, []).append(one.score(fakes, first))
    say("halves")
    for one in trials:
        one.halve(first)
    for world in worlds:
        say(f"ranks in {world.name}")
        for one in trials:
            one.rank(world)


def _cartoon(sample: Sample) -> Tensor:
    assert sample.truth is not None
    assert sample.truth.cartoon is not None
    return sample.truth.cartoon
