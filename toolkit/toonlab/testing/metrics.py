"""Tests of metrics."""

import copy
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from toonlab.registry.protocols import Compares, Describes, HasScores, Metric
from toonlab.types import Sample, Truth

from . import inputs
from .assertions import skip
from .frame import PartTests

_KNOWN = frozenset(field.name for field in fields(Truth))
_COUNT = 4  # samples


class MetricTests(PartTests):
    """`class TestMyMetric(MetricTests): factory = MyMetric`. Samples have 64x64 pixels, and the whole truth.

    What `compute` does before the first `update` is the metric's own affair: the engine never asks for it.
    """

    kind = "metrics"
    methods = ("update", "compute")
    attributes = ("needs", "higher_is_better")
    advice = "toonlab.Metric says what they are"

    def make(self, **changes: Any) -> Metric:
        made: Metric = super().make(**changes)
        if isinstance(made, Compares):
            made.reference([inputs.cartoons(1, seed=100 + number)[0] for number in range(_COUNT)])
        return made

    def score(
        self, fake: Callable[[Sample], Tensor], samples: list[Sample] | None = None, metric: Any = None
    ) -> Mapping[str, float]:
        __tracebackhide__ = True
        metric = metric or self.make()
        for sample in samples or _samples():
            self.tried("update fails", metric.update, fake(sample), sample)
        return self.tried("compute fails", metric.compute)

    def test_it_says_what_it_needs_and_what_is_better(self) -> None:
        metric = self.make()
        known = isinstance(metric.needs, frozenset) and metric.needs <= _KNOWN
        self.expect(known, f"needs = {metric.needs!r}; expected a frozenset of {', '.join(sorted(_KNOWN))}")
        caveat = getattr(metric, "caveat", "")
        text = f"caveat is {caveat!r}, expected a line of text"
        self.expect(isinstance(caveat, str) and "\n" not in caveat, text)
        for name, value in (("higher_is_better", metric.higher_is_better), ("leads", getattr(metric, "leads", True))):
            self.expect(isinstance(value, bool), f"{name} = {value!r}, expected True or False")

    def test_results_are_finite_numbers_by_name(self) -> None:
        for what, fake in _FAKES.items():
            results = self.score(fake)
            named = isinstance(results, Mapping) and results and all(isinstance(name, str) for name in results)
            self.expect(named, f"compute() returns {results!r}, expected a mapping from names to numbers")
            wrong = {name: value for name, value in results.items() if not math.isfinite(float(value))}
            self.expect(
                not wrong,
                f"{wrong} for {what}; pictures of one colour and perfect ones have a score as well: guard divisions "
                "and logarithms of 0",
            )

    def test_it_needs_nothing_that_it_does_not_say(self) -> None:
        metric = self.make()
        needs = sorted(metric.needs) or "nothing"
        text = f"says that it needs {needs} of the truth, and fails where there is nothing else"
        for sample in _samples():
            known = {name: getattr(sample.truth, name) for name in metric.needs}
            self.tried(text, metric.update, sample.photo, replace(sample, truth=Truth(**known)))

    def test_a_copy_measures_for_itself(self) -> None:
        """The engine makes a metric once, and measures with a copy of it each time."""
        metric = self.make()
        copied = self.tried("can't be copied (copy.deepcopy)", copy.deepcopy, metric)
        alone = self.score(_FAKES["the photo"], metric=copied)
        self.score(_FAKES["noise"], metric=copy.deepcopy(metric))
        again = self.score(_FAKES["the photo"], metric=copy.deepcopy(metric))
        text = f"{again} after another copy has measured, {alone} before; keep what is measured in the instance"
        self.expect(_near(alone, again), f"{text}, set in __init__, not in the class")

    def test_the_order_of_samples_does_not_matter(self) -> None:
        one = self.score(_FAKES["the blurred photo"])
        other = self.score(_FAKES["the blurred photo"], _samples()[::-1])
        text = f"{other} for the same samples in another order, {one} before; give every sample the same weight"
        self.expect(_near(one, other, 0.1), text)  # what is drawn for a sample may depend on its number

    def test_the_first_sample_is_not_all(self) -> None:
        one = self.score(_FAKES["the truth itself"])
        other = self.score(lambda sample: _FAKES["the truth itself" if sample.name == "sample-0" else "noise"](sample))
        text = f"{one} whether the later fakes are the truth or noise; every update has to count"
        self.expect(not _near(one, other, 1e-9), text)

    def test_imitations_of_the_truth_score_better_than_the_photo(self) -> None:
        metric = self.make()
        if not {"cartoon", "outline", "flat"} & metric.needs:
            skip("it needs no picture of the truth")
        if getattr(metric, "leads", True) is False:
            skip("it says itself that it may not lead a table (`leads = False`)")
        photo, truth = (float(next(iter(self.score(_FAKES[f]).values()))) for f in ("the photo", "the truth itself"))
        self.expect(
            truth > photo if metric.higher_is_better else truth < photo,
            f"the true cartoon scores {truth:.4g}, the unmodified photo {photo:.4g}, and higher_is_better = "
            f"{metric.higher_is_better}; is its sign right? A metric that crowns the photo states `leads = False`",
        )

    def test_fakes_and_samples_are_left_as_they_are(self) -> None:
        sample = _samples(1)[0]
        fake = sample.photo.clone()
        with self.unchanged({"fake": fake, "sample": sample}):
            self.make().update(fake, sample)

    def test_nothing_is_drawn_from_global_generators(self) -> None:
        metric = self.make()

        def work() -> list[Tensor]:
            return [torch.tensor([*self.score(_FAKES["the photo"], metric=copy.deepcopy(metric)).values()])]

        self.draws_only_from("toonlab.rng(…)", work)

    def test_what_it_tells_of_itself_is_json(self) -> None:
        metric = self.make()
        if not isinstance(metric, Describes):
            skip("it does not describe how it measured")
        self.score(_FAKES["the photo"], metric=metric)
        self.tried("describe() is no JSON", lambda: json.dumps(metric.describe()))

    def test_scores_are_those_of_the_samples(self) -> None:
        metric, samples = self.make(), _samples()
        if not isinstance(metric, HasScores):
            skip("it does not measure each picture by itself")
        self.score(_FAKES["the blurred photo"], samples, metric)
        found = {name: len(values) for name, values in metric.scores().items() if len(values) != len(samples)}
        self.expect(not found, f"scores() has {found}, expected a value for each of {len(samples)} samples, or None")

    def test_cost(self) -> None:
        sample, metric = _samples(1, 128)[0], self.make()
        self.print_cost(lambda: metric.update(sample.photo, sample), "a fake of 128x128")


