"""Degenerate pictures: a picture for each sample, the same each time, and what their names say."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch

from toonlab import Sample
from toonlab_metrics.degenerate import NAMES, PATTERNS, degenerates
from toonlab_world import register_datasets


@pytest.fixture(scope="module")
def samples() -> Sequence[Sample]:
    return list(register_datasets()["toonworld"](size=64, evaluation_scenes=3).evaluation())


@pytest.mark.parametrize("name", NAMES)
def test_pictures_are_images_of_the_samples_sizes_and_the_same_each_time(samples: Sequence[Sample], name: str) -> None:
    made = degenerates(samples, name)
    for image, sample in zip(made, samples, strict=True):
        assert (image.shape, image.dtype) == (sample.photo.shape, torch.float32)
        assert -1 <= float(image.min()) <= float(image.max()) <= 1
        assert not torch.equal(image, sample.photo)
    assert all(torch.equal(one, again) for one, again in zip(made, degenerates(samples, name), strict=True))


def test_patterns_are_among_the_pictures() -> None:
    assert set(PATTERNS) <= set(NAMES)


@pytest.mark.parametrize(("name", "share"), [("dots 3", 1 / 9), ("stripes 4", 1 / 4), ("specks .2", 0.2)])
def test_so_many_pixels_are_black_and_the_others_are_the_photos(
    samples: Sequence[Sample], name: str, share: float
) -> None:
    (image, *_), (sample, *_) = degenerates(samples, name), samples
    changed = (image != sample.photo).any(dim=0)
    assert float(changed.float().mean()) == pytest.approx(share, abs=0.02)
    assert float(image[:, changed].max()) == -1


def test_edges_grow_fewer_with_the_threshold(samples: Sequence[Sample]) -> None:
    dark = [
        sum(float((image == -1).all(dim=0).float().mean()) for image in degenerates(samples, f"canny {low}"))
        for low in (25, 50, 100)
    ]
    assert dark == sorted(dark, reverse=True)


def test_another_truth_is_the_one_of_another_scene(samples: Sequence[Sample]) -> None:
    truths = [sample.truth.cartoon for sample in samples if sample.truth]
    for place, image in enumerate(degenerates(samples, "other truth")):
        assert not torch.equal(image, truths[place])
        assert any(torch.equal(image, other) for other in truths)
