from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from toonlab import PartError, Sample, Truth
from toonlab_metrics.bases import PictureMean
from toonlab_metrics.regions import FlatColorError, ResidualTexture, interior, lab, medians

# Sharma, Wu and Dalal 2005, table 1: L, a, b of two colours, and their CIEDE2000
SHARMA = """
50.0000 2.6772 -79.7751 50.0000 0.0000 -82.7485 2.0425
50.0000 3.1571 -77.2803 50.0000 0.0000 -82.7485 2.8615
50.0000 2.8361 -74.0200 50.0000 0.0000 -82.7485 3.4412
50.0000 -1.3802 -84.2814 50.0000 0.0000 -82.7485 1.0000
50.0000 -1.1848 -84.8006 50.0000 0.0000 -82.7485 1.0000
50.0000 -0.9009 -85.5211 50.0000 0.0000 -82.7485 1.0000
50.0000 0.0000 0.0000 50.0000 -1.0000 2.0000 2.3669
50.0000 -1.0000 2.0000 50.0000 0.0000 0.0000 2.3669
50.0000 2.4900 -0.0010 50.0000 -2.4900 0.0009 7.1792
50.0000 2.4900 -0.0010 50.0000 -2.4900 0.0010 7.1792
50.0000 2.4900 -0.0010 50.0000 -2.4900 0.0011 7.2195
50.0000 2.4900 -0.0010 50.0000 -2.4900 0.0012 7.2195
50.0000 -0.0010 2.4900 50.0000 0.0009 -2.4900 4.8045
50.0000 -0.0010 2.4900 50.0000 0.0010 -2.4900 4.8045
50.0000 -0.0010 2.4900 50.0000 0.0011 -2.4900 4.7461
50.0000 2.5000 0.0000 50.0000 0.0000 -2.5000 4.3065
50.0000 2.5000 0.0000 73.0000 25.0000 -18.0000 27.1492
50.0000 2.5000 0.0000 61.0000 -5.0000 29.0000 22.8977
50.0000 2.5000 0.0000 56.0000 -27.0000 -3.0000 31.9030
50.0000 2.5000 0.0000 58.0000 24.0000 15.0000 19.4535
50.0000 2.5000 0.0000 50.0000 3.1736 0.5854 1.0000
50.0000 2.5000 0.0000 50.0000 3.2972 0.0000 1.0000
50.0000 2.5000 0.0000 50.0000 1.8634 0.5757 1.0000
50.0000 2.5000 0.0000 50.0000 3.2592 0.3350 1.0000
60.2574 -34.0099 36.2677 60.4626 -34.1751 39.4387 1.2644
63.0109 -31.0961 -5.8663 62.8187 -29.7946 -4.0864 1.2630
61.2901 3.7196 -5.3901 61.4292 2.2480 -4.9620 1.8731
35.0831 -44.1164 3.7933 35.0232 -40.0716 1.5901 1.8645
22.7233 20.0904 -46.6940 23.0331 14.9730 -42.5619 2.0373
36.4612 47.8580 18.3852 36.2715 50.5065 21.2231 1.4146
90.8027 -2.0831 1.4410 91.1528 -1.6435 0.0447 1.4441
90.9257 -0.5406 -0.9208 88.6381 -0.8985 -0.7239 1.5381
6.7747 -0.2908 -2.4247 5.8714 -0.0985 -2.2286 0.6377
2.0776 0.0795 -1.1350 0.9033 -0.0636 -0.5514 0.9082
"""


def test_the_colour_difference_is_ciede2000() -> None:
    from skimage.color import deltaE_ciede2000

    table = np.array([line.split() for line in SHARMA.split("\n") if line], float)
    assert len(table) == 34
    np.testing.assert_allclose(deltaE_ciede2000(table[:, :3], table[:, 3:6]), table[:, 6], atol=5e-5)
    np.testing.assert_allclose(deltaE_ciede2000(table[:, 3:6], table[:, :3]), table[:, 6], atol=5e-5)


@pytest.mark.parametrize(
    ("rgb", "expected"),
    [((1, 1, 1), (100, 0, 0)), ((-1, -1, -1), (0, 0, 0)), ((1, -1, -1), (53.24, 80.09, 67.20))],
)
def test_lab_of_known_colours(rgb: tuple[float, ...], expected: tuple[float, ...]) -> None:
    color = torch.tensor(rgb, dtype=torch.float32)[:, None, None]
    np.testing.assert_allclose(lab(color)[0, 0], expected, atol=0.02)


