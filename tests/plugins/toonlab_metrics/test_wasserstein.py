from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor

from toonlab import PartError, Sample
from toonlab_metrics.wasserstein import SlicedWasserstein, pyramid


def pictures(seed: int, count: int = 6, size: int = 64, smooth: float = 2.0) -> list[Tensor]:
    rng = np.random.default_rng(seed)
    blurred = [
        cv2.GaussianBlur(rng.uniform(-1, 1, (size, size, 3)).astype(np.float32), (0, 0), smooth) for _ in range(count)
    ]
    return [torch.from_numpy(image).permute(2, 0, 1) for image in blurred]


def swd(fakes: list[Tensor], cartoons: list[Tensor], **parameters: int) -> dict[str, float]:
    metric = SlicedWasserstein(**{"directions": 64, **parameters})
    metric.reference(cartoons)
    for fake in fakes:
        metric.update(fake, Sample("a picture", fake))
    return metric.compute()


def test_a_pyramids_levels_add_up_to_the_picture() -> None:
    image = pictures(0, 1, 75)[0]
    *finer, coarsest = pyramid(image)
    assert [min(level.shape[:2]) for level in (*finer, coarsest)] == [75, 38, 19]
    for level in reversed(finer):
        coarsest = level + cv2.pyrUp(coarsest, dstsize=level.shape[1::-1])
    np.testing.assert_allclose(coarsest, image.permute(1, 2, 0), atol=1e-5)


def test_the_same_set_is_no_distance_away_and_always_the_same_distance() -> None:
    same = swd(pictures(0), pictures(0))
    assert list(same) == ["swd", "swd_fine", "swd_coarse"]
    assert set(same.values()) == {0.0}
    assert swd(pictures(0), pictures(1)) == swd(pictures(0), pictures(1))


def test_it_grows_with_the_difference_and_tells_scales_apart() -> None:
    cartoons = pictures(0, 12)
    distances = [swd(pictures(1, 12, smooth=smooth), cartoons)["swd"] for smooth in (2.0, 1.5, 1.0)]
    assert distances == sorted(distances)
    assert distances[2] > 1.2 * distances[0]
    noisy = [image + 0.03 * torch.randn(image.shape, generator=torch.Generator().manual_seed(9)) for image in cartoons]
    results = swd(noisy, cartoons)
    assert results["swd_fine"] > 3 * results["swd_coarse"]


def test_a_cast_over_the_whole_set_is_normalised_away() -> None:
    cartoons = pictures(0)
    cast = torch.tensor([0.5, 0.7, 0.9])[:, None, None]
    fakes = [image * cast + 0.2 * cast - 0.1 for image in cartoons]
    assert swd(fakes, cartoons)["swd"] < 0.01


def test_one_direction_of_two_sets_is_the_distance_of_sorted_values() -> None:
    metric = SlicedWasserstein(directions=1)
    x, y = (
        torch.randn(500, 3, 7, 7, generator=torch.Generator().manual_seed(seed)).abs() ** power
        for seed, power in ((0, 1), (1, 3))
    )
    from scipy.stats import wasserstein_distance

    from toonlab.utils.rng import rng
    from toonlab_metrics.wasserstein import _normalized

    direction = torch.randn(147, 1, generator=rng(0, "swd", "directions"))
    direction /= direction.norm()
    expected = wasserstein_distance(*((_normalized(side) @ direction)[:, 0].numpy() for side in (x, y)))
    assert metric._distance(x, y) == pytest.approx(expected, rel=1e-4)


def test_sets_of_different_numbers_and_sizes_compare() -> None:
    assert swd(pictures(0, 4), pictures(0, 4) * 3)["swd"] < swd(pictures(0, 4), pictures(1, 12))["swd"]
    assert swd(pictures(0, 3, 96), pictures(1, 5, 64))["swd"] > 0


def test_too_few_and_too_small_pictures_are_errors() -> None:
    with pytest.raises(PartError, match=r"^swd: needs at least 2 cartoons, got 1; give more, or drop it"):
        swd(pictures(0), pictures(1, 1))
    with pytest.raises(PartError, match=r"^swd: needs at least 2 pictures, got 1"):
        swd(pictures(0, 1), pictures(1))
    with pytest.raises(PartError, match=r"^swd: sides of pictures must be at least 16, got 12x12"):
        swd(pictures(0, 2, 12), pictures(1))
    metric = SlicedWasserstein()
    metric.update(pictures(0)[0], Sample("a picture", pictures(0)[0]))
    with pytest.raises(PartError, match=r"^swd: has no cartoons to compare with"):
        metric.compute()
