"""From a recipe to networks, losses and stages, with a probe that finds every misfit before a run begins."""

from dataclasses import replace
from functools import partial

import torch
from torch import Tensor, nn

from toonlab.errors import Problem, RecipeError
from toonlab.ops.spectral import norm_together
from toonlab.recipes.spec import Recipe, Train
from toonlab.registry.catalogue import Catalogue
from toonlab.types import Views
from toonlab.utils.distributed import DistributedContext
from toonlab.utils.rng import rng

from .average import MovingAverage
from .compile import compiled
from .gan import GAN
from .part_builder import PartBuilder, channels_at
from .stages import trainable

PROBE = 2  # images: enough for parts that rank over a batch, few enough to cost nothing


def build(recipe: Recipe, catalogue: Catalogue, distributed: DistributedContext) -> GAN:
    """Build all parts of a recipe and send one small batch through them.

    Initial weights depend only on the seed and on a part's place in the recipe, so that a change of one part leaves
    the weights of the others unchanged.

    Raises:
        RecipeError: with all problems: a `k` too large, a patch larger than the image, a side that
            a network can't take, a stage that teaches nothing, a generator that has nothing to learn.
    """
    builder, train = PartBuilder(recipe, catalogue), recipe.train
    generator = builder.generator()
    builder.check_taught(generator)
    features = builder.module("features", recipe.features) if recipe.features else None
    photo = _photos(recipe, PROBE)
    builder.probe("generator.network", generator, photo[:1])
    builder.probe("features", features, photo[:1])
    generators = {name: builder.module(f"generators.{name}", part) for name, part in recipe.generators.items()}
    for name, each in generators.items():
        builder.probe(f"generators.{name}", each, photo[:1])
    critics = {name: critic for name in recipe.critics if (critic := builder.critic(name, photo))}
    offered = {"channels_at": partial(channels_at, generator, photo[:1])}
    losses = builder.losses("generator.losses", recipe.generator.losses, **offered)
    stage_losses = tuple(builder.stage_losses(i, stage, losses, **offered) for i, stage in enumerate(recipe.stages))
    if builder.problems or generator is None:
        raise RecipeError(recipe.name, builder.problems)
    gan = GAN(
        generator=generator,
        critics=critics,
        stage_losses=stage_losses,
        features=features,
        seed=train.seed,
        distributed=distributed,
        autocast=torch.bfloat16 if train.precision == "bf16" else None,
        generator_first=train.order == "generator_first",
        generator_every=train.generator_every,
        generators={name: each for name, each in generators.items() if each},
        stream_inputs=recipe.streams,
        supervised=train.supervised,
    )
    return _placed(gan, train)


def _placed(gan: GAN, train: Train) -> GAN:
    """The GAN on its device, with its moving average and its compiled networks."""
    distributed = gan.distributed
    memory_format = torch.channels_last if train.channels_last else torch.contiguous_format
    for part in gan.parts().values():
        if isinstance(part, nn.Module):
            part.to(distributed.device).to(memory_format=memory_format)
    if distributed.device.type == "cuda" and not train.compile:  # the compiler joins their kernels by itself
        for critic in gan.critics.values():
            norm_together(critic.net)
    if train.ema:
        gan = replace(gan, ema=MovingAverage(gan.learners, train.ema))
    if not train.compile:
        return gan
    graphs = train.compile == "graphs"
    return compiled(gan, train.batch // distributed.size, train.size, train.channels_last, graphs)


def build_fixed(recipe: Recipe, catalogue: Catalogue) -> nn.Module:
    """The generator of a recipe that trains nothing: one that need not learn, or has learned before.

    Raises:
        RecipeError: if it would have to learn, or can't be made.
    """
    builder = PartBuilder(recipe, catalogue)
    generator = builder.generator()
    if generator and recipe.generator.weights:
        generator.requires_grad_(False)
    elif generator and trainable([generator]):
        text = f"{recipe.generator.network.use} has to learn, but nothing teaches it; give generator.losses or critics"
        builder.problems.append(Problem("generator", text))
    if builder.problems or generator is None:
        raise RecipeError(recipe.name, builder.problems)
    return generator


def first_views(recipe: Recipe, catalogue: Catalogue) -> dict[str, Views]:
    """The views of each critic of a whole batch of the probe's photos, on the CPU, without building the networks.

    Raises:
        RecipeError: if a sampler or a representation can't work with them.
    """
    builder, photo = PartBuilder(recipe, catalogue), _photos(recipe, recipe.train.batch)
    views = {name: builder.seen(f"critics.{name}", spec, photo)[-1] for name, spec in recipe.critics.items()}
    if builder.problems:
        raise RecipeError(recipe.name, builder.problems)
    return {name: view for name, view in views.items() if view is not None}


def _photos(recipe: Recipe, count: int) -> Tensor:
    """The photos of the probe: `(count, 3, size, size)` in [-1, 1]."""
    side = recipe.train.size
    return torch.rand((count, 3, side, side), generator=rng(0, "probe")) * 2 - 1
