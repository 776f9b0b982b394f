"""Tests of metrics."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from toonlab.registry.protocols import Compares, Describes, Metric
from toonlab.types import Sample, Truth

from . import inputs
from .frame import PartTests, expect, no_global_draws, print_cost, skip, tried, unchanged

_KNOWN = frozenset(field.name for field in fields(Truth))
_COUNT = 4  # samples


class MetricTests(PartTests):
    """`class TestMyMetric(MetricTests): factory = MyMetric`. Samples have 64x64 pixels, and the whole truth.

    What `compute` does before the first `update` is the metric's own affair: the engine never asks for it.
    """

    kind = "metrics"

    def metric(self) -> Metric:
        __tracebackhide__ = True
        made = self.make()
        missing = [name for name in ("needs", "higher_is_better", "update", "compute") if not hasattr(made, name)]
        expect(not missing, f"{self.name} has no {', '.join(missing)}; toonlab.Metric says what they are")
        if isinstance(made, Compares):
            made.reference(_Cartoons())
        return made

    def score(
        self, fake: Callable[[Sample], Tensor], samples: list[Sample] | None = None, metric: Any = None
    ) -> Mapping[str, float]:
        __tracebackhide__ = True
        metric = metric or self.metric()
        for sample in samples or _samples():
            tried(f"{self.name}: update fails", metric.update, fake(sample), sample)
        return tried(f"{self.name}: compute fails", metric.compute)

    def test_it_says_what_it_needs_and_what_is_better(self) -> None:
        metric = self.metric()
        unknown = set(metric.needs) - _KNOWN
        expect(
            isinstance(metric.needs, frozenset) and not unknown,
            f"{self.name}: needs = {metric.needs!r}; expected a frozenset of {', '.join(sorted(_KNOWN))}",
        )
        expect(
            isinstance(metric.higher_is_better, bool),
            f"{self.name}: higher_is_better = {metric.higher_is_better!r}, expected True or False",
        )
        caveat, leads = getattr(metric, "caveat", ""), getattr(metric, "leads", True)
        expect(
            isinstance(caveat, str) and "\n" not in caveat,
            f"{self.name}: caveat is {caveat!r}, expected a line of text",
        )
        expect(isinstance(leads, bool), f"{self.name}: leads is {leads!r}, expected True or False")

    def test_results_are_finite_numbers_by_name(self) -> None:
        for what, fake in _FAKES.items():
            results = self.score(fake)
            expect(
                isinstance(results, Mapping) and results and all(isinstance(name, str) for name in results),
                f"{self.name}: compute() returns {results!r}, expected a mapping from names to numbers",
            )
            wrong = {name: value for name, value in results.items() if not math.isfinite(float(value))}
            expect(
                not wrong,
                f"{self.name}: {wrong} for {what}; pictures of one colour and perfect ones have a score as well: guard "
                f"divisions and logarithms of 0",
            )

    def test_it_needs_nothing_that_it_does_not_say(self) -> None:
        needs = self.metric().needs
        bare = [_without(sample, _KNOWN - needs) for sample in _samples()]
        metric = self.metric()
        for sample in bare:
            tried(
                f"{self.name} says that it needs {sorted(needs) or 'nothing'} of the truth, and fails where there is "
                "nothing else",
                metric.update,
                sample.photo,
                sample,
            )

    def test_a_copy_measures_for_itself(self) -> None:
        """The engine makes a metric once, and measures with a copy of it each time."""
        metric = self.metric()
        copied = tried(f"{self.name} can't be copied (copy.deepcopy)", copy.deepcopy, metric)
        alone = self.score(_FAKES["the photo"], metric=copied)
        other = copy.deepcopy(metric)
        self.score(_FAKES["noise"], metric=other)
        again = self.score(_FAKES["the photo"], metric=copy.deepcopy(metric))
        expect(
            _near(alone, again),
            f"{self.name}: {again} after another copy has measured, {alone} before; keep what is measured in the "
            "instance, set in __init__, not in the class",
        )

    def test_the_order_of_samples_does_not_matter(self) -> None:
        one = self.score(_FAKES["the blurred photo"])
        other = self.score(_FAKES["the blurred photo"], _samples()[::-1])
        expect(
            _near(one, other, 0.1),  # what is drawn for a sample may depend on its number
            f"{self.name}: {other} for the same samples in another order, {one} before; give every sample the same "
            "weight",
        )

    def test_the_first_sample_is_not_all(self) -> None:
        one = self.score(_FAKES["the photo"])
        other = self.score(lambda sample: _FAKES["the photo" if sample.name == "sample-0" else "noise"](sample))
        expect(
            not _near(one, other, 1e-9),
            f"{self.name}: {one} whether the later fakes are photos or noise; every update has to count",
        )

    def test_imitations_of_the_truth_score_better_than_the_photo(self) -> None:
        metric = self.metric()
        if "cartoon" not in metric.needs and "outline" not in metric.needs and "flat" not in metric.needs:
            skip("it needs no picture of the truth")
        if getattr(metric, "leads", True) is False:
            skip("it says itself that it may not lead a table (`leads = False`)")
        photo, truth = (_leading(self.score(_FAKES[what])) for what in ("the photo", "the truth itself"))
        better = truth > photo if metric.higher_is_better else truth < photo
        expect(
            better,
            f"{self.name}: the true cartoon scores {truth:.4g}, the unmodified photo {photo:.4g}, and higher_is_better "
            f"= {metric.higher_is_better}; is its sign right? A metric that crowns the photo states `leads = False`",
        )

    def test_fakes_and_samples_are_left_as_they_are(self) -> None:
        sample = _samples()[0]
        assert sample.truth is not None
        fake = sample.photo.clone()
        inside = {"fake": fake, "sample.photo": sample.photo}
        inside |= {
            f"truth.{name}": tensor for name in _KNOWN if isinstance(tensor := getattr(sample.truth, name), Tensor)
        }
        before = {key: tensor.clone() for key, tensor in inside.items()}
        self.metric().update(fake, sample)
        unchanged(self.name, before, inside)

    def test_nothing_is_drawn_from_global_generators(self) -> None:
        metric = self.metric()
        with no_global_draws(self.name, "toonlab.rng(…)"):
            self.score(_FAKES["the photo"], metric=metric)

    def test_what_it_tells_of_itself_is_json(self) -> None:
        import json

        metric = self.metric()
        if not isinstance(metric, Describes):
            skip("it does not describe how it measured")
        self.score(_FAKES["the photo"], metric=metric)
        tried(f"{self.name}: describe() is no JSON", lambda: json.dumps(metric.describe()))

    def test_cost(self) -> None:
        sample = _samples(1, 128)[0]
        metric = self.metric()
        print_cost(self.name, lambda: metric.update(sample.photo, sample), "a fake of 128x128")


class _Cartoons:
    """Real cartoons to compare sets with."""

    def __len__(self) -> int:
        return _COUNT

    def __getitem__(self, index: int, /) -> Tensor:
        if not 0 <= index < _COUNT:
            raise IndexError(index)
        return inputs.cartoons(1, seed=100 + index)[0]


def _samples(count: int = _COUNT, size: int = inputs.SIZE) -> list[Sample]:
    """Cartoons, and the photos that were made of them: blurred, shaded, noisy."""
    found = []
    for number in range(count):
        cartoon = inputs.cartoons(1, size, size, seed=number)[0]
        lines = torch.zeros(size, size, dtype=torch.bool)
        lines[size // 3 : size // 3 + 2] = lines[:, size // 2 : size // 2 + 2] = True
        flat = _flat(cartoon, lines)
        shade = torch.linspace(0.2, -0.2, size)
        noise = 0.1 * torch.randn(cartoon.shape, generator=torch.Generator().manual_seed(number))
        photo = (_blurred(flat) + shade + noise).clamp(-1, 1)
        regions = ((flat + 1) * 4).round().long()
        truth = Truth(cartoon, lines, regions[0] * 81 + regions[1] * 9 + regions[2], flat)
        found.append(Sample(f"sample-{number}", photo, truth))
    return found


def _flat(cartoon: Tensor, lines: Tensor) -> Tensor:
    """The cartoon's colours with lines filled in from the left or from above."""
    filled = cartoon.clone()
    for _ in range(2):
        for dim in (1, 2):
            filled = torch.where(lines, filled.roll(2, dim), filled)
    return filled


