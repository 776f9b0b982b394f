from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from toonlab import PartError, Views, crop
from toonlab_basics import EdgeMaximum


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
        (torch.zeros(1, 3, 64, 128), "patch_size=96 does not fit an image of 64x128 pixels"),
        (torch.zeros(1, 1, 128, 128), r"edge_maximum: expected \(B, 3, H, W\) float, got \(1, 1, 128, 128\)"),
    ],
)
def test_images_that_do_not_suit(images: Tensor, message: str):
    with pytest.raises(PartError, match=message):
        EdgeMaximum()(Views(images, images))
