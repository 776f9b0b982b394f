"""Features of a fixed random network."""

from __future__ import annotations

import torch

from toonlab.ops.levels import to_levels
from toonlab_metrics.random_network import random_features


def pictures(count: int = 4, height: int = 32, width: int = 32) -> torch.Tensor:
    draws = torch.Generator().manual_seed(0)
    return to_levels(torch.rand((count, 3, height, width), generator=draws) * 2 - 1)


def test_random_features_are_fixed_and_of_the_order_of_one() -> None:
    images = pictures()
    assert random_features(images).shape == (4, 960)
    assert torch.equal(random_features(images), random_features(images))
    assert 0.1 < float(random_features(images).square().mean().sqrt()) < 10
    single = torch.cat([random_features(image[None]) for image in images])
    torch.testing.assert_close(random_features(images), single, atol=1e-5, rtol=1e-4)


def test_the_global_generator_is_left_alone() -> None:
    state = torch.random.get_rng_state()
    random_features(pictures())
    assert torch.equal(torch.random.get_rng_state(), state)


def test_the_number_of_features_does_not_depend_on_the_size() -> None:
    assert random_features(pictures(1, 17, 90)).shape == (1, 960)


def test_a_picture_of_one_colour_has_no_deviation() -> None:
    features = random_features(torch.full((1, 3, 64, 64), 200, dtype=torch.uint8))[0]
    means, deviations = features[:32], features[32:64]  # of the first convolution
    assert deviations.max() < 1e-4 < means.abs().max()
