"""Surfaces and colours: the photo has 0, the truth 1, and what spoils surfaces or colours less than that."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
import torch
from torch import Tensor

from toonlab import Sample, Truth
from toonlab_metrics import register_metrics
from toonlab_metrics.degenerate import degenerates
from toonlab_metrics.surfaces import detail
from toonlab_world import register_datasets


@pytest.fixture(scope="module")
def samples() -> Sequence[Sample]:
    return list(register_datasets()["toonworld"](size=96, evaluation_scenes=8, difficulty=0).evaluation())


def truth(sample: Sample) -> Truth:
    assert sample.truth is not None
    return sample.truth


def scores(samples: Sequence[Sample], fake_of: Callable[[Sample], Tensor | None]) -> tuple[float, float]:
    """Of surfaces and colours."""
    made = [register_metrics()[name]() for name in ("surfaces", "colours")]
    for sample in samples:
        for metric in made:
            metric.update(fake_of(sample), sample)
    surfaces, colours = (next(iter(metric.compute().values())) for metric in made)
    return surfaces, colours


def test_the_photo_has_zero_and_the_truth_one(samples: Sequence[Sample]) -> None:
    assert scores(samples, lambda sample: sample.photo) == pytest.approx((0, 0))
    assert scores(samples, lambda sample: truth(sample).cartoon) == pytest.approx((1, 1), abs=0.02)


def test_lines_are_none_of_their_business(samples: Sequence[Sample]) -> None:
    surfaces, colours = scores(samples, lambda sample: truth(sample).flat)
    assert surfaces > 0.85
    assert colours == 1


def test_colours_do_not_change_surfaces_nor_noise_colours(samples: Sequence[Sample]) -> None:
    draws = torch.Generator().manual_seed(0)
    flat = scores(samples, lambda sample: truth(sample).cartoon)
    tinted = scores(samples, lambda s: truth(s).cartoon * 0.95 + torch.tensor([0.1, 0, -0.1]).view(3, 1, 1))
    noisy = scores(samples, lambda s: truth(s).cartoon + 0.1 * torch.randn(s.photo.shape, generator=draws))
    assert tinted[0] > 0.9
    assert tinted[1] < flat[1] - 0.1
    assert noisy[0] < flat[0] - 0.5
    assert noisy[1] > 0.75


@pytest.mark.parametrize("name", ["checkerboard 1", "dots 3", "canny 50", "posterized", "sharpened", "other truth"])
def test_degenerate_pictures_are_below_the_photo(samples: Sequence[Sample], name: str) -> None:
    made = dict(zip((sample.name for sample in samples), degenerates(samples, name), strict=True))
    assert scores(samples, lambda sample: made[sample.name])[0] < 0


def test_a_blank_picture_loses_the_edges_of_regions(samples: Sequence[Sample]) -> None:
    assert scores(samples, lambda sample: sample.photo * 0)[0] < 0.75


def test_the_detail_of_a_step_and_of_a_plane() -> None:
    image = torch.full((3, 9, 9), -1.0)
    image[..., 5:] = 1
    found = detail(image)
    assert found[4, 0] == pytest.approx(0, abs=1e-3)
    assert found[4, 4] == pytest.approx(3.89, abs=0.05)  # of L* 0 and 100, two fifths of the square
