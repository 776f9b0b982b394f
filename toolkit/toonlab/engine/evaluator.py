"""Measure a generator on evaluation samples, and show its fakes of the first of them."""

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import Subset

from toonlab.images.grid import grid
from toonlab.images.io import to_picture
from toonlab.recipes.spec import Part
from toonlab.registry.catalogue import Catalogue
from toonlab.registry.protocols import (
    Compares,
    Dataset,
    Describes,
    HasCartoons,
    HasScores,
    HasTest,
    Images,
    Metric,
    OnDevice,
    ReadyMade,
)
from toonlab.types import Sample, Scores


@dataclass(frozen=True)
class Evaluation:
    """The metrics of one pass over the evaluation samples, and what else it leaves.

    `measured` says how each metric measured, by the metric's name. `scores` are the results of each sample, where a
    metric measures them one by one. `fakes` are those of the first samples, `(3, H, W)`
    in [-1, 1], on the CPU.
    """

    metrics: Mapping[str, float]
    measured: Mapping[str, Mapping[str, Any]]
    fakes: Sequence[Tensor]
    scores: Scores


class Evaluator:
    """The evaluation samples of a run and the metrics that they allow.

    `cartoons` gives the real cartoons that sets of fakes are compared with, or None; `device` is the run's, where
    metrics run their networks.
    """

    def __init__(
        self,
        samples: Sequence[Sample],
        metrics: Sequence[Part],
        catalogue: Catalogue,
        count: int,
        cartoons: Callable[[], Images | None] = lambda: None,
        device: torch.device | None = None,
    ) -> None:
        self.device = device
        self.samples = [samples[i] for i in range(min(count, len(samples)))]
        self.catalogue = catalogue
        made = {part.use: part.make(catalogue) for part in metrics}
        self.metrics: dict[str, Metric] = {name: m for name, m in made.items() if self._measurable(name, m, cartoons)}

    def _measurable(self, name: str, metric: Metric, cartoons: Callable[[], Images | None]) -> bool:
        truth = [need for need in metric.needs if any(getattr(s.truth, need, None) is None for s in self.samples)]
        lacking = f"the truth's {', '.join(sorted(truth))}" if truth else ""
        if self.device and isinstance(metric, OnDevice):
            metric.device = self.device
        if not truth and isinstance(metric, Compares):
            if (given := cartoons()) is None:
                lacking = "real cartoons to compare with"
            else:
                metric.reference(given)
        if lacking:
            text = f"metric {name!r} is left out: it needs {lacking}, which the data don't have"
            warnings.warn(text, RuntimeWarning, stacklevel=2)
        return not lacking

    def evaluate(self, generator: nn.Module, device: torch.device, batch: int = 8, keep: int = 0) -> Evaluation:
        """Every metric of the generator's fakes, and the first `keep` fakes; each photo is cartoonized once."""
        samples = self.samples if self.metrics else self.samples[:keep]
        return self._measure(self.fakes(generator, device, batch, len(samples)), samples, keep)

    def evaluate_photos(self) -> Evaluation:
        """Every metric of the unmodified photos: the baseline in every table; none where photos are unknown."""
        if not all(sample.has_photo for sample in self.samples):
            return Evaluation({}, {}, [], {})
        return self._measure((sample.photo for sample in self.samples), self.samples, keep=0)

    def _measure(self, fakes: Iterable[Tensor], samples: Sequence[Sample], keep: int) -> Evaluation:
        metrics, kept = deepcopy(self.metrics), list[Tensor]()
        for fake, sample in zip(fakes, samples, strict=True):
            for metric in metrics.values():
                metric.update(fake, sample)
            if len(kept) < keep:
                kept.append(fake)
        values = {name: float(value) for metric in metrics.values() for name, value in metric.compute().items()}
        measured = {name: dict(m.describe()) for name, m in metrics.items() if isinstance(m, Describes)}
        scores = {
            name: list(of) for m in metrics.values() if isinstance(m, HasScores) for name, of in m.scores().items()
        }
        return Evaluation(values, measured, kept, scores)

    def fakes(
        self, generator: nn.Module, device: torch.device, batch: int = 8, count: int | None = None
    ) -> Iterator[Tensor]:
        """A `(3, H, W)` fake for each sample (or the first `count`), on the CPU."""
        if isinstance(generator, ReadyMade):
            yield from (generator.fake(sample) for sample in self.samples[:count])
            return
        photos = [sample.photo for sample in self.samples[:count]]
        for _, group in groupby(photos, key=lambda photo: photo.shape):
            alike = list(group)
            for start in range(0, len(alike), batch):
                yield from cartoonize(generator, torch.stack(alike[start : start + batch]).to(device)).cpu()

    def grid(self, fakes: Sequence[Tensor], name: str) -> Image.Image:
        """A sample grid: photos and the truth where there are any, and fakes with their name at the left."""
        shown = self.samples[: len(fakes)]
        known = all(sample.has_photo for sample in shown)
        rows = [("photo", [sample.photo for sample in shown])] if known else []
        rows += [(name, list(fakes))]
        truths = [sample.truth.cartoon for sample in shown if sample.truth and sample.truth.cartoon is not None]
        rows += [("truth", truths)] if len(truths) == len(shown) else []
        return grid([(label, [to_picture(image) for image in images]) for label, images in rows])


def test_split(dataset: Dataset) -> Dataset:
    """The data with the samples that results are reported on: the test split, or the data themselves without one."""
    return dataset.test() if isinstance(dataset, HasTest) else dataset


def evaluation_cartoons(dataset: Dataset, count: int) -> Images | None:
    """At most `count` real cartoons of a data set to compare fakes with: the training cartoons if it has no others."""
    cartoons = dataset.evaluation_cartoons() if isinstance(dataset, HasCartoons) else dataset.train()[1]
    return None if cartoons is None else Subset(cartoons, range(min(count, len(cartoons))))  # type: ignore[arg-type]


def caveats(metrics: Sequence[Part], catalogue: Catalogue) -> dict[str, str]:
    """The caveats of metrics, by name; metrics without one are left out."""
    found = {part.use: getattr(catalogue.get("metrics", part.use).factory, "caveat", "") for part in metrics}
    return {name: str(caveat) for name, caveat in found.items() if caveat}


@torch.no_grad()
def cartoonize(generator: nn.Module, photos: Tensor) -> Tensor:
    """`(B, 3, H, W)` photos in [-1, 1] -> fakes of the same size in [-1, 1], in eval mode.

    A generator that takes only sides of some multiple, or from some length on, says so by attributes `side_multiple`
    and `side_minimum`; photos are padded to them at the bottom and the right by repeating their border, and the fakes
    cropped back.
    """
    height, width = photos.shape[-2:]
    bottom, right = (padded_side(side, generator) - side for side in (height, width))
    padded = F.pad(photos, (0, right, 0, bottom), mode="replicate")
    training = generator.training
    generator.eval()
    try:
        fakes: Tensor = generator(padded)
    finally:
        generator.train(training)
    return fakes[..., :height, :width].float().clamp(-1, 1)


def padded_side(side: int, generator: nn.Module) -> int:
    """The length that a photo's side is padded to: at least the generator's `side_minimum`, of its `side_multiple`."""
    multiple, minimum = (int(getattr(generator, f"side_{name}", 1)) for name in ("multiple", "minimum"))
    return -(-max(side, minimum) // multiple) * multiple
