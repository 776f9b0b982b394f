"""Interchangeable parts: any sampler, any representation and any discriminator loss train together."""

from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest
import torch

from toonlab import Batch, Features, discover
from toonlab.engine.builder import build
from toonlab.engine.stages import enter
from toonlab.errors import RecipeError
from toonlab.recipes.load import load
from toonlab.recipes.spec import Recipe
from toonlab.testing import GeneratorLossTests
from toonlab.utils.distributed import DistributedContext

SIZE, BATCH, STEPS = 64, 2, 2
CATALOGUE = discover()
SAMPLERS = CATALOGUE.names("samplers")
REPRESENTATIONS = [None, *CATALOGUE.names("representations")]
LOSSES = CATALOGUE.names("discriminator_losses")
SMALL = {"patch_size": 24, "k": 2}  # for samplers with such parameters


def one_critic(path: Path, sampler: str, representation: str | None, loss: str) -> Recipe:
    """The small recipe with the patch critic alone, made of those parts, and with the cheapest of generators."""
    known = CATALOGUE.get("samplers", sampler).schema.parameters
    chosen = {"use": sampler} | {name: value for name, value in SMALL.items() if name in known}
    changes = {
        "train.size": SIZE,
        "features": None,
        "generator.network": {"use": "whitebox_unet", "width": 2, "guided_radius": 0},
        "generator.losses.content": None,
        "critics.image": None,
        "critics.patch.sampler": chosen,
        "critics.patch.representation": representation,
        "critics.patch.losses": {loss: {}},
        "stages": None,
        "train.supervised": True,
    }
    return load(path, CATALOGUE, list(changes.items()))


def batch() -> Batch:
    """Smooth photos and cartoons of flat squares with dark lines, so that edges are found and filters have work."""
    generator = torch.Generator().manual_seed(0)
    low = torch.rand(2, BATCH, 3, SIZE // 8, SIZE // 8, generator=generator) * 2 - 1
    photo = torch.nn.functional.interpolate(low[0], size=SIZE, mode="bilinear")
    cartoon = torch.nn.functional.interpolate(low[1], size=SIZE, mode="nearest")
    cartoon[..., ::16] = -0.9
    return Batch(photo, cartoon)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_every_combination_trains(sampler: str, small: Path):
    for representation, loss in product(REPRESENTATIONS, LOSSES):
        recipe = one_critic(small, sampler, representation, loss)
        if (sampler, representation) == ("ctss_multiscale", "with_photo"):
            with pytest.raises(RecipeError, match=r"with_photo: needs regions in the size of their boxes"):
                build(recipe, CATALOGUE, DistributedContext(torch.device("cpu")))
            continue
        gan = build(recipe, CATALOGUE, DistributedContext(torch.device("cpu")))
        stage = enter(gan, recipe, 0, 0, STEPS, None)
        for number in range(STEPS):
            scalars = gan.step(stage, batch(), number)
            wrong = {name: value.item() for name, value in scalars.items() if not value.isfinite()}
            assert not wrong, f"{sampler} x {representation} x {loss}, step {number}: {wrong}"
            assert f"critic/patch/{loss}" in scalars
        for side, net in (("generator", gan.generator), ("critic", gan.critics["patch"].net)):
            gradients = [parameter.grad for parameter in net.parameters() if parameter.grad is not None]
            what = f"{sampler} x {representation} x {loss}: the {side}'s gradients"
            assert all(gradient.isfinite().all() for gradient in gradients), f"{what} are not finite"
            assert any(gradient.any() for gradient in gradients), f"{what} are all zero"


@pytest.mark.parametrize(
    "name", sorted({*CATALOGUE.names("generator_losses")} - {"patch_nce"})
)  # of the generator's features
def test_a_loss_is_the_mean_over_the_layers_of_features(name: str):
    loss, step = CATALOGUE.make("generator_losses", name), GeneratorLossTests().given(height=SIZE, width=SIZE)
    layers = (torch.nn.AvgPool2d(2), torch.nn.AvgPool2d(8))
    both = loss(replace(step, features=Features(lambda images: tuple(layer(images) for layer in layers))))
    single = [loss(replace(step, features=Features(layer))) for layer in layers]
    torch.testing.assert_close(both, torch.stack(single).mean())
