from __future__ import annotations

import numpy as np
from skimage.color import rgb2lab

from toonlab_whitebox.regions import describe


def test_sizes_boxes_and_neighbours():
    labels = np.array([[0, 0, 1], [2, 0, 1], [2, 3, 3]])
    regions = describe(np.zeros((3, 3, 3), np.float32), labels)
    assert regions.sizes.tolist() == [3, 2, 2, 2]
    assert regions.boxes.tolist() == [[0, 0, 2, 2], [0, 2, 2, 3], [1, 0, 3, 1], [2, 1, 3, 3]]
    assert regions.pairs.tolist() == [[0, 1], [0, 2], [0, 3], [1, 3], [2, 3]]
    assert regions.pixels == 9


def test_one_region_has_no_neighbours():
    assert describe(np.zeros((2, 2, 3), np.float32), np.zeros((2, 2), np.int64)).pairs.shape == (0, 2)


def test_histograms_of_colour_are_those_of_lab(images):
    """L of the upper half of a photo, by numpy; colour and texture each sum to 1."""
    image = images[0].movedim(0, -1).numpy()
    labels = np.repeat([0, 1], 128)[:, None].repeat(256, 1)
    histograms = describe(image, labels).histograms
    assert histograms.shape == (2, 3 * (25 + 10))
    np.testing.assert_allclose(histograms[:, :75].sum(1), 1)
    np.testing.assert_allclose(histograms[:, 75:].sum(1), 1)
    lightness = np.rint(2.55 * rgb2lab((image[:128] + 1) / 2)[..., 0])
    expected, _ = np.histogram(lightness, bins=np.arange(26) * 256 / 25)
    np.testing.assert_allclose(histograms[0, :25], expected / lightness.size / 3, atol=1e-4)


def test_texture_tells_stripes_from_flat():
    """Of one colour on the whole, and unlike in texture; scaled to [-1, 1] of a white and a black."""
    image = np.full((16, 32, 3), -1, np.float32)
    image[:, :16][::2] = 1
    labels = np.repeat([0, 1], 16)[None].repeat(16, 0)
    textures = describe(image, labels).histograms[:, 75:]
    assert np.minimum(textures[0], textures[1]).sum() < 0.9
