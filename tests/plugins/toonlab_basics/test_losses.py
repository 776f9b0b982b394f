from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from toonlab import Batch, Context, Features, GeneratorLoss, Logits, Objective, PartError, Step, Views
from toonlab_basics import LSGAN, R1, Color, Content, GradientPenalty, RandomFeatures, Reconstruction, TotalVariation


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


NO_LOGITS = Logits(torch.zeros(1), torch.zeros(1))


@dataclass(frozen=True)
class Critic:
    net: nn.Module
    name: str = "image"
    objective: Objective = field(default_factory=LSGAN)


class Linear(nn.Module):
    """D(x) = w . x, whose gradient is w wherever it is taken."""

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight)

    def forward(self, images: Tensor) -> Tensor:
        return (images * self.weight).sum(dim=(1, 2, 3))


class HalfSquare(nn.Module):
    """D(x) = |x|^2 / 2, whose gradient is the point where it is taken; keeps what it was shown."""

    def forward(self, images: Tensor) -> Tensor:
        self.seen = images.detach()
        return 0.5 * images.square().sum(dim=(1, 2, 3))


def convolutions(dtype: torch.dtype = torch.float64) -> nn.Module:
    torch.manual_seed(3)
    net = nn.Sequential(nn.Conv2d(3, 4, 3, stride=2, padding=1), nn.Softplus(), nn.Conv2d(4, 1, 3, padding=1))
    return net.to(dtype)


def views(real: Tensor, fake: Tensor, seed: int = 0) -> Views:
    context = Context(real, nn.Identity(), torch.Generator().manual_seed(seed), step=0)
    return Views(real, fake, context=context)


def random_views(dtype: torch.dtype = torch.float64, seed: int = 0) -> Views:
    rng = torch.Generator().manual_seed(9)
    real, fake = (torch.randn(n, 3, 6, 6, dtype=dtype, generator=rng) for n in (3, 3))
    return views(real, fake, seed)


ALL = [GradientPenalty(mode="gp"), GradientPenalty(mode="lp", target=0.1), GradientPenalty(mode="dragan"), R1()]


