from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from toonlab import PartError, Views, crop
from toonlab_ctss.multiscale import CTSSMultiscale, resize
from toonlab_ctss.sampler import CTSS


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed)) * 2 - 1


@given(st.integers(1, 20), st.integers(1, 20))
def test_resizing_is_the_librarys(before: int, after: int):
    patches = noise(2, 3, before, before)
    expected = F.interpolate(patches, size=(after, after), mode="bilinear", antialias=True)
    torch.testing.assert_close(resize(patches, after), expected, rtol=0, atol=1e-5)
    assert resize(patches, after).abs().max() <= 1 + 1e-6


def test_fine_lines_are_averaged_when_patches_shrink():
    stripes = torch.tensor([1.0, -1.0]).repeat(24).expand(1, 3, 48, 48)
    assert resize(stripes, 24)[..., 2:-2].abs().max() < 1e-6  # every second column would be even, and not gray


def test_with_one_scale_it_is_ctss():
    images = noise(2, 3, 48, 64)
    for rank in ("batch", "image"):
        settings = {"patch_size": 16, "k": 3, "rank": rank}
        seen, expected = (
            s(Views(images, images)) for s in (CTSSMultiscale(**settings, scales=(1.0,)), CTSS(**settings))
        )
        for name in ("real", "fake", "real_boxes", "fake_boxes", "real_scores", "fake_scores"):
            assert torch.equal(getattr(seen, name), getattr(expected, name))


@pytest.mark.parametrize("score", ["sum", "max"])
def test_each_scale_is_ctss_with_patches_of_that_size_resized(score: str):
    images = noise(2, 3, 48, 64)
    seen = CTSSMultiscale(patch_size=16, k=2, scales=(0.5, 1.0, 1.7), score=score)(Views(images, images))
    assert seen.real.shape == (12, 3, 16, 16)
    for size, start in ((8, 0), (16, 4), (27, 8)):
        alone = CTSS(patch_size=size, k=2, score=score)(Views(images, images))
        here = slice(start, start + 4)
        assert torch.equal(seen.fake_boxes[here], alone.fake_boxes)
        factor = (16 / size) ** 2 if score == "sum" else 1
        torch.testing.assert_close(seen.fake_scores[here], alone.fake_scores * factor)
        cut = F.interpolate(crop(images, alone.fake_boxes), size=(16, 16), mode="bilinear", antialias=True)
        torch.testing.assert_close(seen.fake[here], cut, rtol=0, atol=1e-5)


def test_gradients_can_be_differentiated_again():
    """As gradient penalties on the images would, and as the gradient of some library's resizing can't."""
    patches = noise(1, 1, 6, 6).double().requires_grad_()
    assert torch.autograd.gradgradcheck(lambda x: resize(x, 4).square(), patches)


def test_a_scale_that_does_not_fit_says_which_does():
    message = (
        "ctss_multiscale: scale 1.5 of patch_size=48, 72 pixels, does not fit an image of 96x64 pixels; "
        "it can be at most 1.333"
    )
    with pytest.raises(PartError) as caught:
        CTSSMultiscale(patch_size=48, k=1)(Views(noise(1, 3, 64, 96), noise(1, 3, 64, 96)))
    assert str(caught.value) == message


def test_a_scale_with_fewer_candidates_than_k():
    with pytest.raises(PartError, match=r"ctss_multiscale, scale 2.0: k=2 patches per image.*gives 1 positions"):
        CTSSMultiscale(patch_size=32, k=2, scales=(1.0, 2.0))(Views(noise(1, 3, 64, 64), noise(1, 3, 64, 64)))
