from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor

from toonlab import Sample
from toonlab_metrics.appearance import EdgeSharpness, Flatness, PixelDistribution


def steps(width: int, size: int = 64) -> Tensor:
    """Black to white in the middle, over `width` pixels: 1 is from one pixel to the next."""
    row = ((torch.arange(size) - size / 2 + 0.5) / width).clamp(-0.5, 0.5) * 2
    return row.expand(3, size, size).contiguous()


def distance(metric: PixelDistribution, fakes: list[Tensor], cartoons: list[Tensor]) -> float:
    metric.reference(cartoons)
    for fake in fakes:
        metric.update(fake, Sample("a picture", fake))
    (value,) = metric.compute().values()
    return value


@pytest.mark.parametrize(("width", "sharpness"), [(1, 1.0), (4, 0.5 / 0.875), (8, 0.5)])
def test_the_sharpness_of_a_step(width: int, sharpness: float) -> None:
    luma = ((steps(width)[0] + 1) / 2).numpy()
    values = EdgeSharpness().values(luma)
    assert np.median(values) == pytest.approx(sharpness, abs=0.01)  # a ramp: two pixels of it over five


def test_blurred_edges_are_less_sharp_the_more_they_are_blurred() -> None:
    blurred = [
        torch.from_numpy(cv2.GaussianBlur(steps(1).numpy()[0], (0, 0), sigma)).expand(3, -1, -1)
        for sigma in (0.5, 1, 2)
    ]
    distances = [distance(EdgeSharpness(), [image], [steps(1)]) for image in blurred]
    assert 0 < distances[0] < distances[1] < distances[2] < 1


def test_pictures_without_edges_have_no_sharpness() -> None:
    blank = torch.zeros(3, 64, 64)
    assert distance(EdgeSharpness(), [blank], [blank]) == 0
    assert distance(EdgeSharpness(), [blank], [steps(1)]) == pytest.approx(1)


@pytest.mark.parametrize("deviation", [0.01, 0.05])
def test_flatness_is_the_logarithm_of_the_local_deviation(deviation: float) -> None:
    noise = torch.randn(1, 128, 128, generator=torch.Generator().manual_seed(0)).expand(3, -1, -1) * deviation * 2
    expected = np.log2(1 + 255 * deviation)
    assert distance(Flatness(), [noise], [torch.zeros(3, 128, 128)]) == pytest.approx(expected, rel=0.03)


@pytest.mark.parametrize("metric", [EdgeSharpness, Flatness])
def test_equal_sets_are_no_distance_apart_whatever_their_number(metric: type[PixelDistribution]) -> None:
    assert distance(metric(), [steps(3), steps(1)], [steps(1), steps(3)] * 2) == pytest.approx(0, abs=1e-6)
