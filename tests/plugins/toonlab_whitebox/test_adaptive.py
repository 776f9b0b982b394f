from __future__ import annotations

import numpy as np
import pytest
from skimage.measure import label

from toonlab_whitebox.adaptive import adaptive, felzenszwalb

NAMES = (("astronaut", 0), ("cartoon11", 4))


def test_segments_match_white_box(golden, images):
    arrays = golden("whitebox_superpixel_skimage0145")
    for name, index in NAMES:
        labels = felzenszwalb(images[index].movedim(0, -1).numpy(), 10, 0.8, 100)
        assert np.array_equal(labels, arrays[f"felz_labels_{name}"])


def test_segments_match_scikit_image(golden, images):
    arrays = golden("whitebox_superpixel_skimage026")
    for name, index in NAMES:
        labels = felzenszwalb(images[index].movedim(0, -1).numpy(), 10, 0.8, 100)
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
