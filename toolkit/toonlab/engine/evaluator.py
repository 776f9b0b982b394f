"""Measure a generator on evaluation samples, and show its fakes of the first of them."""

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from itertools import groupby
from types import MappingProxyType
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
    OfStream,
    OnDevice,
    ReadyMade,
)
from toonlab.types import Batch, Sample, Scores

from .streams import Streams, StreamSource


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
    metrics run their networks. `streams` are the recipe's, where its further generators are at hand.
    """

    def __init__(
        self,
        samples: Sequence[Sample],
        metrics: Sequence[Part],
        catalogue: Catalogue,
        count: int,
        cartoons: Callable[[], Images | None] = lambda: None,
        device: torch.device | None = None,
        streams: Mapping[str, tuple[str, str]] = MappingProxyType({}),
    ) -> None:
        self.device = device
        self.streams = {"fake": ("generator", "photo"), **streams}
        self.samples = [samples[i] for i in range(min(count, len(samples)))]
        self.catalogue = catalogue
        made = {part.use: part.make(catalogue) for part in metrics}
        self.metrics: dict[str, Metric] = {name: m for name, m in made.items() if self._measurable(name, m, cartoons)}

    def _measurable(self, name: str, metric: Metric, cartoons: Callable[[], Images | None]) -> bool:
        truth = [need for need in metric.needs if any(getattr(s.truth, need, None) is None for s in self.samples)]
        lacking = f"the truth's {', '.join(sorted(truth))}, which the data don't have" if truth else ""
        if stream_of(metric) not in self.streams:
            lacking = f"the stream {stream_of(metric)!r}, which only a training makes"
        if self.device and isinstance(metric, OnDevice):
            metric.device = self.device
        if not lacking and isinstance(metric, Compares):
            if (given := cartoons()) is None:
                lacking = "real cartoons to compare with, which the data don't have"
            else:
                metric.reference(given)
        if lacking:
            warnings.warn(f"metric {name!r} is left out: it needs {lacking}", RuntimeWarning, stacklevel=2)
        return not lacking

    @property
    def needs_generators(self) -> bool:
        """Whether a metric measures another stream than the fake."""
        return any(stream_of(metric) != "fake" for metric in self.metrics.values())

    def evaluate(
        self,
        generator: nn.Module,
        device: torch.device,
        batch: int = 8,
        keep: int = 0,
        generators: Mapping[str, nn.Module] = MappingProxyType({}),
    ) -> Evaluation:
        """Every metric of the generator's fakes, and the first `keep` fakes; each photo is cartoonized once.

        `generators` are the further ones, for metrics of other streams.
        """
        samples = self.samples if self.metrics else self.samples[:keep]
        nets = {**generators, "generator": generator}
        return self._measure(self.images(nets, device, batch, len(samples)), samples, keep, self.metrics)

    def evaluate_photos(self) -> Evaluation:
        """Every metric of the unmodified photos: the baseline in every table; none where photos are unknown."""
        if not all(sample.has_photo for sample in self.samples):
            return Evaluation({}, {}, [], {})
        metrics = {name: metric for name, metric in self.metrics.items() if stream_of(metric) == "fake"}
        return self._measure(({"fake": sample.photo} for sample in self.samples), self.samples, 0, metrics)

    def _measure(
        self, images: Iterable[Mapping[str, Tensor]], samples: Sequence[Sample], keep: int, of: Mapping[str, Metric]
    ) -> Evaluation:
        metrics, kept = deepcopy(dict(of)), list[Tensor]()
        for made, sample in zip(images, samples, strict=True):
            for metric in metrics.values():
                metric.update(made[stream_of(metric)], sample)
            if len(kept) < keep:
                kept.append(made["fake"])
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
        return (made["fake"] for made in self.images({"generator": generator}, device, batch, count, {"fake"}))

    def images(
        self,
        nets: Mapping[str, nn.Module],
        device: torch.device,
        batch: int = 8,
        count: int | None = None,
        names: set[str] | None = None,
    ) -> Iterator[dict[str, Tensor]]:
        """For each sample (or the first `count`) the fake and what metrics measure besides, `(3, H, W)`, on the CPU."""
        generator = nets["generator"]
        if isinstance(generator, ReadyMade):
            yield from ({"fake": generator.fake(sample)} for sample in self.samples[:count])
            return
        names = names or {"fake", *map(stream_of, self.metrics.values())}
        sources = {name: StreamSource(nets[net], source) for name, (net, source) in self.streams.items() if net in nets}
        photos = [sample.photo for sample in self.samples[:count]]
        for _, group in groupby(photos, key=lambda photo: photo.shape):
            alike = list(group)
            for start in range(0, len(alike), batch):
                given = torch.stack(alike[start : start + batch]).to(device)
                made = Streams(Batch(given, given), sources, cartoonize, learning=False)
                found = {name: made[name].cpu() for name in names}
                yield from ({name: images[i] for name, images in found.items()} for i in range(len(given)))

    def grid(self, fakes: Sequence[Tensor], name: str) -> Image.Image:
        """A sample grid: photos and the truth where there are any, and fakes with their name at the left."""
        shown = self.samples[: len(fakes)]
        known = all(sample.has_photo for sample in shown)
        rows = [("photo", [sample.photo for sample in shown])] if known else []
        rows += [(name, list(fakes))]
        truths = [sample.truth.cartoon for sample in shown if sample.truth and sample.truth.cartoon is not None]
        rows += [("truth", truths)] if len(truths) == len(shown) else []
        return grid([(label, [to_picture(image) for image in images]) for label, images in rows])


def stream_of(metric: Metric) -> str:
    """The stream that a metric measures."""
    return metric.of if isinstance(metric, OfStream) else "fake"


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
