from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor, nn

from toonlab import Batch, Features, Logits, Objective, Step, Views
from toonlab.ops.edges import canny, smooth_edges
from toonlab.ops.filters import luminance
from toonlab.ops.levels import to_levels
from toonlab_animegan.losses import Gram, GraySuppression, SmoothSuppression, gray
from toonlab_basics import LSGAN, Content, Hinge, RandomFeatures


class Given(nn.Module):
    """Stands for VGG: gives the fake's map for the fake and the cartoon's for anything else, and keeps what it saw."""

    def __init__(self, fake: Tensor, of_fake: Tensor, of_cartoon: Tensor) -> None:
        super().__init__()
        self.fake, self.of_fake, self.of_cartoon = fake, of_fake, of_cartoon
        self.seen: list[Tensor] = []

    def forward(self, images: Tensor) -> Tensor:
        self.seen.append(images)
        return self.of_fake if images is self.fake else self.of_cartoon


def step(fake: Tensor, cartoon: Tensor, extractor: nn.Module) -> Step:
    batch = Batch(photo=torch.zeros_like(cartoon), cartoon=cartoon)
    return Step(batch, fake, views={}, fake_logits={}, features=Features(extractor), rng=torch.Generator())


def noise(seed: int) -> Tensor:
    return torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def test_gram_matches_animegan(golden):
    arrays = golden("animegan_losses")
    maps = {name: torch.from_numpy(arrays[f"feat_{name}"]).movedim(-1, 1) for name in ("anime", "fake")}
    fake, of_fake = noise(0).requires_grad_(), maps["fake"].requires_grad_()
    loss = Gram()(step(fake, noise(1), Given(fake, of_fake, maps["anime"])))
    loss.backward()
    torch.testing.assert_close(loss.detach(), torch.tensor(arrays["sty_loss"]))
    torch.testing.assert_close(
        of_fake.grad.movedim(1, -1), torch.from_numpy(arrays["dsty_dfake"]), rtol=1e-5, atol=1e-9
    )


def test_gram_looks_at_the_gray_cartoon_without_a_graph():
    fake, cartoon = noise(0).requires_grad_(), noise(1)
    extractor = Given(fake, torch.ones(2, 1, 2, 2, requires_grad=True), torch.zeros(2, 1, 2, 2))
    extractor.register_forward_hook(lambda module, inputs, output: graphs.append(torch.is_grad_enabled()))
    graphs: list[bool] = []
    Gram()(step(fake, cartoon, extractor))
    assert extractor.seen[0] is fake
    assert torch.equal(extractor.seen[1], luminance(cartoon).expand(-1, 3, -1, -1))
    assert graphs == [True, False]


def test_features_of_the_fake_are_shared_with_the_content_loss():
    fake = noise(0).requires_grad_()
    extractor = Given(fake, torch.ones(2, 1, 2, 2), torch.zeros(2, 1, 2, 2))
    here = step(fake, noise(1), extractor)
    Content()(here)
    Gram()(here)
    assert sum(seen is fake for seen in extractor.seen) == 1
    assert len(extractor.seen) == 3  # fake, photo, gray cartoon


def test_gram_ignores_colour_and_place_but_not_texture():
    features, cartoon = RandomFeatures(width=4, depth=1), noise(1)
    gray = luminance(cartoon).expand(-1, 3, -1, -1)
    assert Gram()(step(gray, cartoon, features)) == 0
    moved = Gram()(step(gray.roll(16, dims=3), cartoon, features))
    flat = Gram()(step(gray.mean((2, 3), keepdim=True).expand_as(gray), cartoon, features))
    assert moved < 0.2 * flat


def test_gradient_reaches_the_fake():
    fake = noise(0).requires_grad_()
    Gram()(step(fake, noise(1), RandomFeatures(width=4))).backward()
    assert fake.grad.isfinite().all()
    assert fake.grad.abs().amax((1, 2, 3)).min() > 0


FILE = "animegan_edge_smooth_and_gray"


NO_LOGITS = Logits(torch.zeros(1), torch.zeros(1))


BOTH = pytest.mark.parametrize("loss", [GraySuppression(), SmoothSuppression()])


class Watched(nn.Module):
    """D(x) = x, or a convolution of it; keeps what it was shown."""

    def __init__(self, net: nn.Module | None = None) -> None:
        super().__init__()
        self.net = net or nn.Identity()

    def forward(self, view: Tensor) -> Tensor:
        self.seen = view.detach()
        return self.net(view)


@dataclass(frozen=True)
class Critic:
    net: nn.Module = field(default_factory=Watched)
    name: str = "image"
    objective: Objective = field(default_factory=LSGAN)

    def logits(self, images: Tensor) -> Tensor:
        return self.net(images)


def shown(loss, views: Views) -> Tensor:
    critic = Critic()
    loss(critic, views, NO_LOGITS)
    return critic.net.seen


def decoded(pixels: np.ndarray, folder) -> np.ndarray:
    """The gray of a picture, `(H, W, 3)` BGR, as OpenCV's decoder makes it: the originals' gray."""
    cv2.imwrite(str(folder / "picture.png"), pixels)
    return cv2.imread(str(folder / "picture.png"), cv2.IMREAD_GRAYSCALE)


def levels(values: Tensor) -> Tensor:
    return (values + 1) * 127.5