def _samples(count: int = _COUNT, size: int = inputs.SIZE) -> list[Sample]:
    """Cartoons, and the photos that were made of them: blurred, shaded, noisy."""
    found = []
    for number in range(count):
        cartoon = inputs.cartoons(1, size, size, seed=number)[0].roll((5 * number, 5 * number), (1, 2))
        lines = torch.zeros(size, size, dtype=torch.bool)
        row, column = (size // part + 5 * number for part in (3, 2))  # every scene has its own
        lines[row : row + 2] = lines[:, column : column + 2] = True
        flat = cartoon
        for dim in (1, 2, 1, 2):  # lines are filled in from the left or from above
            flat = torch.where(lines, flat.roll(2, dim), flat)
        shade = torch.linspace(0.2, -0.2, size)
        noise = 0.1 * torch.randn(cartoon.shape, generator=torch.Generator().manual_seed(number))
        photo = (_blurred(flat) + shade + noise).clamp(-1, 1)
        regions = ((flat + 1) * 4).round().long()
        truth = Truth(cartoon, lines, regions[0] * 81 + regions[1] * 9 + regions[2], flat)
        found.append(Sample(f"sample-{number}", photo, truth))
    return found


def _blurred(image: Tensor) -> Tensor:
    return F.avg_pool2d(F.pad(image[None], (2, 2, 2, 2), mode="replicate"), 5, stride=1)[0]


def _true(sample: Sample) -> Tensor:
    assert sample.truth is not None
    assert sample.truth.cartoon is not None
    return sample.truth.cartoon


_FAKES: Mapping[str, Callable[[Sample], Tensor]] = {
    "the photo": lambda sample: sample.photo.clone(),
    "the truth itself": _true,
    "the blurred photo": lambda sample: _blurred(sample.photo),
    "noise": lambda sample: torch.rand(sample.photo.shape, generator=torch.Generator().manual_seed(7)) * 2 - 1,
    "gray": lambda sample: torch.zeros_like(sample.photo),
}


def _near(one: Mapping[str, float], other: Mapping[str, float], tolerance: float = 1e-6) -> bool:
    values, others = (list(map(float, results.values())) for results in (one, other))
    return set(one) == set(other) and np.allclose(values, others, rtol=tolerance, atol=tolerance * 1e-3)