def halves(size: int = 32, left: float = -0.4, right: float = 0.6, line: int = 2) -> Sample:
    """A picture of two gray halves with an outline of `line` pixels between them."""
    regions = torch.zeros(size, size, dtype=torch.int64)
    regions[:, size // 2 :] = 7
    outline = torch.zeros(size, size, dtype=torch.bool)
    outline[:, size // 2 - line // 2 : size // 2 + line - line // 2] = True
    flat = torch.where(regions == 0, left, right).expand(3, -1, -1).clone()
    return Sample("halves", flat, Truth(torch.where(outline, -1.0, flat), outline, regions, flat))


def score(metric: PictureMean, fake: Tensor, sample: Sample) -> float:
    metric.update(fake, sample)
    (value,) = metric.compute().values()
    return value


def truth(sample: Sample, field: str) -> Tensor:
    found: Tensor = getattr(sample.truth, field)
    return found


@pytest.mark.parametrize("metric", [FlatColorError, ResidualTexture])
def test_the_truth_has_no_error(metric: type[PictureMean]) -> None:
    sample = halves()
    assert score(metric(), truth(sample, "cartoon"), sample) == pytest.approx(0, abs=1e-4)
    assert score(metric(), truth(sample, "flat"), sample) == pytest.approx(0, abs=1e-4)


def test_one_region_of_two_that_is_wrong_is_half_the_error() -> None:
    sample = halves(left=-1.0, right=1.0)  # black and white, 100 apart
    assert score(FlatColorError(), -truth(sample, "flat"), sample) == pytest.approx(100, abs=0.01)
    white = torch.ones(3, 32, 32)
    assert score(FlatColorError(), white, sample) == pytest.approx(50, abs=0.01)


def test_each_region_counts_once_however_large() -> None:
    sample = halves(left=-1.0, right=1.0)
    assert sample.truth is not None
    regions = truth(sample, "regions")
    regions[:, 6:16] = 7  # white's number, but black: the true colour of a region is the median of `flat`
    regions[:, 6:] = 7
    flat = torch.where(regions == 0, -1.0, 1.0).expand(3, -1, -1)
    narrow = Sample("narrow", flat, Truth(flat, torch.zeros(32, 32, dtype=torch.bool), regions, flat))
    assert score(FlatColorError(), torch.ones(3, 32, 32), narrow) == pytest.approx(50, abs=0.01)


def test_a_region_that_is_too_small_does_not_count_unless_there_is_no_other() -> None:
    regions = torch.zeros(32, 32, dtype=torch.int64)
    regions[10:15, 10:15] = 1  # nine interior pixels
    flat = torch.where(regions == 0, 1.0, -1.0).expand(3, -1, -1)
    sample = Sample("small", flat, Truth(flat, torch.zeros(32, 32, dtype=torch.bool), regions, flat))
    white = torch.ones(3, 32, 32)
    assert score(FlatColorError(smallest=10), white, sample) == pytest.approx(0, abs=1e-3)
    assert score(FlatColorError(smallest=9), white, sample) == pytest.approx(50, abs=0.01)
    assert score(FlatColorError(smallest=100_000), white, sample) == pytest.approx(0, abs=1e-3)


def test_noise_and_a_stray_line_hardly_change_a_regions_colour() -> None:
    sample = halves(64)
    noisy = truth(sample, "flat") + 0.1 * torch.randn(3, 64, 64, generator=torch.Generator().manual_seed(0))
    noisy[:, 20:22] = -1
    assert score(FlatColorError(), noisy.clamp(-1, 1), sample) < 1


def test_residual_texture_is_the_deviation_of_the_fine_detail() -> None:
    sample = halves(96)
    amount = 0.02 * torch.randn(1, 96, 96, generator=torch.Generator().manual_seed(0))
    fake = truth(sample, "flat") + amount
    lightness = torch.from_numpy(lab(fake) - lab(truth(sample, "flat")))[..., 0]
    expected = float(lightness.std()) * (1 - 1 / 25) ** 0.5  # white noise less the mean of 25
    assert score(ResidualTexture(), fake, sample) == pytest.approx(expected, rel=0.03)
    fake[:, :, 20:22] = -1  # a line
    assert score(ResidualTexture(), fake, sample) == pytest.approx(expected, rel=0.15)


def test_gradients_and_colours_are_no_texture() -> None:
    sample = halves(64)
    ramp = torch.linspace(-0.2, 0.2, 64)[:, None].expand(3, 64, 64)
    assert score(ResidualTexture(), truth(sample, "flat") + ramp, sample) < 0.1
    assert score(ResidualTexture(), torch.zeros(3, 64, 64), sample) == pytest.approx(0, abs=1e-4)


def test_the_interior_keeps_off_borders_and_outlines() -> None:
    regions = np.zeros((9, 20), np.int64)
    regions[:, 10:] = 2**40  # numbers need not be small
    outline = np.zeros((9, 20), bool)
    outline[:, 0] = True
    inside = interior(regions, outline, 2)
    assert inside[4].tolist() == [False] * 4 + [True] * 4 + [False] * 4 + [True] * 8


def test_medians_are_those_of_numpy() -> None:
    rng = np.random.default_rng(0)
    image = torch.from_numpy(rng.uniform(-1, 1, (3, 12, 12)).astype(np.float32))
    regions, inside = rng.integers(0, 5, (12, 12)), rng.uniform(size=(12, 12)) > 0.3
    expected = [np.median(image.numpy()[:, inside & (regions == number)], axis=1) for number in range(5)]
    np.testing.assert_allclose(medians(image, regions, inside, 1)[..., 0].T, expected, atol=1e-6)


def test_a_picture_that_is_all_border_is_left_out() -> None:
    regions = torch.arange(32 * 32).reshape(32, 32)
    flat = torch.zeros(3, 32, 32)
    confetti = Sample("confetti", flat, Truth(flat, torch.zeros(32, 32, dtype=torch.bool), regions, flat))
    metric, sample = FlatColorError(), halves(left=-1.0, right=1.0)
    metric.update(flat, confetti)
    assert score(metric, -truth(sample, "flat"), sample) == pytest.approx(100, abs=0.01)


@pytest.mark.parametrize("field", ["flat", "regions", "outline"])
def test_a_sample_without_one_of_the_three_is_an_error_that_names_it(field: str) -> None:
    sample = halves()
    fields = {name: truth(sample, name) for name in ("flat", "regions", "outline") if name != field}
    with pytest.raises(PartError, match=rf"^residual_texture: sample 'halves' has no truth\.{field}; evaluate on"):
        ResidualTexture().update(sample.photo, Sample("halves", sample.photo, Truth(**fields)))