@pytest.fixture
def cartoon(images: Tensor) -> Tensor:
    """cartoon11, `(1, 3, 256, 256)`."""
    return images[4:5]


@pytest.fixture
def their_gray(cartoon: Tensor, tmp_path) -> Tensor:
    pixels = to_levels(cartoon[0], (-1, 1)).flip(0).movedim(0, -1).numpy()
    return torch.from_numpy(decoded(pixels, tmp_path))[None, None]


def test_critic_loss_matches_animegan(golden):
    """Critics that answer with what they see; nothing is an edge in so wide a range of values."""
    arrays = golden("animegan_losses")
    logits = {
        name: torch.from_numpy(arrays[f"logit_{name}"]).movedim(-1, 1) for name in ("real", "gray", "fake", "smooth")
    }
    terms = [LSGAN().critic(Logits(logits["real"], logits["fake"]))]
    for weight, name, loss in ((1, "gray", GraySuppression()), (0.1, "smooth", SmoothSuppression())):
        views = Views(logits[name], logits["fake"], value_range=(-1e3, 1e3))
        terms.append(weight * loss(Critic(), views, NO_LOGITS))
    assert list(arrays["lsgan_coef_real_gray_fake_smooth"]) == pytest.approx([1, 1, 1, 0.1])
    torch.testing.assert_close(sum(terms), torch.tensor(arrays["d_loss_lsgan"]))


def test_gray_is_within_a_level_of_animegan_s(golden, cartoon: Tensor):
    """There it comes from the picture's decoder, which rounds."""
    seen = shown(GraySuppression(), Views(cartoon, cartoon))
    off = levels(seen) - levels(torch.from_numpy(golden("animegan_edge_smooth_and_gray")["loader_gray_cartoon11"]))
    assert off.abs().max() < 1.01


def test_smooth_gray_is_within_two_levels_of_animegan_s(golden, cartoon: Tensor):
    """There colours are smoothed, written and read again in gray: rounded three times."""
    arrays = golden("animegan_edge_smooth_and_gray")
    expected = levels(torch.from_numpy(arrays["loader_smooth_gray_cartoon11"]))
    off = (levels(shown(SmoothSuppression(), Views(cartoon, cartoon))) - expected).abs()
    assert off.max() < 2.01
    assert (off > 1.01).float().mean() < 0.002  # of the pixels
    unsmoothed = (levels(luminance(cartoon)) - expected).abs()
    assert (unsmoothed > 8).float().mean() > 0.05  # so the smoothing is what is tested


def test_edges_and_smoothing_match_animegan(golden, cartoon: Tensor, their_gray: Tensor):
    arrays = golden("animegan_edge_smooth_and_gray")
    edges = torch.from_numpy(arrays["canny_cartoon11"]) > 0
    assert torch.equal(canny(their_gray)[0, 0], edges)
    smooth = smooth_edges(cartoon, gray=their_gray.float() / 127.5 - 1, exact=True)
    expected = torch.from_numpy(arrays["smooth_bgr_cartoon11"]).flip(-1).movedim(-1, 0)
    assert torch.equal(to_levels(smooth[0], (-1, 1)), expected)


def test_colour_of_the_loader_is_our_own(golden, cartoon: Tensor):
    expected = torch.from_numpy(golden("animegan_edge_smooth_and_gray")["loader_color_cartoon11_sub2"])
    assert torch.equal(cartoon[0, :, ::2, ::2].movedim(0, -1), expected)


@pytest.mark.parametrize("channels", [1, 2, 3])
def test_gray_keeps_the_number_of_channels(channels: int):
    real = torch.rand(2, channels, 16, 16, generator=torch.Generator().manual_seed(0))
    views = Views(real, real, value_range=(0.0, 1.0))
    expected = luminance(real) if channels == 3 else real.mean(1, keepdim=True)
    assert torch.equal(gray(real), expected)
    assert torch.equal(shown(GraySuppression(), views), expected.expand_as(real))
    smooth = shown(SmoothSuppression(), views)
    assert smooth.shape == real.shape
    assert torch.equal(smooth, smooth_edges(expected, (0.0, 1.0)).expand_as(real))


def test_smoothing_knows_the_value_range(cartoon: Tensor):
    expected = shown(SmoothSuppression(), Views(cartoon, cartoon))
    moved = 3 * cartoon + 5
    seen = shown(SmoothSuppression(), Views(moved, moved, value_range=(2.0, 8.0)))
    torch.testing.assert_close((seen - 5) / 3, expected, rtol=0, atol=0.02)
    assert (shown(SmoothSuppression(), Views(cartoon, cartoon, value_range=(-99.0, 99.0))) == luminance(cartoon)).all()


@BOTH
def test_is_the_objective_s_loss_on_fakes_and_trains_the_critic(loss, cartoon: Tensor):
    torch.manual_seed(0)
    net = Watched(nn.Conv2d(3, 1, 3))
    view = cartoon[..., :32, :32].clone().requires_grad_()
    value = loss(Critic(net, objective=Hinge()), Views(view, view), NO_LOGITS)
    torch.testing.assert_close(value, (1 + net.net(net.seen)).relu().mean())
    value.backward()
    assert net.net.weight.grad.abs().max() > 0


@BOTH
def test_real_and_fake_views_may_differ_in_number(loss, cartoon: Tensor):
    assert shown(loss, Views(cartoon[..., :20, :24], cartoon.expand(3, -1, -1, -1))).shape == (1, 3, 20, 24)
