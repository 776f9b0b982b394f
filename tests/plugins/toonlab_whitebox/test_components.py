from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skimage.measure import label
from torch import Tensor

from toonlab_whitebox.components import connected


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
