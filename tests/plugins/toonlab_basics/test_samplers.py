from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from toonlab import Context, PartError, Views, crop
from toonlab_basics import EdgeMaximum, GridPatches, RandomPatches, Whole


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
    with pytest.raises(PartError, match=r"patch_size=9 does not fit an image of 8x16 pixels.*at most 8"):
        sampler(views(fits, too_small))


def test_random_patches_need_a_context():
    with pytest.raises(PartError, match="random_patches: draws random numbers"):
        RandomPatches(patch_size=2)(Views(numbered(1, 4, 4), numbered(1, 4, 4)))


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed)) * 2 - 1


@given(st.integers(1, 2), st.integers(1, 8), st.integers(1, 8), st.integers(0, 99))
def test_saliency_is_sobels_magnitude(count: int, height: int, width: int, seed: int):
    images = noise(count, 3, height, width, seed=seed)
    gray = (images * torch.tensor([0.299, 0.587, 0.114]).view(3, 1, 1)).sum(1, keepdim=True)
    right = torch.tensor([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]]) / 8
    steps = F.conv2d(F.pad(gray, (1, 1, 1, 1), mode="replicate"), torch.stack([right, right.mT])[:, None])
    torch.testing.assert_close(EdgeMaximum().saliency(images), steps.square().sum(1).sqrt())


def reference(sampler: EdgeMaximum, images: Tensor) -> list[list[int]]:
    """Cuts out every patch, scores it, and sorts as Python does: stably."""
    size, step = sampler.patch_size, max(1, round(sampler.stride * sampler.patch_size))
    chosen = []
    for image, edges in enumerate(sampler.saliency(images).double()):
        candidates = [
            (edges[top : top + size, left : left + size].sum().float().item(), [image, top, left, size, size])
            for top in range(0, images.shape[2] - size + 1, step)
            for left in range(0, images.shape[3] - size + 1, step)
        ]
        chosen += [box for _, box in sorted(candidates, key=lambda candidate: -candidate[0])[: sampler.k]]
    return chosen


@given(st.data())
def test_choice_is_that_of_the_reference(data: st.DataObject):
    height, width = data.draw(st.integers(4, 20)), data.draw(st.integers(4, 20))
    size, stride = data.draw(st.integers(1, 4)), data.draw(st.sampled_from([0.25, 0.5, 1.0]))
    images = noise(2, 3, height, width, seed=data.draw(st.integers(0, 99)))
    images[data.draw(st.integers(0, 1)), ..., : width // 2] = 0.3  # ties
    count = ((height - size) // max(1, round(stride * size)) + 1) * ((width - size) // max(1, round(stride * size)) + 1)
    sampler = EdgeMaximum(patch_size=size, stride=stride, k=data.draw(st.integers(1, min(count, 5))))
    views = sampler(Views(images, images.flip(0)))
    assert views.real_boxes.tolist() == reference(sampler, images)
    assert torch.equal(views.fake, crop(images.flip(0), views.fake_boxes))
    assert (views.real_scores.view(2, -1).diff(dim=1) <= 0).all()


def test_texture_counts_as_much_as_lines():
    """Which tells it from CTSS."""
    images = torch.zeros(1, 3, 48, 48)
    images[..., 8:10, :] = -1
    images[:, :, 24:40, 16:32] = 0.8 * noise(16, 16).sign()
    (box,) = EdgeMaximum(patch_size=16, k=1)(Views(images, images)).fake_boxes.tolist()
    assert box == [0, 24, 16, 16, 16]


def test_even_images_give_the_first_places_with_score_0():
    images = torch.tensor([0.1, -0.7]).view(2, 1, 1, 1).expand(2, 3, 16, 24)
    views = EdgeMaximum(patch_size=8, k=2)(Views(images, images[:1]))
    assert views.real_boxes[:, :3].tolist() == [[0, 0, 0], [0, 0, 4], [1, 0, 0], [1, 0, 4]]
    assert not views.real_scores.any()
    assert len(views.fake) == 2


def test_gradient_reaches_the_pixels_and_nothing_else():
    images = noise(2, 3, 16, 16).requires_grad_()
    views = EdgeMaximum(patch_size=8, k=2)(Views(images.detach(), images))
    assert not views.fake_scores.requires_grad
    views.fake.sum().backward()
    covered = torch.zeros(2, 16, 16)
    for image, top, left, height, width in views.fake_boxes.tolist():
        covered[image, top : top + height, left : left + width] += 1
    assert torch.equal(images.grad, covered[:, None].expand_as(images))


def test_no_value_is_read_on_the_way():
    images = torch.empty(2, 3, 48, 64, device="meta")
    assert EdgeMaximum(patch_size=16, k=3)(Views(images, images)).fake.shape == (6, 3, 16, 16)


def test_k_too_large_says_which_fits():
    images = noise(1, 3, 16, 24)
    with pytest.raises(PartError, match=r"edge_maximum: k=16 patches per image.*gives 15 positions.*at most 15"):
        EdgeMaximum(patch_size=8, k=16)(Views(images, images))
    assert len(EdgeMaximum(patch_size=8, k=15)(Views(images, images)).real_boxes.unique(dim=0)) == 15


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (torch.zeros(1, 3, 64, 128), "patch_size=96 does not fit an image of 128x64 pixels"),
        (torch.zeros(1, 1, 128, 128), r"edge_maximum: expected \(B, 3, H, W\) float, got \(1, 1, 128, 128\)"),
    ],
)
def test_images_that_do_not_suit(images: Tensor, message: str):
    with pytest.raises(PartError, match=message):
        EdgeMaximum()(Views(images, images))
