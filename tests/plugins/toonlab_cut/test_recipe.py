"""A step of CUT against the authors' algorithm, written out, in float64; what a recipe's nested sampler may be."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from toonlab import Batch, RecipeError, discover, rng
from toonlab.engine.builder import build
from toonlab.engine.stages import enter
from toonlab.recipes.load import load
from toonlab.recipes.resolve import parameter_at
from toonlab.recipes.spec import plain
from toonlab.utils.distributed import DistributedContext

SMALL = ["data={use: toonworld}", "train.size=32", "train.batch=2", "generator.optimizer={use: SGD, lr: 0.1}"]
SMALL += [
    "generator.network={use: resnet, width: 2, blocks: 1, antialias: true}",
    "critics.image.discriminator.width=2",
]
SMALL += ["critics.image.optimizer={use: SGD, lr: 0.1}", "generator.losses.patch_nce.width=4"]
SMALL += ["generator.losses.patch_nce.layers=[0, 2, 4]", "generator.losses.patch_nce.patches=8"]
SAMPLER = "generator.losses.patch_nce.sampler"


def built(name: str, *overrides: str) -> tuple[Any, Any]:
    recipe = load(name, discover(), [*SMALL, *overrides])
    gan = build(recipe, discover(), DistributedContext(torch.device("cpu")))
    for part in gan.parts().values():
        if isinstance(part, nn.Module):
            part.double()
    return gan, enter(gan, recipe, 0, 0, 9, None)


def nce(net: Any, heads: Any, made: Tensor, given: Tensor, draws: torch.Generator) -> Tensor:
    layers = []
    for head, query, key in zip(heads, net.encode(made, [0, 2, 4]), net.encode(given, [0, 2, 4]), strict=True):
        chosen = torch.randperm(query[0, 0].numel(), generator=draws)[:8]
        q, k = (F.normalize(head(each.flatten(2)[:, :, chosen].mT), dim=2, eps=1e-4) for each in (query, key.detach()))
        scores = torch.einsum("bic,bjc->bij", q, k.detach()) / 0.07
        layers.append(-(scores.diagonal(dim1=1, dim2=2) - scores.logsumexp(2)).mean())
    return torch.stack(layers).mean()


def descend(loss: Tensor, parameters: Any) -> None:
    parameters = list(parameters)
    for parameter, slope in zip(parameters, torch.autograd.grad(loss, parameters), strict=True):
        parameter.data -= 0.1 * slope


def test_a_step_is_the_authors() -> None:
    gan, stage = built("cut")
    learned = gan.stage_losses[0]["patch_nce"][1].heads
    net, critic, heads = map(copy.deepcopy, (gan.generator, gan.critics["image"].net, learned))
    draw, number = torch.Generator().manual_seed(0), 4
    photo, cartoon = (torch.rand(2, 3, 32, 32, dtype=torch.float64, generator=draw) * 2 - 1 for _ in range(2))
    gan.step(stage, Batch(photo, cartoon), number)

    fake = net(photo)
    descend(0.5 * ((critic(cartoon) - 1) ** 2).mean() + 0.5 * (critic(fake.detach()) ** 2).mean(), critic.parameters())
    draws = rng(0, "loss", "patch_nce", number, 0)
    both = nce(net, heads, fake, photo, draws) + nce(net, heads, net(cartoon), cartoon, draws)
    descend(((critic(fake) - 1) ** 2).mean() + both / 2, [*net.parameters(), *heads.parameters()])
    for one, other in ((gan.generator, net), (gan.critics["image"].net, critic), (learned, heads)):
        for parameter, expected in zip(one.parameters(), other.parameters(), strict=True):
            torch.testing.assert_close(parameter, expected, rtol=1e-7, atol=1e-8)


def test_heads_are_initialised_by_key_and_leave_the_rest_as_it_is() -> None:
    (one, _), (same, _), (less, _) = built("cut"), built("cut"), built("cut", "generator.losses.patch_nce=null")
    heads, again = (gan.stage_losses[0]["patch_nce"][1].state_dict() for gan in (one, same))
    assert all(torch.equal(heads[key], again[key]) for key in heads)
    for gan in (same, less):
        state = gan.generator.state_dict()
        assert all(torch.equal(value, state[key]) for key, value in one.generator.state_dict().items())


def test_a_nested_sampler_is_a_part_of_the_recipe() -> None:
    catalogue = discover()
    recipe = load("cut_salient", catalogue, [*SMALL, f"{SAMPLER}.patch_size=8", f"{SAMPLER}.k=2"])
    sampler = recipe.part_at[SAMPLER]
    assert (sampler.kind, sampler.use, sampler.parameters["patch_size"]) == ("samplers", "ctss", 8)
    tree = plain(recipe.generator)
    assert tree["losses"]["patch_nce"]["sampler"]["use"] == "ctss"
    assert tree["losses"]["patch_nce"]["sampler"]["k"] == 2
    found = parameter_at({"generator": tree}, f"{SAMPLER}.k", catalogue)
    assert found is not None
    assert found.type_name == "int"
    loss: Any = build(recipe, catalogue, DistributedContext(torch.device("cpu"))).stage_losses[0]["patch_nce"][1]
    assert loss.sampler.patch_size == 8
    replaced = load("cut_salient", catalogue, [*SMALL, f"{SAMPLER}={{use: random_patches, patch_size: 8}}"])
    assert replaced.part_at[SAMPLER].use == "random_patches"
    assert SAMPLER not in load("cut_salient", catalogue, [*SMALL, f"{SAMPLER}=null"]).part_at


@pytest.mark.parametrize(
    ("override", "text"),
    [
        (f"{SAMPLER}={{use: ctsss}}", f"{SAMPLER}.use: .*did you mean 'ctss'"),
        (f"{SAMPLER}={{use: ctss, kk: 2}}", f"{SAMPLER}.kk: unknown"),
        (f"{SAMPLER}=3", f"{SAMPLER}: got 3; give a sampler"),
        ("generator.losses.patch_nce.identity=identy", "generator.losses.patch_nce.identity: 'identy': no such stream"),
        ("generator.losses.patch_nce.layers=[0, 9]", "layers: got 9, expected 0, the images, to 4, the deepest"),
        ("generator.network={use: animegan}", "generator.losses.patch_nce: the generator has no features to give"),
    ],
)
def test_mistakes_are_named(override: str, text: str) -> None:
    with pytest.raises(RecipeError, match=text):
        built("cut", override)
