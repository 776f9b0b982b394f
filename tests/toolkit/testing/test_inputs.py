"""What parts are tried with: reproducible, in range, and with a context like the engine's."""

from __future__ import annotations

import pytest
import torch

from toonlab.testing import inputs


@pytest.mark.parametrize("make", [inputs.photos, inputs.cartoons])
def test_pictures_are_reproducible_and_in_range(make: object) -> None:
    assert callable(make)
    pictures = make(3, 24, 40)
    assert pictures.shape == (3, 3, 24, 40)
    assert pictures.abs().max() <= 1
    assert torch.equal(pictures, make(3, 24, 40))
    assert not torch.equal(pictures, make(3, 24, 40, seed=1))


def test_cartoons_are_flat_with_dark_lines_and_photos_are_noisy() -> None:
    cartoon, photo = inputs.cartoons(1), inputs.photos(1)
    assert (cartoon[..., 64 // 3, :] == -0.9).all()
    still = [(images.diff(dim=-1) == 0).float().mean().item() for images in (cartoon, photo)]
    assert still[0] > 0.9 > 0.1 > still[1]


def test_a_second_call_has_fresh_generators_and_the_same_images() -> None:
    seen = inputs.views()
    assert seen.context is not None
    first = torch.rand(3, generator=seen.context.rng)
    repeated = inputs.views()
    assert repeated.context is not None
    assert torch.equal(torch.rand(3, generator=repeated.context.rng), first)
    assert torch.equal(repeated.real, seen.real)
    other = inputs.views(step=4)
    assert other.context is not None
    assert not torch.equal(torch.rand(3, generator=other.context.rng), first)


def test_patches_are_those_of_their_boxes() -> None:
    cut, whole = inputs.patches(4, 16), inputs.views(2)
    assert cut.real_boxes is not None
    for patch, (image, top, left, height, width) in zip(cut.real, cut.real_boxes.tolist(), strict=True):
        assert torch.equal(patch, whole.real[image, :, top : top + height, left : left + width])


def test_noise_leaves_no_two_regions_alike() -> None:
    seen = inputs.noisy(inputs.views())
    blocks = seen.real.unfold(2, 8, 8).unfold(3, 8, 8).sum(dim=(1, 4, 5)).flatten()
    assert len(blocks.unique()) == len(blocks)


def test_the_critic_takes_patches_of_any_size_and_channels() -> None:
    critic = inputs.Critic()
    assert critic(torch.zeros(2, 1, 16, 16)).shape == (2, 1, 4, 4)
    assert critic(torch.zeros(2, 3, 2, 2)).shape == (2, 1, 1, 1)
