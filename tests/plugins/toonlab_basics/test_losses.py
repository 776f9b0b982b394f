from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from toonlab import Batch, Features, GeneratorLoss, Step
from toonlab_basics import Color, Content, RandomFeatures, Reconstruction, TotalVariation


def step(fake: Tensor, photo: Tensor, features: torch.nn.Module | None = None) -> Step:
    return Step(
        batch=Batch(photo, photo),
        fake=fake,
        views={},
        fake_logits={},
        features=Features(features or torch.nn.Identity()),
        rng=torch.Generator(),
    )


@pytest.fixture(scope="module")
def photo_and_cartoon(golden) -> tuple[Tensor, Tensor]:
    pixels = golden("inputs")["images_u8"].astype(np.float32) / np.float32(127.5) - 1
    images = torch.from_numpy(pixels).movedim(-1, 1).contiguous()
    return images[:4], images[4:8]


def gradient(loss: GeneratorLoss, photo: Tensor, fake: Tensor) -> Tensor:
    """For the first image alone, every fourth row and column, channels last: as the golden arrays are."""
    fake = fake[:1].clone().requires_grad_()
    loss(step(fake, photo[:1])).backward()
    return fake.grad.movedim(1, -1)[:, ::4, ::4]


def test_color_matches_ctss(golden, photo_and_cartoon):
    photo, cartoon = photo_and_cartoon
    arrays = golden("ctss_losses")
    expected = torch.tensor(arrays["color_loss_photo_vs_cartoon"])
    torch.testing.assert_close(Color()(step(cartoon, photo)), expected)
    actual = gradient(Color(), photo, cartoon)
    torch.testing.assert_close(actual, torch.from_numpy(arrays["dcolor_dfake_sub4"]), rtol=1e-5, atol=1e-11)


def test_total_variation_matches_ctss(golden, photo_and_cartoon):
    photo, cartoon = photo_and_cartoon
    arrays = golden("ctss_losses")
    torch.testing.assert_close(TotalVariation()(step(photo, photo)), torch.tensor(arrays["tv_photo"]))
    torch.testing.assert_close(TotalVariation()(step(cartoon, photo)), torch.tensor(arrays["tv_cartoon"]))
    actual = gradient(TotalVariation(), photo, cartoon)
    torch.testing.assert_close(actual, torch.from_numpy(arrays["dtv_dfake_sub4"]), rtol=1e-5, atol=1e-11)


def test_total_variation_matches_whitebox_by_a_weight(golden, photo_and_cartoon):
    """There the means are not halved, but divided by the image's 3 * 256 * 256 values."""
    photo, cartoon = (images[:2] for images in photo_and_cartoon)
    arrays, weight = golden("whitebox_losses"), 2 / (3 * 256 * 256)
    for name, images in (("photo", photo), ("cartoon", cartoon)):
        torch.testing.assert_close(weight * TotalVariation()(step(images, photo)), torch.tensor(arrays[f"tv_{name}"]))
    actual = weight * gradient(TotalVariation(), photo, cartoon).flip(-1)
    torch.testing.assert_close(actual, torch.from_numpy(arrays["dtv_cartoon_sub4"]), rtol=1e-5, atol=1e-16)


def test_content_matches_animegan(golden):
    """There the maps are given in place of VGG's."""
    arrays = golden("animegan_losses")
    real, fake = (torch.from_numpy(arrays[f"feat_{name}"]).movedim(-1, 1) for name in ("real", "fake"))
    fake.requires_grad_()
    loss = Content()(step(fake, real))
    loss.backward()
    torch.testing.assert_close(loss.detach(), torch.tensor(arrays["con_loss"]))
    torch.testing.assert_close(fake.grad.movedim(1, -1), torch.from_numpy(arrays["dcon_dfake"]))


def test_content_is_the_distance_of_the_features():
    rng = torch.Generator().manual_seed(0)
    photo, fake = torch.rand(2, 3, 16, 16, generator=rng), torch.rand(2, 3, 16, 16, generator=rng)
    features = RandomFeatures(width=4)
    expected = (features(fake) - features(photo)).abs().mean()
    torch.testing.assert_close(Content()(step(fake, photo, features)), expected)


def test_reconstruction_is_the_mean_distance_in_pixels():
    photo, fake = torch.zeros(2, 3, 2, 2), torch.zeros(2, 3, 2, 2)
    fake[0, 1, 0, 1] = -2.4
    torch.testing.assert_close(Reconstruction()(step(fake, photo)), torch.tensor(0.1))


@pytest.mark.parametrize("loss", [Content(), Color(), TotalVariation(), Reconstruction()])
def test_gradients(loss: GeneratorLoss):
    rng = torch.Generator().manual_seed(4)
    photo, fake = (torch.rand(2, 3, 4, 5, dtype=torch.float64, generator=rng) for _ in range(2))
    assert torch.autograd.gradcheck(lambda x: loss(step(x, photo)), fake.requires_grad_())


@given(color=st.tuples(*[st.floats(-1, 1)] * 3), size=st.tuples(st.integers(2, 9), st.integers(2, 9)))
def test_nothing_is_lost_on_an_equal_flat_picture(color: tuple[float, ...], size: tuple[int, int]):
    flat = torch.tensor(color).view(1, 3, 1, 1).expand(2, 3, *size)
    for loss in (Content(), Color(), TotalVariation(), Reconstruction()):
        assert loss(step(flat, flat)) == 0


def test_color_is_linear_in_luminance_and_quadratic_in_small_chroma():
    gray, lighter = torch.zeros(1, 3, 2, 2), torch.full((1, 3, 2, 2), 0.2)
    torch.testing.assert_close(Color()(step(lighter, gray)), torch.tensor(0.1), rtol=1e-4, atol=0)
    tint = torch.tensor([0.114, 0.0, -0.299]).view(1, 3, 1, 1).expand(1, 3, 2, 2)  # of equal luminance
    assert Color()(step(2 * tint, gray)) == pytest.approx(4 * Color()(step(tint, gray)).item(), rel=1e-4)


def test_total_variation_of_a_ramp():
    """One grey level per pixel downwards, two to the right."""
    ramp = torch.arange(6.0).view(1, 1, 6, 1) + 2 * torch.arange(9.0).view(1, 1, 1, 9)
    assert TotalVariation()(step(ramp.expand(2, 3, 6, 9), ramp)) == 0.5 * 1 + 0.5 * 4
