"""Cutting boxes out of images."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from toonlab import crop


@given(st.integers(1, 5), st.integers(1, 6), st.integers(0, 10**6))
def test_crop_cuts_what_slicing_cuts(height: int, width: int, seed: int) -> None:
    draw = torch.Generator().manual_seed(seed)
    images = torch.rand(3, 2, 9, 7, generator=draw)
    tops = torch.randint(0, 9 - height + 1, (4,), generator=draw)
    lefts = torch.randint(0, 7 - width + 1, (4,), generator=draw)
    which = torch.randint(0, 3, (4,), generator=draw)
    boxes = torch.stack([which, tops, lefts, torch.full((4,), height), torch.full((4,), width)], 1)
    expected = torch.stack([images[b, :, t : t + h, x : x + w] for b, t, x, h, w in boxes.tolist()])
    assert torch.equal(crop(images, boxes), expected)
    assert torch.equal(crop(images, boxes, (height, width)), expected)


def test_gradients_of_overlapping_boxes_add_up() -> None:
    images = torch.zeros(1, 1, 4, 4, requires_grad=True)
    boxes = torch.tensor([[0, 0, 0, 3, 3], [0, 1, 1, 3, 3]])
    crop(images, boxes).sum().backward()
    assert images.grad is not None
    assert images.grad[0, 0].tolist() == [[1, 1, 1, 0], [1, 2, 2, 1], [1, 2, 2, 1], [0, 1, 1, 1]]


def test_boxes_of_two_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="one size"):
        crop(torch.zeros(1, 1, 4, 4), torch.tensor([[0, 0, 0, 2, 2], [0, 0, 0, 3, 3]]))
