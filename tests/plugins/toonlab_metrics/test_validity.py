"""The tests of metrics, trials: a metric that deserves trust passes, and one that does not is found out."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from toonlab import Sample
from toonlab_metrics.bases import PictureMean
from toonlab_metrics.degenerate import NAMES
from toonlab_metrics.degrade import DEGRADATIONS
from toonlab_metrics.lines import Lines
from toonlab_metrics.outline import OutlineF1
from toonlab_metrics.validity import ReferenceData, Trial, examine
from toonlab_metrics.wasserstein import SlicedWasserstein
from toonlab_world import register_datasets


@pytest.fixture(scope="module")
def data() -> ReferenceData:
    data = register_datasets()["toonworld"](size=128, scenes=6, evaluation_scenes=6, difficulty=0)
    samples = list(data.evaluation())
    truths = [_cartoon(sample) for sample in samples]
    photos = [sample.photo for sample in samples]
    halfway = [(truth + photo) / 2 for truth, photo in zip(truths, photos, strict=True)]
    return ReferenceData("bold", samples, data.train()[1], {"identity": photos, "classic": halfway, "truth": truths})


def _cartoon(sample: Sample) -> Tensor:
    assert sample.truth is not None
    assert sample.truth.cartoon is not None
    return sample.truth.cartoon


class Constant(PictureMean):
    """Always satisfied, and claims to see blur."""

    name = "constant"
    sees = frozenset({"blur"})

    def measure(self, fake: Tensor, photo: Tensor) -> dict[str, float]:
        return {"constant": 1.0}


class PhotoLover(PictureMean):
    """The closer to the photo the better, and claims to see colour, and to ignore noise."""

    name = "photo_lover"
    sees = frozenset({"color"})
    ignores = frozenset({"noise"})

    def measure(self, fake: Tensor, photo: Tensor) -> dict[str, float]:
        return {"photo_lover": -float((fake - photo).square().mean())}


class Gamed(OutlineF1):
    """Claims that patterns don't fool it."""

    name = "gamed"
    withstands = 0.1

    def measure(self, fake: Tensor, outline: Tensor) -> dict[str, float]:
        return {"gamed": super().measure(fake, outline)["outline_f1"]}


class Moody(PictureMean):
    """Half of the pictures please it more, whatever they show."""

    name = "moody"

    def targets(self, sample: Sample) -> dict[str, Tensor]:
        self.even = int(sample.name[-1]) % 2 == 0
        return super().targets(sample)

    def measure(self, fake: Tensor, photo: Tensor) -> dict[str, float]:
        return {"moody": float(self.even) + 1e-3 * float(torch.rand((), generator=torch.Generator().manual_seed(0)))}


@pytest.fixture(scope="module")
def trials(data: ReferenceData) -> Iterator[dict[str, Trial]]:
    metrics = (OutlineF1(), SlicedWasserstein(directions=32), Constant(), PhotoLover(), Moody(), Lines(), Gamed())
    made = [Trial(metric) for metric in metrics]
    examine(made, [data], lambda text: None)
    return {one.metric.name: one for one in made}


def failures(one: Trial) -> list[str]:
    return [finding.claim for finding in one.findings() if not finding.holds]


def test_outline_f1_keeps_every_promise(trials: dict[str, Trial]) -> None:
    assert failures(trials["outline_f1"]) == []
    assert len(list(trials["outline_f1"].findings())) == 6


def test_lines_keeps_every_promise_and_no_pattern_fools_it(trials: dict[str, Trial]) -> None:
    assert failures(trials["lines"]) == []
    assert trials["lines"].pictures.keys() == set(NAMES)
    assert trials["lines"].scaled("dots 3") < 0.1


def test_a_metric_that_patterns_fool_is_found_out(trials: dict[str, Trial]) -> None:
    assert failures(trials["gamed"]) == ["gives no pattern more than 0.1, or as much above the photo below it"]


def test_a_metric_of_sets_is_given_the_cartoons(trials: dict[str, Trial]) -> None:
    one = trials["swd"]
    assert one.monotony("noise") == pytest.approx(1)
    assert one.ranks["bold"]["truth"] < one.ranks["bold"]["identity"]


def test_a_metric_that_sees_nothing_is_found_out(trials: dict[str, Trial]) -> None:
    assert failures(trials["constant"]) == ["sees blur", "bold: truth > classic > identity"]


def test_a_metric_that_loves_the_photo_is_found_out(trials: dict[str, Trial]) -> None:
    assert "bold: truth > classic > identity" in failures(trials["photo_lover"])
    (order,) = (f.measured for f in trials["photo_lover"].findings() if f.claim.startswith("bold"))
    assert order.startswith("identity 0 > classic -0.")


def test_the_truth_at_amount_zero_is_where_every_curve_begins(trials: dict[str, Trial]) -> None:
    one = trials["outline_f1"]
    assert {values[0] for values in one.curves.values()} == {one.ranks["bold"]["truth"]}
    assert {name: len(values) - 1 for name, values in one.curves.items()} == {
        name: len(degradation.amounts) for name, degradation in DEGRADATIONS.items()
    }


def test_halves_that_differ_by_more_than_chance_are_found_out(trials: dict[str, Trial]) -> None:
    a, b, _ = trials["moody"].halves
    assert abs(a - b) == pytest.approx(1, abs=0.01)
    trials["moody"].halves = (a, b, 0.2)
    assert "halves are alike" in failures(trials["moody"])
    assert "halves are alike" not in failures(trials["outline_f1"])
