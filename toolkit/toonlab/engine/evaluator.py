"""Measure a generator on evaluation samples, and show what it does to the first of them."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from toonlab.images.grid import grid
from toonlab.images.io import to_picture, write_png
from toonlab.recipes.spec import Part
from toonlab.registry.catalogue import Catalogue
from toonlab.registry.protocols import Compares, Dataset, Describes, HasCartoons, HasTest, Images, Metric, ReadyMade
from toonlab.types import Sample

Row = tuple[str, Sequence[Tensor]]


class Evaluator:
    """The evaluation samples of a run and the metrics that they allow.

    `cartoons` gives the real cartoons that sets of fakes are compared with, or None. `measured` tells how each metric
    measured when it last did.
    """

    def __init__(
        self,
        samples: Sequence[Sample],
        metrics: Sequence[Part],
        catalogue: Catalogue,
        count: int,
        cartoons: Callable[[], Images | None] = lambda: None,
    ) -> None:
        self.samples = [samples[i] for i in range(min(count, len(samples)))]
        self.catalogue = catalogue
        made = {part.use: part.make(catalogue) for part in metrics}
        self.metrics: dict[str, Metric] = {name: m for name, m in made.items() if self._measurable(name, m, cartoons)}
        self.measured: dict[str, Mapping[str, Any]] = {}

    def _measurable(self, name: str, metric: Metric, cartoons: Callable[[], Images | None]) -> bool:
        truth = [need for need in metric.needs if any(getattr(s.truth, need, None) is None for s in self.samples)]
        lacking = f"the truth's {', '.join(sorted(truth))}" if truth else ""
        if not truth and isinstance(metric, Compares):
            if (given := cartoons()) is None:
                lacking = "real cartoons to compare with"
            else:
                metric.reference(given)
        if lacking:
            text = f"metric {name!r} is left out: it needs {lacking}, which the data don't have"
            warnings.warn(text, RuntimeWarning, stacklevel=2)
        return not lacking

    def evaluate(self, generator: nn.Module, device: torch.device, batch: int = 8) -> dict[str, float]:
        """Every metric of the generator's fakes."""
        return self._measure(self.fakes(generator, device, batch))

    def photo(self) -> dict[str, float]:
        """Every metric of the photos as they are: the floor that stands in every table."""
        return self._measure(sample.photo for sample in self.samples)

    def _measure(self, fakes: Iterator[Tensor] | Sequence[Tensor]) -> dict[str, float]:
        metrics = deepcopy(self.metrics)
        if not metrics:
            return {}
        for fake, sample in zip(fakes, self.samples, strict=True):
            for metric in metrics.values():
                metric.update(fake, sample)
        values = {name: float(value) for metric in metrics.values() for name, value in metric.compute().items()}
        self.measured = {name: dict(m.describe()) for name, m in metrics.items() if isinstance(m, Describes)}
        return values

    def fakes(
        self, generator: nn.Module, device: torch.device, batch: int = 8, count: int | None = None
    ) -> Iterator[Tensor]:
        """A `(3, H, W)` fake for each sample (or the first `count`), on the CPU."""
        if isinstance(generator, ReadyMade):
            yield from (generator.fake(sample) for sample in self.samples[:count])
            return
        for photos in _batches([sample.photo for sample in self.samples[:count]], batch):
            yield from cartoonize(generator, photos.to(device)).cpu()

    def rows(self, fakes: Sequence[Tensor], name: str) -> list[Row]:
        """The rows of a sample grid: photo, fake, and the truth where there is one."""
        shown = self.samples[: len(fakes)]
        rows: list[Row] = [("photo", [sample.photo for sample in shown]), (name, fakes)]
        truths = [sample.truth.cartoon for sample in shown if sample.truth and sample.truth.cartoon is not None]
        return [*rows, ("truth", truths)] if len(truths) == len(shown) else rows


class First:
    """The first `count` of some images."""

    def __init__(self, images: Images, count: int) -> None:
        self.images, self.count = images, count

    def __len__(self) -> int:
        return min(self.count, len(self.images))

    def __getitem__(self, index: int, /) -> Tensor:
        return self.images[index]


def test_split(dataset: Dataset) -> Dataset:
    """The data with the samples that results are reported on: those that are looked at once, where there are such."""
    return dataset.test() if isinstance(dataset, HasTest) else dataset


def evaluation_cartoons(dataset: Dataset, count: int) -> Images | None:
    """At most `count` real cartoons of a data set to compare fakes with; those to train on if it keeps no others."""
    cartoons = dataset.evaluation_cartoons() if isinstance(dataset, HasCartoons) else dataset.train()[1]
    return None if cartoons is None else First(cartoons, count)


def caveats(metrics: Sequence[Part], catalogue: Catalogue) -> dict[str, str]:
    """What speaks against metrics, by name; those without a caveat are left out."""
    found = {part.use: getattr(catalogue.get("metrics", part.use).factory, "caveat", "") for part in metrics}
    return {name: str(caveat) for name, caveat in found.items() if caveat}


@torch.no_grad()
def cartoonize(generator: nn.Module, photos: Tensor) -> Tensor:
    """`(B, 3, H, W)` photos in [-1, 1] -> fakes of the same size in [-1, 1], in eval mode.

    A generator that takes only sides of some multiple says so by an attribute `side_multiple`; photos are padded to it
    at the bottom and the right by repeating their border, and the fakes cropped back.
    """
    height, width = photos.shape[-2:]
    multiple = int(getattr(generator, "side_multiple", 1))
    padded = F.pad(photos, (0, -width % multiple, 0, -height % multiple), mode="replicate")
    training = generator.training
    generator.eval()
    try:
        fakes: Tensor = generator(padded)
    finally:
        generator.train(training)
    return fakes[..., :height, :width].float().clamp(-1, 1)


def _batches(photos: Sequence[Tensor], size: int) -> Iterator[Tensor]:
    """Neighbours of equal shape, stacked."""
    pending: list[Tensor] = []
    for photo in photos:
        if pending and (len(pending) == size or pending[0].shape != photo.shape):
            yield torch.stack(pending)
            pending = []
        pending.append(photo)
    if pending:
        yield torch.stack(pending)


def save_grid(path: Path, rows: Sequence[Row]) -> None:
    """Rows of images with their names at the left, as a PNG."""
    write_png(path, grid([(name, [to_picture(image) for image in images]) for name, images in rows]))


def by_name(metrics: Mapping[str, float]) -> str:
    """`outline_f1 0.652  psnr 16.9`."""
    return "  ".join(f"{name} {value:.3g}" for name, value in metrics.items())