def test_penalty_of_a_linear_critic_and_its_gradient():
    weight = torch.randn(3, 6, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    norm = weight.norm()
    for mode in ("gp", "lp", "dragan"):
        net = Linear(weight.clone())
        loss = GradientPenalty(mode=mode, target=0.7)(Critic(net), random_views(), NO_LOGITS)
        loss.backward()
        torch.testing.assert_close(loss.detach(), (norm - 0.7) ** 2)
        torch.testing.assert_close(net.weight.grad, 2 * (norm - 0.7) * weight / norm)


def test_lp_lets_small_gradients_be():
    net = Linear(torch.full((3, 6, 6), 0.01, dtype=torch.float64))
    assert GradientPenalty(mode="lp")(Critic(net), random_views(), NO_LOGITS) == 0
    assert GradientPenalty(mode="gp")(Critic(net), random_views(), NO_LOGITS) > 0.7


def test_r1_is_half_the_squared_gradient_at_the_real_images():
    real = torch.randn(4, 3, 5, 5, generator=torch.Generator().manual_seed(2))
    net = HalfSquare()
    loss = R1()(Critic(net), Views(real, torch.zeros(7, 3, 5, 5)), NO_LOGITS)  # needs no context: it draws nothing
    torch.testing.assert_close(loss, 0.5 * real.square().sum(dim=(1, 2, 3)).mean())
    assert torch.equal(net.seen, real)


@pytest.mark.parametrize("mode", ["gp", "lp"])
@pytest.mark.parametrize("counts", [(5, 3), (3, 5)])
def test_points_lie_between_pairs_of_real_and_fake(mode, counts: tuple[int, int]):
    net, real, fake = HalfSquare(), torch.zeros(counts[0], 1, 2, 2), torch.ones(counts[1], 1, 2, 2)
    loss = GradientPenalty(mode=mode)(Critic(net), views(real, fake), NO_LOGITS)
    assert net.seen.shape == (3, 1, 2, 2)  # the first three of each
    share = net.seen[:, 0, 0, 0]
    assert torch.equal(net.seen, share.view(3, 1, 1, 1).expand_as(net.seen))  # one share per image
    assert share.unique().numel() == 3
    assert ((share > 0) & (share < 1)).all()
    excess = 2 * share - 1  # the norm of (share, share, share, share)
    torch.testing.assert_close(loss, (excess.relu() if mode == "lp" else excess).square().mean())


def test_dragan_stays_around_the_real_images():
    net = HalfSquare()
    real = torch.randn(4, 3, 8, 8, generator=torch.Generator().manual_seed(5))
    GradientPenalty(mode="dragan")(Critic(net), views(real, torch.full((2, 1, 3, 3), 99.0)), NO_LOGITS)
    moved = net.seen - real
    assert moved.shape == real.shape
    assert (moved >= 0).all()
    assert 0.1 < moved.max() <= 0.5 * real.std() + 1e-6
    assert moved[0].unique().numel() > 100  # every value has its own noise


@pytest.mark.parametrize("penalty", ALL)
def test_gradient_of_the_penalty_matches_finite_differences(penalty):
    net = convolutions()
    value = lambda: penalty(Critic(net), random_views(), NO_LOGITS)
    value().backward()
    for parameter, place in [(net[0].weight, (1, 2, 0, 1)), (net[0].bias, (2,)), (net[2].weight, (0, 3, 1, 1))]:
        grad, step = parameter.grad[place].item(), 1e-5
        ends = []
        for sign in (1, -1):
            with torch.no_grad():
                parameter[place] += sign * step
            ends.append(value().item())
            with torch.no_grad():
                parameter[place] -= sign * step
        assert (ends[0] - ends[1]) / (2 * step) == pytest.approx(grad, rel=1e-5, abs=1e-8)


@pytest.mark.parametrize("penalty", ALL)
def test_runs_in_float32_under_autocast(penalty):
    net = convolutions(torch.float32)
    exact = penalty(Critic(net), random_views(torch.float32), NO_LOGITS)
    seen = []
    net[0].register_forward_hook(lambda module, inputs, output: seen.append(output.dtype))
    with torch.autocast("cpu", torch.bfloat16):
        loss = penalty(Critic(net), random_views(torch.float32), NO_LOGITS)
    assert seen == [torch.float32]
    assert loss.dtype == torch.float32
    assert torch.equal(loss, exact)
    half = views(*(x.bfloat16() for x in (random_views().real, random_views().fake)))
    assert penalty(Critic(net), half, NO_LOGITS).dtype == torch.float32


@pytest.mark.parametrize("penalty", ALL)
def test_a_critic_that_answers_the_same_to_all_has_finite_gradients(penalty):
    net = Linear(torch.zeros(3, 6, 6, dtype=torch.float64))
    loss = penalty(Critic(net), random_views(), NO_LOGITS)
    loss.backward()
    assert loss.isfinite()
    assert net.weight.grad.isfinite().all()


@pytest.mark.parametrize("penalty", ALL)
def test_does_not_reach_the_generator_and_repeats_with_its_generator(penalty):
    given = random_views()
    given.fake.requires_grad_()
    first = penalty(Critic(convolutions()), given, NO_LOGITS)
    first.backward()
    assert given.fake.grad is None
    assert torch.equal(penalty(Critic(convolutions()), random_views(), NO_LOGITS), first)
    if not isinstance(penalty, R1):
        assert penalty(Critic(convolutions()), random_views(seed=1), NO_LOGITS) != first


def test_works_where_gradients_are_off():
    with torch.no_grad():
        assert R1()(Critic(HalfSquare()), Views(torch.ones(1, 1, 1, 1), torch.ones(1, 1, 1, 1)), NO_LOGITS) == 0.5


def test_errors_say_what_is_wrong():
    real, fake = torch.zeros(2, 3, 8, 8), torch.zeros(2, 1, 8, 8)
    with pytest.raises(PartError, match=r"gp needs real and fake views of one shape, got \(3, 8, 8\) and \(1, 8, 8\)"):
        GradientPenalty()(Critic(HalfSquare()), views(real, fake), NO_LOGITS)
    with pytest.raises(PartError, match="gradient_penalty: draws random numbers"):
        GradientPenalty()(Critic(HalfSquare()), Views(real, real), NO_LOGITS)
