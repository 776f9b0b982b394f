from __future__ import annotations

import numpy as np
import pytest
from skimage.measure import label
from skimage.segmentation import felzenszwalb

from toonlab_whitebox.adaptive import adaptive, merge
from toonlab_whitebox.regions import Regions, describe

NAMES = (("astronaut", 0), ("cartoon11", 4))


def test_segments_match_white_box(golden, images):
    arrays = golden("whitebox_superpixel_skimage0145")
    for name, index in NAMES:
        labels = adaptive(images[index].movedim(0, -1).numpy(), regions=1000)  # as they are, before merging
        assert np.array_equal(labels, arrays[f"felz_labels_{name}"])


def test_segments_match_scikit_image(golden, images):
    arrays = golden("whitebox_superpixel_skimage026")
    for name, index in NAMES:
        labels = adaptive(images[index].movedim(0, -1).numpy(), regions=1000)  # as they are, before merging
        assert np.array_equal(labels, arrays[f"felz26_labels_{name}"])


@pytest.mark.parametrize("regions", [60, 12, 1])
def test_exactly_as_many_regions_as_asked_for(images, regions: int):
    """Of the 152 segments, each in one piece (Felzenszwalb's may hang on a corner); White-box counted pairs."""
    image = images[0].movedim(0, -1).numpy()
    labels = adaptive(image, regions=regions)
    assert np.unique(labels).tolist() == list(range(regions))
    assert label(labels, connectivity=2, background=-1).max() == regions
    segments = felzenszwalb(image, 10, 0.8, 100)
    assert all(len(np.unique(labels[segments == segment])) == 1 for segment in range(152))


def test_fewer_segments_than_regions_stay_as_they_are(images):
    image = images[4].movedim(0, -1).numpy()
    assert np.array_equal(adaptive(image), felzenszwalb(image, 10, 0.8, 100))


def test_flat_and_small_pictures():
    assert adaptive(np.zeros((5, 4, 3), np.float32), regions=1).max() == 0
    noise = np.random.default_rng(0).uniform(-1, 1, (16, 16, 3)).astype(np.float32)
    assert adaptive(noise, min_size=2, regions=5).max() == 4


def similarities(regions: Regions) -> list[tuple[float, int, int]]:
    """The paper's equations 2 to 5, pair by pair."""
    found = []
    for one, other in regions.pairs.tolist():
        common = sum(min(a, b) for a, b in zip(regions.histograms[one], regions.histograms[other], strict=True))
        size = int(regions.sizes[one] + regions.sizes[other])
        top, left = np.minimum(regions.boxes[one], regions.boxes[other])[:2].tolist()
        bottom, right = np.maximum(regions.boxes[one], regions.boxes[other])[2:].tolist()
        box = (bottom - top) * (right - left)
        found.append((common + (1 - size / regions.pixels) + (1 - (box - size) / regions.pixels), one, other))
    return found


def plainly(image: np.ndarray, labels: np.ndarray, keep: int) -> np.ndarray:
    """All regions described anew, and all pairs sorted, at every merge."""
    while (count := int(labels.max()) + 1) > keep:
        _, one, other = max(similarities(describe(image, labels)))
        labels = np.where(labels == other, one, labels)
        labels = np.unique(labels, return_inverse=True)[1].reshape(labels.shape)
        assert labels.max() + 2 == count
    return labels


def partition(labels: np.ndarray) -> set[bytes]:
    return {np.packbits(labels == label).tobytes() for label in np.unique(labels)}


@pytest.fixture(scope="module")
def picture(images) -> tuple[np.ndarray, np.ndarray]:
    """A photo in 36 blocks."""
    labels = np.arange(48)[:, None] // 8 * 6 + np.arange(48) // 8
    return images[0, :, 100:148, 60:108].movedim(0, -1).numpy(), labels


@pytest.mark.parametrize("keep", [35, 20, 7, 1])
def test_the_same_regions_as_without_a_heap(picture, keep: int):
    image, labels = picture
    numbers = merge(describe(image, labels), keep)
    assert sorted(set(numbers.tolist())) == list(range(keep))
    assert partition(numbers[labels]) == partition(plainly(image, labels, keep))


def test_enough_already(picture):
    image, labels = picture
    assert merge(describe(image, labels), 36).tolist() == list(range(36))
    assert merge(describe(image, labels), 99).tolist() == list(range(36))


def test_what_does_not_touch_stays_apart():
    apart = Regions(np.ones((4, 1)), np.full(4, 5), np.tile([0, 0, 2, 2], (4, 1)), np.array([[0, 1], [2, 3]]), 20)
    assert merge(apart, 1).tolist() == [0, 0, 1, 1]


def test_of_equals_the_first_pair_is_merged():
    equal = Regions(np.ones((4, 1)), np.full(4, 5), np.tile([0, 0, 2, 2], (4, 1)), np.array([[0, 3], [1, 2]]), 20)
    assert merge(equal, 3).tolist() == [2, 0, 1, 2]
