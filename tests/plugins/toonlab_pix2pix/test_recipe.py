"""Steps of pix2pix against the paper's algorithm, written out, in float64."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from toonlab import Batch, discover
from toonlab.engine.builder import build
from toonlab.engine.gan import GAN
from toonlab.engine.stages import enter
from toonlab.recipes.load import load
from toonlab.utils.distributed import DistributedContext

SGD = "{use: SGD, lr: 0.1}"
SMALL = ["train.size=32", "data={use: toonworld}", "critics.image.discriminator={use: patchgan, width: 2}"]
SMALL += [f"{side}.optimizer={SGD}" for side in ("generator", "critics.image")]


def made(*overrides: str) -> tuple[GAN, Any]:
    catalogue = discover()
    recipe = load("pix2pix", catalogue, [*SMALL, *overrides])
    gan = build(recipe, catalogue, DistributedContext(torch.device("cpu")))
    for part in gan.parts().values():
        if isinstance(part, nn.Module):
            part.double()
    return gan, enter(gan, recipe, 0, 0, 9, None)


def batch(number: int, count: int) -> Batch:
    draw = torch.Generator().manual_seed(number)
    photo, cartoon = (torch.rand(count, 3, 32, 32, dtype=torch.float64, generator=draw) * 2 - 1 for _ in range(2))
    return Batch(photo, cartoon)


def descend(loss: Tensor, net: nn.Module) -> None:
    parameters = list(net.parameters())
    for parameter, slope in zip(parameters, torch.autograd.grad(loss, parameters), strict=True):
        parameter.data -= 0.1 * slope


def towards(logits: Tensor, real: bool) -> Tensor:
    """The negative log-likelihood of the right answer."""
    return -(logits.sigmoid() if real else 1 - logits.sigmoid()).log().mean()


@pytest.mark.parametrize(("norm", "count"), [("batch", 2), ("instance", 1)])
def test_steps_are_the_papers(norm: str, count: int) -> None:
    """Critic first, on the fakes that the generator is then taught by; without dropout, whose draws are torch's own."""
    gan, stage = made(f"generator.network={{use: unet, width: 2, depth: 4, dropout: 0, norm: {norm}}}")
    generator, critic = copy.deepcopy(gan.generator), copy.deepcopy(gan.critics["image"].net)
    for number in range(4):
        data = batch(number, count)
        gan.step(stage, data, number)
        fake = generator(data.photo)
        real_pair, fake_pair = (torch.cat([data.photo, images], 1) for images in (data.cartoon, fake))
        descend((towards(critic(fake_pair.detach()), real=False) + towards(critic(real_pair), real=True)) / 2, critic)
        descend(towards(critic(fake_pair), real=True) + 100 * F.l1_loss(fake, data.cartoon), generator)
    for one, other in ((gan.generator, generator), (gan.critics["image"].net, critic)):
        for parameter, expected in zip(one.parameters(), other.parameters(), strict=True):
            torch.testing.assert_close(parameter, expected, rtol=1e-7, atol=1e-8)


def test_a_pool_keeps_each_fake_with_its_photo_and_each_cartoon_with_its_own() -> None:
    gan, _ = made("generator.network={use: unet, width: 2, depth: 4, dropout: 0}", "critics.image.pool=2")
    critic, given = gan.critics["image"], []
    assert critic.pool is not None
    gan.generator.eval()  # a fake of a photo is always the same
    for number in range(9):
        data = batch(number, 1)
        seen = gan.pooled(critic, critic.pool, gan.streams(data), number)
        assert torch.equal(seen.real, torch.cat([data.photo, data.cartoon], 1))
        photo, fake = seen.fake.chunk(2, 1)
        assert torch.equal(gan.generator(photo), fake)
        given.append(torch.equal(photo, data.photo))
    assert set(given) == {True, False}  # new ones and earlier ones
