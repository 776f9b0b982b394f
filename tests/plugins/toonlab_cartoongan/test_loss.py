from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest
import torch
from torch import Tensor, nn

from toonlab import Batch, Context, Features, Logits, Objective, Step, Views, discover
from toonlab.ops.edges import smooth_edges
from toonlab_cartoongan import EdgePromoting

MAKE = discover().make
NO_LOGITS = Logits(torch.zeros(1), torch.zeros(1))


@dataclass(frozen=True)
class Critic:
    net: nn.Module
    objective: Objective = field(default_factory=lambda: MAKE("objectives", "bce"))
    name: str = "image"

    def logits(self, images: Tensor) -> Tensor:
        return self.net(images)


class Answers(nn.Module):
    """A critic with one parameter that keeps what it was shown."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(1.0))

    def forward(self, view: Tensor) -> Tensor:
        self.seen = view
        return self.scale * view.mean(dim=1, keepdim=True)


def squares(*shape: int) -> Tensor:
    """Flat squares of 8 pixels, so that there are edges and places without, in whole levels of [-1, 1]."""
    count, channels, height, width = shape
    coarse = torch.rand(count, channels, height // 8, width // 8, generator=torch.Generator().manual_seed(0))
    return nn.functional.interpolate((coarse * 5).round() / 5 * 2 - 1, scale_factor=8)


def test_losses_match_cartoongan(golden):
    """The terms of both sides, from the probabilities that the PyTorch code's critic gave."""
    arrays = golden("cartoongan_networks_losses")
    real, fake, edge = (torch.from_numpy(arrays[f"prob_{name}"]).logit() for name in ("real", "fake", "edge"))
    objective = MAKE("objectives", "bce")

    class AsGiven(nn.Module):
        def forward(self, view: Tensor) -> Tensor:
            return edge

    views = Views(squares(2, 3, 16, 16), squares(2, 3, 16, 16))
    promoting = EdgePromoting()(Critic(AsGiven(), objective), views, Logits(real, fake))
    total = objective.critic(Logits(real, fake)) + promoting
    torch.testing.assert_close(total, torch.from_numpy(arrays["disc_loss"]), rtol=1e-5, atol=0)
    torch.testing.assert_close(objective.generator(fake), torch.from_numpy(arrays["gen_adv_loss"]), rtol=1e-5, atol=0)


def test_content_loss_matches_cartoongan(golden):
    """There the maps are given in place of VGG's, and the weight of 10 is part of the number."""
    arrays = golden("cartoongan_networks_losses")
    first, second = torch.from_numpy(arrays["feat_a"]), torch.from_numpy(arrays["feat_b"])
    step = Step(Batch(first, first), second, {}, {}, Features(nn.Identity()), torch.Generator())
    loss = 10 * MAKE("generator_losses", "content")(step)
    torch.testing.assert_close(loss, torch.from_numpy(arrays["con_loss_x10"]), rtol=1e-5, atol=0)


@pytest.mark.parametrize("exact", [False, True])
def test_the_critic_sees_the_smoothed_real_view_and_calls_it_fake(exact: bool):
    net, views = Answers(), Views(squares(2, 3, 32, 24), torch.zeros(5, 3, 32, 24))
    loss = EdgePromoting(exact=exact)(Critic(net), views, NO_LOGITS)
    loss.backward()
    assert torch.equal(net.seen, smooth_edges(views.real))
    assert not torch.equal(net.seen, views.real)
    expected = nn.functional.softplus(net.seen.mean(dim=1)).mean()  # -log(1 - sigmoid(x))
    torch.testing.assert_close(loss, expected)
    assert net.scale.grad.isfinite()
    assert net.scale.grad != 0


@pytest.mark.parametrize(
    ("channels", "value_range"), [(1, (0.0, 1.0)), (3, (0.0, 1.0)), (2, (-3.0, 3.0)), (1, (-1.0, 1.0))]
)
def test_smooths_in_the_view_s_own_range(channels: int, value_range: tuple[float, float]):
    low, high = value_range
    net, image = Answers(), squares(2, channels, 24, 24)
    real = (image + 1) / 2 * (high - low) + low
    EdgePromoting()(Critic(net), Views(real, real, value_range=value_range), NO_LOGITS)
    expected = (smooth_edges(image) + 1) / 2 * (high - low) + low
    torch.testing.assert_close(net.seen, expected, rtol=0, atol=1e-5)
    assert (net.seen != real).any()


def test_a_cartoon_without_edges_counts_like_itself():
    net, flat = Answers(), torch.full((2, 3, 16, 16), 0.3)
    loss = EdgePromoting()(Critic(net), Views(flat, flat), NO_LOGITS)
    torch.testing.assert_close(loss, nn.functional.softplus(flat.mean()))


def test_reaches_neither_the_real_nor_the_fake_view():
    views = Views(squares(1, 3, 16, 16).requires_grad_(), squares(1, 3, 16, 16).requires_grad_())
    EdgePromoting()(Critic(Answers()), views, NO_LOGITS).backward()
    assert views.real.grad is None
    assert views.fake.grad is None


@pytest.mark.parametrize("sampler", ["whole", "random_patches", "grid_patches", "ctss"])
@pytest.mark.parametrize("representation", [None, "rgb", "grayscale", "gray_minmax"])
def test_on_what_other_methods_look_at(sampler: str, representation: str | None):
    size = {} if sampler == "whole" else {"patch_size": 16}
    context = Context(squares(2, 3, 48, 48), Answers(), torch.Generator().manual_seed(1), 0)
    views = MAKE("samplers", sampler, **size)(Views(squares(2, 3, 48, 48), -squares(2, 3, 48, 48), context=context))
    views = MAKE("representations", representation)(views) if representation else views
    net = Answers()
    loss = EdgePromoting()(Critic(net), replace(views, real=views.real.detach()), NO_LOGITS)
    assert loss.isfinite()
    assert net.seen.shape == views.real.shape
    low, high = views.value_range
    assert net.seen.min() >= low - 1e-6
    assert net.seen.max() <= high + 1e-6
