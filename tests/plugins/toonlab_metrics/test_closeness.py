from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn.functional import conv2d, pad

from toonlab import PartError, Sample, ToonlabError, Truth
from toonlab_metrics import register_metrics
from toonlab_metrics.bases import PictureMean
from toonlab_metrics.closeness import MSSSIM, PSNR, SSIM, scale_weights


def noise(seed: int, size: int = 32) -> Tensor:
    return torch.rand((3, size, size), generator=torch.Generator().manual_seed(seed)) * 2 - 1


def score(metric: PictureMean, *pairs: tuple[Tensor, Tensor]) -> float:
    for fake, cartoon in pairs:
        metric.update(fake, Sample("a picture", fake, Truth(cartoon=cartoon)))
    (value,) = metric.compute().values()
    return value


def ssim_by_definition(x: Tensor, y: Tensor) -> float:
    """Wang et al. 2004, equation 13, for `(3, H, W)` in [0, 1] with reflected borders."""
    taps = torch.exp(-((torch.arange(11.0) - 5) ** 2) / (2 * 1.5**2))
    window = (taps / taps.sum())[:, None] * (taps / taps.sum())
    mean = lambda z: conv2d(pad(z[:, None].double(), (5, 5, 5, 5), "reflect"), window[None, None].double())
    covariance = lambda a, b: mean(a * b) - mean(a) * mean(b)
    c1, c2 = 0.01**2, 0.03**2
    luminance = (2 * mean(x) * mean(y) + c1) / (mean(x) ** 2 + mean(y) ** 2 + c1)
    structure = (2 * covariance(x, y) + c2) / (covariance(x, x) + covariance(y, y) + c2)
    return float((luminance * structure).mean())


@pytest.mark.parametrize(("difference", "decibels"), [(0.2, 20.0), (0.02, 40.0), (2.0, 0.0)])
def test_psnr_of_a_constant_difference(difference: float, decibels: float) -> None:
    cartoon = torch.full((3, 8, 8), -1.0)
    assert score(PSNR(), (cartoon + difference, cartoon)) == pytest.approx(decibels, abs=1e-4)


def test_psnr_is_averaged_per_picture_not_over_all_pixels() -> None:
    cartoon = torch.full((3, 8, 8), -1.0)
    assert score(PSNR(), (cartoon + 0.2, cartoon), (cartoon + 0.02, cartoon)) == pytest.approx(30, abs=1e-4)


def test_identical_pictures_have_finite_psnr() -> None:
    assert score(PSNR(), (noise(0), noise(0))) == 100


@pytest.mark.parametrize("size", [11, 12, 40])
@pytest.mark.parametrize("blend", [0.1, 0.5, 0.9])
def test_ssim_is_that_of_its_paper(size: int, blend: float) -> None:
    cartoon = noise(0, size)
    fake = blend * cartoon + (1 - blend) * noise(1, size)
    expected = ssim_by_definition((fake + 1) / 2, (cartoon + 1) / 2)
    assert score(SSIM(), (fake, cartoon)) == pytest.approx(expected, abs=1e-5)


def test_ssim_of_flat_pictures_is_its_luminance_term() -> None:
    gray, lighter = torch.full((3, 16, 16), -0.1), torch.full((3, 16, 16), 0.1)  # 0.45 and 0.55 of white
    expected = (2 * 0.45 * 0.55 + 1e-4) / (0.45**2 + 0.55**2 + 1e-4)
    assert score(SSIM(), (gray, lighter)) == pytest.approx(expected, abs=5e-4)  # float32


def test_identical_pictures_have_ssim_one() -> None:
    assert score(SSIM(), (noise(0), noise(0))) == pytest.approx(1)


@pytest.mark.parametrize("size", [176, 200])
def test_ms_ssim_of_large_pictures_is_that_of_its_paper(size: int) -> None:
    from torchmetrics.functional.image import multiscale_structural_similarity_index_measure as published

    cartoon = noise(0, size)
    fake = 0.7 * cartoon + 0.3 * noise(1, size)
    expected = published((fake[None] + 1) / 2, (cartoon[None] + 1) / 2, data_range=1.0, normalize="relu")
    assert score(MSSSIM(), (fake, cartoon)) == pytest.approx(float(expected), abs=1e-3)  # the weights add up to 1.0001


@pytest.mark.parametrize(
    ("side", "scales"), [(44, 3), (64, 3), (98, 3), (99, 4), (128, 4), (175, 4), (176, 5), (512, 5)]
)
def test_ms_ssim_takes_the_scales_that_fit(side: int, scales: int) -> None:
    weights = scale_weights(side)
    assert len(weights) == scales
    assert sum(weights) == pytest.approx(1)
    assert score(MSSSIM(), (noise(0, side), noise(0, side))) == pytest.approx(1)


def test_ms_ssim_of_too_small_pictures_is_an_error() -> None:
    with pytest.raises(PartError, match=r"^ms_ssim: sides of pictures must be at least 44, got 43x43"):
        score(MSSSIM(), (noise(0, 43), noise(1, 43)))


@pytest.mark.parametrize("metric", [PSNR, SSIM, MSSSIM])
def test_the_closer_picture_scores_more(metric: type[PictureMean]) -> None:
    cartoon = noise(0, 64)
    scores = [score(metric(), (cartoon + amount * noise(1, 64), cartoon)) for amount in (0.05, 0.2, 0.6)]
    assert scores == sorted(scores, reverse=True)
    assert len(set(scores)) == 3


def test_psnr_clips_what_no_picture_can_show() -> None:
    cartoon = torch.ones(3, 8, 8)
    assert score(PSNR(), (cartoon + 5, cartoon)) == 100


def test_a_picture_smaller_than_the_window_of_ssim_is_an_error() -> None:
    with pytest.raises(PartError, match=r"^ssim: sides of pictures must be at least 11, got 10x10"):
        score(SSIM(), (noise(0, 10), noise(1, 10)))


@pytest.mark.parametrize("name", ["psnr", "ssim"])
def test_errors_name_the_metric(name: str) -> None:
    metric = register_metrics()[name]()
    with pytest.raises(ToonlabError, match=f"^{name}: no samples to evaluate"):
        metric.compute()
    with pytest.raises(PartError, match=rf"^{name}: sample 'IMG_7' has no truth\.cartoon"):
        metric.update(noise(0), Sample("IMG_7", noise(0)))
    with pytest.raises(PartError, match=r"needs a fake of \(3, 32, 32\), got \(3, 16, 16\)"):
        score(metric, (noise(0, 16), noise(0, 32)))
