"""KID on EfficientNet-Lite0: what it sees on ToonWorld, its interval, and its warnings."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence

import cv2
import numpy as np
import pytest
import torch
from scipy.stats import spearmanr
from torch import Tensor

from toonlab import Catalogue, PartError, Sample, ToonlabError
from toonlab.ops.kernel import kernel_distance
from toonlab_lite0.metric import KIDLite0, jpeg_blocks

COUNT = 8


@pytest.fixture(scope="module")
def scenes(catalogue: Catalogue) -> tuple[list[Tensor], list[Tensor]]:
    """Photos and cartoons of ToonWorld, uint8, 96 px."""
    photos, cartoons = catalogue.make("datasets", "toonworld", size=96, scenes=2 * COUNT, difficulty=0).train()
    return [[side[i] for i in range(2 * COUNT)] for side in (photos, cartoons)]


@pytest.fixture(scope="module")
def metric(scenes: tuple[list[Tensor], list[Tensor]]) -> KIDLite0:
    """It has the second half of the cartoons."""
    made = KIDLite0(subsets=5)
    made.reference(scenes[1][COUNT:])
    return made


def measured(metric: KIDLite0, fakes: Sequence[Tensor]) -> dict[str, float]:
    metric._fakes = []
    for fake in fakes:
        metric.update(fake.float() / 127.5 - 1, Sample("a picture", fake))
    return metric.compute()


def degraded(image: Tensor, change: Callable[[np.ndarray], np.ndarray]) -> Tensor:
    changed = change(image.permute(1, 2, 0).numpy())
    return torch.from_numpy(np.clip(changed, 0, 255).round().astype(np.uint8)).permute(2, 0, 1)


def as_jpeg(image: Tensor, quality: int) -> Tensor:
    coded = lambda pixels: cv2.imdecode(cv2.imencode(".jpg", pixels, (cv2.IMWRITE_JPEG_QUALITY, quality))[1], 1)
    return degraded(image, coded)


GROWING: dict[str, list[Callable[[Tensor], Tensor]]] = {
    "blur": [lambda x, s=s: degraded(x, lambda p: cv2.GaussianBlur(p, (0, 0), s)) for s in (0.7, 1.2, 2.0)],
    "noise": [
        lambda x, s=s: degraded(x, lambda p: p + s * np.random.default_rng(0).standard_normal(p.shape))
        for s in (4, 10, 25)
    ],
    "jpeg": [lambda x, q=q: as_jpeg(x, q) for q in (85, 50, 15)],
    "desaturation": [
        lambda x, a=a: degraded(x, lambda p: p + a * (p.mean(2, keepdims=True) - p)) for a in (0.4, 0.8, 1)
    ],
}


@pytest.mark.parametrize("name", GROWING)
@pytest.mark.filterwarnings("ignore:kid_lite0. the blocks of JPEG")
def test_it_grows_with_each_degradation(name: str, metric: KIDLite0, scenes: tuple[list[Tensor], list[Tensor]]) -> None:
    cartoons = scenes[1][:COUNT]
    found = [measured(metric, [change(x) for x in cartoons]) for change in (lambda x: x, *GROWING[name])]
    for key in ("kid_lite0", "kid_lite0_block10"):
        assert spearmanr(range(len(found)), [values[key] for values in found]).statistic == pytest.approx(1)


def test_photos_are_farther_than_halves_of_the_cartoons(
    metric: KIDLite0, scenes: tuple[list[Tensor], list[Tensor]]
) -> None:
    photos, cartoons = measured(metric, scenes[0][:COUNT]), measured(metric, scenes[1][:COUNT])
    assert photos["kid_lite0_low"] > photos["kid_lite0_split"] > 0
    assert cartoons["kid_lite0_low"] < photos["kid_lite0_split"]
    assert cartoons["kid_lite0_low"] < cartoons["kid_lite0"] < cartoons["kid_lite0_high"]
    about = metric.describe()
    assert (about["n"], about["cartoons"], about["size"]) == (COUNT, COUNT, "96x96")


def test_the_interval_is_as_wide_as_estimates_are_apart() -> None:
    """Random halves of one draw deviate as much as independent draws do, as the jackknife says, where sets differ."""
    draws = torch.Generator().manual_seed(0)
    sides = [torch.randn(60, 40, 8, generator=draws, dtype=torch.float64) + shift for shift in (0, 1)]
    apart = torch.tensor([kernel_distance(*pair) for pair in zip(*sides, strict=True)]).std()
    halved = []
    for fakes, cartoons in zip(*sides, strict=True):
        values = [
            kernel_distance(*(x[torch.randperm(40, generator=draws)[:20]] for x in (fakes, cartoons)))
            for _ in range(20)
        ]
        halved.append(torch.tensor(values).std())
    assert torch.stack(halved).mean() == pytest.approx(float(apart), rel=0.25)


def test_a_set_that_was_compressed_or_resized_differently_is_told(
    metric: KIDLite0, scenes: tuple[list[Tensor], list[Tensor]]
) -> None:
    cartoons = scenes[1][:COUNT]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        measured(metric, cartoons)
    with pytest.warns(
        RuntimeWarning, match=r"^kid_lite0: the blocks of JPEG have [\d.]+ levels .* compress both alike"
    ):
        measured(metric, [as_jpeg(x, 50) for x in cartoons])
    with pytest.warns(RuntimeWarning, match=r"^kid_lite0: the pictures' shorter side has 64 px and the cartoons' 96"):
        measured(metric, [x[:, 16:80] for x in cartoons])


def test_blocks_are_those_of_jpeg_and_of_no_checkerboard(scenes: tuple[list[Tensor], list[Tensor]]) -> None:
    plain = [photo.float() / 127.5 - 1 for photo in scenes[0]]
    board = torch.arange(96)[:, None] % 4 < 2
    assert abs(np.mean([jpeg_blocks(x) for x in plain])) < 0.25
    assert abs(np.mean([jpeg_blocks((x + 0.1 * board).clamp(-1, 1)) for x in plain])) < 0.25
    blocks = [np.mean([jpeg_blocks(as_jpeg(x, q).float() / 127.5 - 1) for x in scenes[0]]) for q in (85, 60, 30)]
    assert 0.25 < blocks[0] < blocks[1] < blocks[2]
    assert jpeg_blocks(torch.zeros(3, 16, 12)) == 0


def test_mistakes(metric: KIDLite0, scenes: tuple[list[Tensor], list[Tensor]]) -> None:
    with pytest.raises(PartError, match=r"^kid_lite0: needs at least 4 cartoons, got 3; give more, or drop it"):
        KIDLite0().reference(scenes[1][:3])
    with pytest.raises(PartError, match="needs at least 4 pictures, got 2"):
        measured(metric, scenes[1][:2])
    with pytest.raises(ToonlabError, match="no samples to evaluate"):
        measured(metric, [])
    with pytest.raises(PartError, match="'a picture' has values that are NaN"):
        metric.update(torch.full((3, 8, 8), float("nan")), Sample("a picture", scenes[0][0]))
