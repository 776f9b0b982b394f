from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from toonlab import Context, Logits, PartError, Views, crop
from toonlab_basics import HardPatches


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed)) * 2 - 1


class Brightness(nn.Module):
    """A critic that likes what is bright: one logit per 2x2 pixels."""

    def __init__(self, scale: float = 1.0, shift: float = 0.0) -> None:
        super().__init__()
        self.scale, self.shift = scale, shift

    def forward(self, images: Tensor) -> Tensor:
        return self.scale * nn.functional.avg_pool2d(images, 2).mean(1, keepdim=True) + self.shift


def views(real: Tensor, fake: Tensor, critic: nn.Module | None = None) -> Views:
    return Views(real, fake, context=Context(real, critic or Brightness(), torch.Generator().manual_seed(0), step=0))


def steps(*levels: float) -> Tensor:
    """An image of 4 rows whose 4x4 tiles have these levels: `(1, 3, 4, 4 * len(levels))`."""
    return torch.tensor(levels).repeat_interleave(4).expand(1, 3, 4, -1).contiguous()


TILES = {"patch_size": 4, "stride": 1.0}
REAL, FAKE = (
    steps(0.875, 0.25, 0.375),
    steps(-1, 0, 0.25),
)  # means 0.5 and -0.25: midpoint 0.125, half the distance 0.375


def test_unsure_is_nearest_to_the_midpoint_of_the_two_means():
    seen = HardPatches(**TILES, k=2)(views(REAL, FAKE))
    assert seen.real_boxes[:, 2].tolist() == [4, 8]
    assert seen.fake_boxes[:, 2].tolist() == [4, 8]  # off by as much on either side: the left one first
    torch.testing.assert_close(seen.real_scores, torch.tensor([2 / 3, 1 / 3]))
    torch.testing.assert_close(seen.fake_scores, torch.tensor([2 / 3, 2 / 3]))


def test_hardest_is_what_looks_most_like_the_other_side():
    seen = HardPatches(**TILES, k=3, prefer="hardest")(views(REAL, FAKE))
    assert seen.real_boxes[:, 2].tolist() == [4, 8, 0]
    assert seen.fake_boxes[:, 2].tolist() == [8, 4, 0]
    torch.testing.assert_close(seen.fake_scores, torch.tensor([1 / 3, -1 / 3, -3.0]))


@given(st.floats(0.01, 100), st.floats(-50, 50), st.booleans(), st.sampled_from(["unsure", "hardest"]))
def test_the_scale_of_the_answers_does_not_matter(scale: float, shift: float, flip: bool, prefer: str):
    sampler = HardPatches(patch_size=8, k=3, prefer=prefer)
    real, fake = noise(2, 3, 16, 24), noise(1, 3, 24, 16, seed=1) - 0.3
    one = sampler(views(real, fake, Brightness()))
    other = sampler(views(real, fake, Brightness(-scale if flip else scale, shift)))
    assert torch.equal(one.real_boxes, other.real_boxes)
    assert torch.equal(one.fake_boxes, other.fake_boxes)
    torch.testing.assert_close(one.real_scores, other.real_scores, rtol=0, atol=1e-2)  # 50.001 has few digits


@pytest.mark.parametrize("prefer", ["unsure", "hardest"])
def test_choice_is_that_of_the_reference(prefer: str):
    sampler, critic = (
        HardPatches(patch_size=6, stride=0.5, k=3, prefer=prefer),
        nn.Conv2d(3, 1, 3).requires_grad_(False),
    )
    torch.nn.init.normal_(critic.weight, generator=torch.Generator().manual_seed(0))
    images = {"real": noise(2, 3, 15, 12), "fake": noise(3, 3, 12, 12, seed=1)}
    seen = sampler(views(images["real"], images["fake"], critic))
    answers = {side: one_by_one(critic, batch) for side, batch in images.items()}
    means = {side: sum(a for a, _ in found) / len(found) for side, found in answers.items()}
    middle, half = (means["real"] + means["fake"]) / 2, (means["real"] - means["fake"]) / 2
    for side, found in answers.items():
        sign = 1 if side == "fake" else -1
        scored = [
            ((sign * (a - middle) / half if prefer == "hardest" else 1 - abs(a - middle) / abs(half)), box)
            for a, box in found
        ]
        best = [
            entry
            for image in range(len(images[side]))
            for entry in sorted((s for s in scored if s[1][0] == image), key=lambda s: -s[0])[:3]
        ]
        assert getattr(seen, f"{side}_boxes").tolist() == [box for _, box in best]
        expected = torch.tensor([score for score, _ in best])
        torch.testing.assert_close(getattr(seen, f"{side}_scores"), expected, rtol=1e-3, atol=1e-3)
        assert torch.equal(getattr(seen, side), crop(images[side], getattr(seen, f"{side}_boxes")))


