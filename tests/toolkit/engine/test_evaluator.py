"""The evaluator: which metrics data allow, what they are given, what they tell about themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from toonlab import Images, Sample, Stream, discover
from toonlab.engine.evaluator import Evaluator, caveats, evaluation_cartoons
from toonlab.recipes.spec import Part
from toonlab.registry.catalogue import Catalogue, Offer
from toonlab.registry.schema import Schema

CPU = torch.device("cpu")


class Brightness:
    """How much brighter the fakes are than the cartoons; keeps a list of what happens to it."""

    needs: frozenset[str] = frozenset()
    higher_is_better = False
    caveat = "it likes the dark"
    leads = False

    def __init__(self) -> None:
        self.fakes: list[float] = []
        self.references = 0

    def reference(self, cartoons: Images) -> None:
        self.references += 1
        self.cartoons = [float(cartoons[index].mean()) for index in range(len(cartoons))]

    def update(self, fake: Tensor, sample: Sample) -> None:
        self.fakes.append(float(fake.mean()))

    def compute(self) -> Mapping[str, float]:
        return {"brightness": sum(self.fakes) / len(self.fakes) - sum(self.cartoons) / len(self.cartoons)}

    def describe(self) -> Mapping[str, Any]:
        return {"n": len(self.fakes), "cartoons": len(self.cartoons), "references": self.references}


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    found = discover()
    found.add(Offer("metrics", "brightness", Brightness, Schema.of(Brightness), "the tests"))
    return found


SAMPLES = [Sample(f"photo {number}", torch.full((3, 16, 16), number / 10)) for number in range(4)]
METRIC = Part("metrics", "brightness", {})


def evaluator(catalogue: Catalogue, cartoons: list[Tensor] | None, count: int = 3) -> Evaluator:
    return Evaluator(SAMPLES, [METRIC], catalogue, count, lambda: cartoons)


def test_a_metric_gets_the_cartoons_once_and_a_copy_measures_each_time(catalogue: Catalogue) -> None:
    made = evaluator(catalogue, [torch.full((3, 16, 16), -0.1)] * 2)
    for _ in range(2):
        for evaluation in (made.evaluate(nn.Identity(), CPU), made.evaluate_photos()):
            assert evaluation.metrics["brightness"] == pytest.approx(0.2)
            assert evaluation.measured == {"brightness": {"n": 3, "cartoons": 2, "references": 1}}


class Placed(Brightness):
    """Runs a network, on the device that the cartoons are looked at on, too."""

    device = CPU

    def reference(self, cartoons: Images) -> None:
        super().reference(cartoons)
        self.looked_on = self.device


def test_networks_of_metrics_run_on_the_device_of_the_run(catalogue: Catalogue) -> None:
    catalogue.add(Offer("metrics", "placed", Placed, Schema.of(Placed), "the tests"))
    asked, meta = [Part("metrics", "placed", {}), METRIC], torch.device("meta")
    made = Evaluator(SAMPLES, asked, catalogue, 3, lambda: [torch.zeros(3, 16, 16)], meta).metrics
    assert made["placed"].device == made["placed"].looked_on == meta  # type: ignore[attr-defined]
    assert not hasattr(made["brightness"], "device")


def test_without_cartoons_such_a_metric_is_left_out_with_a_warning(catalogue: Catalogue) -> None:
    with pytest.warns(RuntimeWarning, match=r"'brightness' is left out: it needs real cartoons to compare with"):
        made = evaluator(catalogue, None)
    assert made.evaluate(nn.Identity(), CPU).metrics == {}


class Counting(nn.Module):
    """Adds a constant, and counts the photos that it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.photos: list[int] = []

    def forward(self, photos: Tensor) -> Tensor:
        self.photos.append(len(photos))
        return photos + 0.05


@pytest.mark.parametrize(("keep", "kept"), [(0, 0), (2, 2), (9, 3)])
def test_one_pass_gives_the_metrics_and_the_first_fakes(catalogue: Catalogue, keep: int, kept: int) -> None:
    generator = Counting()
    evaluation = evaluator(catalogue, [torch.zeros(3, 16, 16)]).evaluate(generator, CPU, batch=2, keep=keep)
    assert generator.photos == [2, 1]
    assert evaluation.metrics["brightness"] == pytest.approx(0.15)
    assert len(evaluation.fakes) == kept
    assert all(torch.equal(fake, sample.photo + 0.05) for fake, sample in zip(evaluation.fakes, SAMPLES, strict=False))


class Shown(Brightness):
    """The brightness of another stream."""

    def __init__(self, of: Stream = "cycle") -> None:
        super().__init__()
        self.of, self.cartoons = of, [0.0]

    reference = None  # type: ignore[assignment]


class Darker(nn.Module):
    def forward(self, images: Tensor) -> Tensor:
        return images - 0.2


def test_a_metric_of_another_stream_gets_its_images_and_says_nothing_of_photos(catalogue: Catalogue) -> None:
    catalogue.add(Offer("metrics", "shown", Shown, Schema.of(Shown), "the tests"))
    generator, streams = Counting(), {"cycle": ("back", "fake"), "back": ("back", "cartoon")}
    made = Evaluator(SAMPLES, [Part("metrics", "shown", {})], catalogue, 3, streams=streams)
    evaluation = made.evaluate(generator, CPU, batch=2, keep=1, generators={"back": Darker()})
    assert generator.photos == [2, 1]  # each photo is cartoonized once
    assert evaluation.metrics["brightness"] == pytest.approx(0.1 + 0.05 - 0.2)
    assert torch.equal(evaluation.fakes[0], SAMPLES[0].photo + 0.05)
    assert made.needs_generators
    assert made.evaluate_photos().metrics == {}
    with pytest.warns(RuntimeWarning, match=r"'shown' is left out: it needs the stream 'cycle', which only a training"):
        assert not Evaluator(SAMPLES, [Part("metrics", "shown", {})], catalogue, 3).needs_generators


def test_without_metrics_only_the_photos_of_the_grid_are_cartoonized(catalogue: Catalogue) -> None:
    generator = Counting()
    evaluation = Evaluator(SAMPLES, [], catalogue, 4).evaluate(generator, CPU, keep=2)
    assert (generator.photos, len(evaluation.fakes), evaluation.metrics) == ([2], 2, {})


class Data:
    """Cartoons to train on, and perhaps others."""

    def train(self) -> tuple[Images, Images]:
        return [], [torch.zeros(3, 8, 8)] * 9


class DataWithCartoons(Data):
    def __init__(self, cartoons: Images | None) -> None:
        self.cartoons = cartoons

    def evaluation_cartoons(self) -> Images | None:
        return self.cartoons


def test_the_cartoons_to_train_on_serve_where_a_data_set_keeps_no_others() -> None:
    found = evaluation_cartoons(Data(), 4)
    assert found is not None
    assert len(found) == 4
    others = evaluation_cartoons(DataWithCartoons([torch.ones(3, 8, 8)] * 2), 4)
    assert others is not None
    assert (len(others), float(others[1].mean())) == (2, 1.0)
    assert evaluation_cartoons(DataWithCartoons(None), 4) is None


def test_what_speaks_against_a_metric_is_read_from_its_class(catalogue: Catalogue) -> None:
    parts = [METRIC, Part("metrics", "lines", {})]
    assert caveats(parts, catalogue) == {"brightness": "it likes the dark"}
