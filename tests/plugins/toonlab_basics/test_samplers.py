from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from toonlab import Context, PartError, Views, crop
from toonlab_basics import GridPatches, RandomPatches, Whole


def views(real: Tensor, fake: Tensor, seed: int = 0) -> Views:
    return Views(real, fake, context=Context(real, nn.Identity(), torch.Generator().manual_seed(seed), step=0))


def numbered(batch: int, height: int, width: int, channels: int = 1) -> Tensor:
    """Every pixel has a value of its own."""
    return torch.arange(float(batch * channels * height * width)).view(batch, channels, height, width)


def assert_boxes_match(images: Tensor, patches: Tensor, boxes: Tensor) -> None:
    assert boxes.dtype == torch.int64
    assert torch.equal(patches, crop(images, boxes))


def test_whole_changes_nothing_and_gives_full_boxes():
    given_views = views(numbered(2, 4, 6), numbered(3, 5, 7))
    seen = Whole()(given_views)
    assert seen.real is given_views.real
    assert seen.fake is given_views.fake
    assert seen.real_boxes.tolist() == [[0, 0, 0, 4, 6], [1, 0, 0, 4, 6]]
    assert_boxes_match(seen.fake, seen.fake, seen.fake_boxes)


@given(
    size=st.integers(1, 6),
    k=st.integers(1, 5),
    height=st.integers(6, 12),
    width=st.integers(6, 12),
    seed=st.integers(0, 99),
)
def test_random_patches(size: int, k: int, height: int, width: int, seed: int):
    given_views = views(numbered(2, height, width, 3), numbered(3, width, height), seed)
    seen = RandomPatches(patch_size=size, k=k)(given_views)
    assert seen.real.shape == (2 * k, 3, size, size)
    assert seen.fake.shape == (3 * k, 1, size, size)
    assert_boxes_match(given_views.real, seen.real, seen.real_boxes)
    assert_boxes_match(given_views.fake, seen.fake, seen.fake_boxes)
    assert seen.real_boxes[:, 0].tolist() == [0] * k + [1] * k
    assert (seen.real_boxes[:, 1] <= height - size).all()
    assert (seen.real_boxes[:, 2] <= width - size).all()
    assert seen.context is given_views.context


def test_random_patches_reach_every_place_and_follow_their_generator():
    images = numbered(1, 5, 6)
    sampler = RandomPatches(patch_size=3, k=300)
    seen = sampler(views(images, images))
    assert {tuple(box) for box in seen.real_boxes[:, 1:3].tolist()} == {(i, j) for i in range(3) for j in range(4)}
    assert not torch.equal(seen.real_boxes, seen.fake_boxes)
    assert torch.equal(sampler(views(images, images)).fake_boxes, seen.fake_boxes)
    assert not torch.equal(sampler(views(images, images, seed=1)).fake_boxes, seen.fake_boxes)


def test_grid_patches_tile_row_by_row():
    images = numbered(2, 7, 6)
    seen = GridPatches(patch_size=3)(views(images, images))
    places = [[0, 0], [0, 3], [3, 0], [3, 3]]  # the last row is not covered
    assert seen.real_boxes[:, :3].tolist() == [[image, *place] for image in range(2) for place in places]
    assert torch.equal(seen.real[5], images[1, :, 0:3, 3:6])
    assert_boxes_match(images, seen.fake, seen.fake_boxes)


@given(size=st.integers(1, 8), stride=st.floats(0.05, 2), height=st.integers(8, 20), width=st.integers(8, 20))
def test_grid_patches_cover_what_the_stride_says(size: int, stride: float, height: int, width: int):
    seen = GridPatches(patch_size=size, stride=stride)(views(numbered(1, height, width), numbered(1, height, width)))
    step = max(1, round(stride * size))
    assert seen.real_boxes[:, 1].unique().tolist() == list(range(0, height - size + 1, step))
    assert seen.real_boxes[:, 2].unique().tolist() == list(range(0, width - size + 1, step))
    assert len(seen.real) == ((height - size) // step + 1) * ((width - size) // step + 1)


def test_the_grid_of_the_defaults_has_as_many_patches_as_ctss_takes():
    images = torch.zeros(2, 3, 256, 256)
    assert len(GridPatches()(views(images, images)).real) == len(RandomPatches()(views(images, images)).real) == 8


@pytest.mark.parametrize("sampler", [Whole(), RandomPatches(patch_size=3, k=2), GridPatches(patch_size=3, stride=0.4)])
def test_gradients_reach_the_pixels(sampler):
    images = torch.randn(2, 1, 5, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: sampler(views(x.detach(), x)).fake, images)


@pytest.mark.parametrize("sampler", [RandomPatches(patch_size=9), GridPatches(patch_size=9)])
def test_a_patch_that_does_not_fit(sampler):
    fits, too_small = torch.zeros(1, 3, 16, 16), torch.zeros(1, 3, 16, 8)
    with pytest.raises(PartError, match=r"patch_size=9 does not fit an image of 16x8 pixels.*at most 8"):
        sampler(views(fits, too_small))


def test_random_patches_need_a_context():
    with pytest.raises(PartError, match="random_patches: draws random numbers"):
        RandomPatches(patch_size=2)(Views(numbered(1, 4, 4), numbered(1, 4, 4)))