def one_by_one(critic: nn.Module, images: Tensor) -> list[tuple[float, list[int]]]:
    return [
        (critic(images[image : image + 1, :, top : top + 6, left : left + 6]).mean().item(), [image, top, left, 6, 6])
        for image in range(len(images))
        for top in range(0, images.shape[2] - 5, 3)
        for left in range(0, images.shape[3] - 5, 3)
    ]


def test_the_critic_is_asked_through_its_representation():
    given_views = views(steps(0.9, 0.2, 0.6), steps(0.0, -0.1, -0.9))  # midpoint 0.12
    context = replace(given_views.context, representation=lambda v: replace(v, real=v.real.abs(), fake=v.fake.abs()))
    bare = HardPatches(**TILES, k=1)(given_views)
    through = HardPatches(**TILES, k=1)(replace(given_views, context=context))  # midpoint 0.45
    assert (bare.real_boxes[0, 2], bare.fake_boxes[0, 2]) == (4, 0)
    assert (through.real_boxes[0, 2], through.fake_boxes[0, 2]) == (8, 4)
    assert torch.equal(through.fake, given_views.fake[..., 4:8])  # handed on as it was


def test_even_images_give_the_first_places():
    images = torch.full((2, 3, 16, 16), 0.4)
    seen = HardPatches(patch_size=8, k=2)(views(images, images))
    assert seen.real_boxes[:, :3].tolist() == [[0, 0, 0], [0, 0, 4], [1, 0, 0], [1, 0, 4]]
    assert torch.equal(seen.real_boxes, seen.fake_boxes)
    assert torch.equal(seen.fake_scores, torch.ones(4))


@pytest.mark.parametrize("shape", [(4,), (4, 1), (4, 1, 2, 3)])
def test_logits_of_any_shape(shape: tuple[int, ...]):
    logits = Logits(noise(*shape), noise(*shape, seed=1))
    real, fake = HardPatches().scores(logits)
    assert real.shape == fake.shape == (4,)
    assert real.dtype == torch.float32


def test_gradient_reaches_the_pixels_and_not_the_critic():
    images, critic = noise(1, 3, 12, 12).requires_grad_(), nn.Conv2d(3, 1, 3)
    seen = HardPatches(patch_size=6, k=1)(views(images.detach(), images, critic))
    assert not seen.fake_scores.requires_grad
    seen.fake.sum().backward()
    assert images.grad.sum() == 3 * 36
    assert critic.weight.grad is None


def test_no_value_is_read_on_the_way():
    images = torch.empty(2, 3, 48, 64, device="meta")
    assert HardPatches(patch_size=16, k=3)(views(images, images)).fake.shape == (6, 3, 16, 16)


def test_a_critic_that_does_not_judge_each_by_itself():
    images = noise(1, 3, 8, 8)
    with pytest.raises(PartError, match=r"hard_patches: \(9, 9\) candidates got \(1, 1\) answers"):
        HardPatches(patch_size=4, k=1)(views(images, images, Together()))


class Together(nn.Module):
    def forward(self, images: Tensor) -> Tensor:
        return images.mean((0, 1, 2, 3), keepdim=True)


def test_k_too_large_says_which_fits():
    images = noise(1, 3, 16, 24)
    with pytest.raises(PartError, match=r"hard_patches: k=16 patches per image.*gives 15 positions.*at most 15"):
        HardPatches(patch_size=8, k=16)(views(images, images))


def test_a_patch_that_does_not_fit():
    with pytest.raises(PartError, match="patch_size=96 does not fit an image of 128x64 pixels"):
        HardPatches()(views(torch.zeros(1, 3, 64, 128), torch.zeros(1, 3, 64, 128)))


def test_views_without_a_context():
    images = noise(1, 3, 16, 16)
    with pytest.raises(PartError, match="hard_patches: asks the critic, but these views have no context"):
        HardPatches(patch_size=8)(Views(images, images))
