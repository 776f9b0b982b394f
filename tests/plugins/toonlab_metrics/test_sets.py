"""What metrics of sets share: references, numbers of pictures, bytes and floats."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor

from toonlab import PartError, Sample, ToonlabError
from toonlab.ops.levels import to_levels
from toonlab_metrics.sets import SetMetric


class Brightness(SetMetric):
    """The difference of mean brightness; keeps what it was given."""

    name = "brightness"

    def gather(self, image: Tensor, index: int) -> tuple[int, float]:
        assert image.dtype == torch.float32
        return index, float(image.mean())

    def between(self, fakes: list[tuple[int, float]], cartoons: list[tuple[int, float]]) -> dict[str, float]:
        assert [index for index, _ in fakes] == list(range(len(fakes)))
        assert [index for index, _ in cartoons] == list(range(len(cartoons)))
        means = [sum(value for _, value in side) / len(side) for side in (fakes, cartoons)]
        return {"brightness": abs(means[0] - means[1])}


def pictures(*values: float) -> list[Tensor]:
    return [torch.full((3, 4, 6), value) for value in values]


def measured(fakes: Sequence[Tensor], cartoons: Sequence[Tensor]) -> SetMetric:
    metric = Brightness()
    metric.reference(cartoons)
    for fake in fakes:
        metric.update(fake, Sample("a picture", fake))
    return metric


def test_both_sets_are_compared_whole() -> None:
    metric = measured(pictures(0.2, 0.4), pictures(-1.0, 0.0, 0.4))
    assert metric.compute() == {"brightness": pytest.approx(0.5)}
    assert metric.describe() == {"n": 2, "size": "4x6", "resizer": "none", "cartoons": 3}


def test_cartoons_may_be_bytes() -> None:
    cartoons = pictures(-1.0, 0.2)
    as_bytes = [to_levels(image) for image in cartoons]
    expected = measured(pictures(0, 0), cartoons).compute()
    assert measured(pictures(0, 0), as_bytes).compute() == pytest.approx(expected, abs=1e-6)


def test_another_reference_takes_the_place_of_the_first() -> None:
    metric = measured(pictures(0, 0), pictures(1, 1))
    metric.reference(pictures(0, 0))
    assert metric.compute() == {"brightness": 0}


def test_too_few_pictures_are_an_error() -> None:
    with pytest.raises(PartError, match=r"^brightness: needs at least 2 pictures, got 1; give more, or drop it"):
        measured(pictures(0), pictures(0, 1)).compute()
    with pytest.raises(PartError, match=r"^brightness: needs at least 2 cartoons, got 1; give more, or drop it"):
        measured(pictures(0, 1), pictures(0))


def test_nothing_to_compare_is_an_error() -> None:
    with pytest.raises(ToonlabError, match=r"^brightness: no samples to evaluate"):
        measured([], pictures(0, 1)).compute()
    metric = Brightness()
    metric.update(*pictures(0), Sample("a picture", torch.zeros(3, 4, 6)))
    with pytest.raises(PartError, match=r"^brightness: has no cartoons to compare with"):
        metric.compute()
