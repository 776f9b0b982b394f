"""A step of CycleGAN against the paper's algorithm, written out, in float64; the critics have pools."""

from __future__ import annotations

import copy
import random
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
from toonlab.utils.rng import rng

SGD = "{use: SGD, lr: 0.1}"
SMALL = ["train.size=32", "train.batch=2", "generator.network={use: resnet, width: 2, blocks: 1}"]
SMALL += ["generators.back={use: resnet, width: 2, blocks: 1}", "critics.image.pool=3", "critics.back.pool=3"]
SMALL += [f"{path}.optimizer={SGD}" for path in ("generator", "critics.image", "critics.back")]
SMALL += [f"critics.{name}.discriminator={{use: patchgan, width: 2}}" for name in ("image", "back")]


@pytest.fixture(scope="module")
def gan() -> tuple[GAN, Any]:
    catalogue = discover()
    recipe = load("cyclegan", catalogue, ["data={use: toonworld}", *SMALL])
    made = build(recipe, catalogue, DistributedContext(torch.device("cpu")))
    for part in made.parts().values():
        if isinstance(part, nn.Module):
            part.double()
    return made, enter(made, recipe, 0, 0, 9, None)


def batch(number: int) -> Batch:
    draw = torch.Generator().manual_seed(number)
    photo, cartoon = (torch.rand(2, 3, 32, 32, dtype=torch.float64, generator=draw) * 2 - 1 for _ in range(2))
    return Batch(photo, cartoon)


class Reference:
    """Algorithm of the paper's section 4, generators first."""

    def __init__(self, gan: GAN) -> None:
        nets = gan.generator, gan.generators["back"], gan.critics["image"].net, gan.critics["back"].net
        self.to_cartoon, self.to_photo, *critics = map(copy.deepcopy, nets)
        self.critics = dict(zip(("image", "back"), critics, strict=True))
        self.pools: dict[str, list[Tensor]] = {"image": [], "back": []}

    def step(self, data: Batch, number: int) -> None:
        generators = [*self.to_cartoon.parameters(), *self.to_photo.parameters()]
        fake, back = self.to_cartoon(data.photo), self.to_photo(data.cartoon)
        loss = 10 * F.l1_loss(self.to_photo(fake), data.photo) + 10 * F.l1_loss(self.to_cartoon(back), data.cartoon)
        loss = loss + 5 * F.l1_loss(self.to_cartoon(data.cartoon), data.cartoon)
        loss = loss + 5 * F.l1_loss(self.to_photo(data.photo), data.photo)
        loss = loss + ((self.critics["image"](fake) - 1) ** 2).mean() + ((self.critics["back"](back) - 1) ** 2).mean()
        self.descend(loss, generators)
        for name, real, made in (("image", data.cartoon, fake), ("back", data.photo, back)):
            critic, pooled = self.critics[name], self.pooled(name, made.detach(), number)
            self.descend(
                0.5 * ((critic(real) - 1) ** 2).mean() + 0.5 * (critic(pooled) ** 2).mean(), critic.parameters()
            )

    def descend(self, loss: Tensor, parameters: Any) -> None:
        parameters = list(parameters)
        for parameter, slope in zip(parameters, torch.autograd.grad(loss, parameters), strict=True):
            parameter.data -= 0.1 * slope

    def pooled(self, name: str, images: Tensor, number: int) -> Tensor:
        pool, given = self.pools[name], []
        draw = random.Random(rng(0, "pool", name, number).initial_seed())
        for image in images:
            chance, place = draw.random(), draw.random()
            given.append(image)
            if len(pool) < 3:
                pool.append(image)
            elif chance >= 0.5:
                given[-1], pool[int(place * 3)] = pool[int(place * 3)], image
        return torch.stack(given)


def test_steps_are_the_papers(gan: tuple[GAN, Any]) -> None:
    made, stage = gan
    reference = Reference(made)
    for number in range(6):
        made.step(stage, batch(number), number)
        reference.step(batch(number), number)
    pairs = {made.generator: reference.to_cartoon, made.generators["back"]: reference.to_photo}
    pairs |= {made.critics[name].net: net for name, net in reference.critics.items()}
    for one, other in pairs.items():
        for parameter, expected in zip(one.parameters(), other.parameters(), strict=True):
            torch.testing.assert_close(parameter, expected, rtol=1e-7, atol=1e-8)  # the norms amplify rounding
    assert any(not torch.equal(one, batch(5).photo[0]) for one in reference.pools["image"])
