from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from toonlab_whitebox.paint import median_share, paint


def colours_of(labels: np.ndarray, image: Tensor) -> np.ndarray:
    regions = torch.from_numpy(labels.astype(np.int64))[None]
    return paint(image.flip(0)[None], regions)[0].movedim(0, -1).numpy()  # the arrays are BGR


def test_mean_colours_match_white_box(golden, images):
    """Given the regions that scikit-image 0.14.5 found."""
    arrays = golden("whitebox_superpixel_skimage0145")
    for name, image in (("astronaut", images[0]), ("cartoon11", images[4])):
        actual = colours_of(arrays[f"slic_labels_{name}"], image)
        np.testing.assert_allclose(actual, arrays[f"slic_img_{name}_bgr"], rtol=0, atol=5e-5)


def test_mixed_colours_are_means_and_medians(images):
    """Each region by numpy, in a picture that has even, uneven and middling ones."""
    image = images[0]
    labels = (torch.arange(256)[:, None] // 20 * 13 + torch.arange(256) // 20) * 7
    painted = paint(image[None], labels[None], "mixed")[0]
    shares = set()
    for region in labels.unique():
        pixels = image[:, labels == region].double().numpy()
        spread = 127.5 * np.sqrt(np.mean((pixels - pixels.mean(1, keepdims=True)) ** 2))
        share = 0.0 if spread < 20 else 1.0 if spread > 40 else 0.5
        expected = (1 - share) * pixels.mean(1) + share * np.median(pixels, axis=1)
        np.testing.assert_allclose(painted[:, labels == region].T.numpy(), [expected] * pixels.shape[1], atol=1e-6)
        shares.add(share)
    assert shares == {0.0, 0.5, 1.0}


def test_the_share_of_the_median_at_the_thresholds():
    spread = torch.tensor([0.0, 19.99, 20.0, 30.0, 40.0, 40.01, 127.5])
    assert median_share(spread, 20.0, 40.0).tolist() == [0, 0, 0.5, 0.5, 0.5, 1, 1]


def test_a_flat_strong_colour_is_even_though_its_channels_differ():
    """Outliers in a red that has no other spread: the mean, since the spread within channels is small."""
    red = torch.tensor([1.0, -1.0, -1.0]).view(1, 3, 1, 1).expand(1, 3, 10, 10).clone()
    red[..., 0, 0] = 0.9
    labels = torch.zeros(1, 10, 10, dtype=torch.int64)
    assert torch.equal(paint(red, labels, "mixed"), paint(red, labels))


def test_medians_of_even_counts_and_of_regions_of_one_pixel():
    image = torch.tensor([-1.0, 0.2, 0.6, 1.0, 0.3]).view(1, 1, 1, 5)
    painted = paint(image, torch.tensor([[[3, 3, 3, 3, 0]]]), "mixed", gamma1=0.0, gamma2=0.0)
    torch.testing.assert_close(painted.flatten(), torch.tensor([0.4, 0.4, 0.4, 0.4, 0.3]))


@pytest.mark.parametrize("coloring", ["mean", "mixed"])
def test_the_same_bits_for_other_numbers_orders_and_companions(images, coloring):
    labels = torch.randint(0, 50, (2, 64, 64), generator=torch.Generator().manual_seed(0))
    pictures = images[:2, :, :64, :64]
    painted = paint(pictures, labels, coloring)
    assert torch.equal(painted, paint(pictures, 4095 - 81 * labels, coloring))
    assert torch.equal(painted.flip(2, 3), paint(pictures.flip(2, 3), labels.flip(1, 2), coloring))
    assert torch.equal(painted[1:], paint(pictures[1:], labels[1:], coloring))
    assert all(torch.equal(painted, paint(pictures, labels, coloring)) for _ in range(5))
