from __future__ import annotations

import random

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skimage.measure import label
from torch import Tensor

from toonlab_whitebox.labels import connected, median_share, paint


def numbered(regions: np.ndarray) -> np.ndarray:
    """Each pixel's region by the first pixel of it."""
    _, first, region = np.unique(regions, return_index=True, return_inverse=True)
    return first[region].reshape(regions.shape)


@given(arrays(np.int64, (2, 9, 7), elements=st.integers(0, 2)))
def test_regions_are_those_of_scikit_image(labels: np.ndarray):
    found = connected(torch.from_numpy(labels)).numpy()
    for image, regions in zip(labels, found, strict=True):
        assert np.array_equal(regions, numbered(label(image, connectivity=1, background=-1)))


def test_a_spiral_is_one_region():
    spiral = torch.ones(65, 65, dtype=torch.int64)
    top, left, bottom, right = 0, 0, 64, 64
    while bottom - top > 1:
        spiral[top, left : right + 1] = spiral[top : bottom + 1, right] = 0
        spiral[bottom, left + 2 : right + 1] = spiral[top + 2 : bottom + 1, left + 2] = 0
        top, left, bottom, right = top + 2, left + 2, bottom - 2, right - 2
    regions = connected(spiral[None])[0]
    assert len(regions[spiral == 0].unique()) == 1
    assert np.array_equal(regions.numpy(), numbered(label(spiral.numpy(), connectivity=1, background=-1)))


def maze(cells: int, seed: int) -> Tensor:
    """A labyrinth of one way between any two places: 0, with walls of 1; `(2 * cells + 1,) * 2`."""
    draws = random.Random(seed)
    labels = torch.ones(2 * cells + 1, 2 * cells + 1, dtype=torch.int64)
    labels[1, 1], way = 0, [(1, 1)]
    while way:
        row, column = way[-1]
        ways = [(row + y, column + x) for y, x in ((0, 2), (2, 0), (0, -2), (-2, 0))]
        ways = [(y, x) for y, x in ways if 0 < y < 2 * cells and 0 < x < 2 * cells and labels[y, x]]
        if not ways:
            way.pop()
            continue
        y, x = draws.choice(ways)
        labels[y, x] = labels[(row + y) // 2, (column + x) // 2] = 0
        way.append((y, x))
    return labels


@pytest.mark.parametrize("cells", [4, 16, 50])
def test_mazes_need_fewer_rounds_than_their_sides_have_bits(cells: int):
    """One round can be done without."""
    mazes = [torch.stack([maze(cells, seed).rot90(turns) for turns in range(4)]) for seed in range(3)]
    for labels in mazes:
        spared = connected(labels, extent=(2 * cells + 1) // 2)
        for image, regions in zip(labels, spared, strict=True):
            assert np.array_equal(regions.numpy(), numbered(label(image.numpy(), connectivity=1, background=-1)))


def test_too_few_rounds_are_seen():
    """The tests above could fail."""
    assert len(connected(maze(50, 0)[None], extent=3).unique()) > len(connected(maze(50, 0)[None]).unique())


def test_small_regions_join_the_one_above_or_to_the_left():
    labels = rows("0011", "0231", "0441")  # 2 and 3 have one pixel
    assert connected(labels, smallest=2)[0].tolist() == rows("0022", "0022", "0992")[0].tolist()


def test_small_regions_in_a_chain_and_in_the_corner():
    assert connected(rows("0123"), smallest=2)[0].tolist() == [[0, 0, 0, 0]]
    assert connected(rows("0", "1", "2"), smallest=2).flatten().tolist() == [0, 0, 0]
    assert connected(rows("0111"), smallest=2)[0].tolist() == [[0, 1, 1, 1]]


@pytest.mark.parametrize("smallest", [0, 6])
def test_images_of_a_batch_do_not_touch(smallest: int):
    labels = torch.randint(0, 2, (3, 8, 8), generator=torch.Generator().manual_seed(0))
    alone = torch.cat([connected(one[None], smallest) for one in labels])
    assert torch.equal(connected(labels, smallest), alone)
    assert alone.max() < 64


def rows(*lines: str) -> Tensor:
    return torch.tensor([[[int(digit) for digit in line] for line in lines]])


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