def _blurred(image: Tensor) -> Tensor:
    return F.avg_pool2d(F.pad(image[None], (2, 2, 2, 2), mode="replicate"), 5, stride=1)[0]


def _true(sample: Sample) -> Tensor:
    assert sample.truth is not None
    assert sample.truth.cartoon is not None
    return sample.truth.cartoon


def _noise(sample: Sample) -> Tensor:
    return torch.rand(sample.photo.shape, generator=torch.Generator().manual_seed(7)) * 2 - 1


_FAKES: Mapping[str, Callable[[Sample], Tensor]] = {
    "the photo": lambda sample: sample.photo.clone(),
    "the truth itself": _true,
    "the blurred photo": lambda sample: _blurred(sample.photo),
    "noise": _noise,
    "gray": lambda sample: torch.zeros_like(sample.photo),
}


def _without(sample: Sample, names: frozenset[str]) -> Sample:
    kept = {name: None if name in names else getattr(sample.truth, name) for name in _KNOWN}
    return Sample(sample.name, sample.photo, Truth(**kept))


def _leading(results: Mapping[str, float]) -> float:
    return float(next(iter(results.values())))


def _near(one: Mapping[str, float], other: Mapping[str, float], tolerance: float = 1e-6) -> bool:
    if set(one) != set(other):
        return False
    return all(math.isclose(float(one[k]), float(other[k]), rel_tol=tolerance, abs_tol=tolerance * 1e-3) for k in one)
