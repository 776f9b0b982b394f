"""From a recipe to networks, losses and stages, with a probe that finds what does not fit before a run begins."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from itertools import accumulate
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from toonlab.errors import PluginError, Problem, RecipeError, ToonlabError, first_line
from toonlab.recipes.spec import CriticSpec, Part, Recipe, StageSpec, TorchPart
from toonlab.registry.catalogue import Catalogue
from toonlab.types import Context, Views
from toonlab.utils.distributed import DistributedContext
from toonlab.utils.rng import rng, seeded

from .compile import compiled
from .gan import GAN, ActiveStage, Critic, OptimizerState

PROBE = 2  # images: enough for parts that rank over a batch, few enough to cost nothing


def build(recipe: Recipe, catalogue: Catalogue, distributed: DistributedContext) -> GAN:
    """Build everything that a recipe names and send one small batch through it.

    Initial weights depend on the seed and on a part's place in the recipe alone, so that they stay as they are when
    another part changes.

    Raises:
        RecipeError: with everything that does not fit: a `k` too large, a patch larger than the image, a side that
            a network can't take, a stage that teaches nothing, a generator that has nothing to learn.
    """
    builder = _Builder(recipe, catalogue)
    generator = builder.module("generator.network", recipe.generator.network)
    builder.check_taught(generator)
    features = builder.module("features", recipe.features) if recipe.features else None
    photo = _photos(recipe, PROBE)
    builder.probe("generator.network", generator, photo[:1])
    builder.probe("features", features, photo[:1])
    critics = {name: critic for name in recipe.critics if (critic := builder.critic(name, photo))}
    losses = builder.losses("generator.losses", recipe.generator.losses)
    stage_losses = tuple(builder.stage_losses(i, stage, losses) for i, stage in enumerate(recipe.stages))
    if builder.problems or generator is None:
        raise RecipeError(recipe.name, builder.problems)
    memory_format = torch.channels_last if recipe.train.channels_last else torch.contiguous_format
    everything = [generator, features, *(m for critic in critics.values() for m in _modules(critic))]
    everything += [module for of_stage in (losses, *stage_losses) for module in _learners(of_stage)]
    for module in everything:
        if module is not None:
            module.to(device=distributed.device, memory_format=memory_format)
    decay = recipe.train.ema
    gan = GAN(
        generator=generator,
        critics=critics,
        stage_losses=stage_losses,
        features=features,
        seed=recipe.train.seed,
        distributed=distributed,
        autocast=torch.bfloat16 if recipe.train.precision == "bf16" else None,
        generator_first=recipe.train.order == "generator_first",
        generator_every=recipe.train.generator_every,
        ema=_moving_average(generator, decay) if decay else None,
    )
    train = recipe.train
    return compiled(gan, train.batch // distributed.size, train.size, train.channels_last) if train.compile else gan


def build_fixed(recipe: Recipe, catalogue: Catalogue) -> nn.Module:
    """The generator of a recipe that trains nothing.

    Raises:
        RecipeError: if it would have to learn, or can't be made.
    """
    builder = _Builder(recipe, catalogue)
    generator = builder.module("generator.network", recipe.generator.network)
    if generator and learns(generator):
        text = f"{recipe.generator.network.use} has to learn, but nothing teaches it; give generator.losses or critics"
        builder.problems.append(Problem("generator", text))
    if builder.problems or generator is None:
        raise RecipeError(recipe.name, builder.problems)
    return generator


def first_views(recipe: Recipe, catalogue: Catalogue) -> dict[str, Views]:
    """What each critic sees of a whole batch of the probe's photos, on the CPU, before there are any networks.

    Raises:
        RecipeError: if a sampler or a representation can't work with them.
    """
    builder, photo = _Builder(recipe, catalogue), _photos(recipe, recipe.train.batch)
    views = {}
    for name, spec in recipe.critics.items():
        _, _, views[name] = builder.seen(f"critics.{name}", spec, photo)
    if builder.problems:
        raise RecipeError(recipe.name, builder.problems)
    return {name: view for name, view in views.items() if view is not None}


def _photos(recipe: Recipe, count: int) -> Tensor:
    """The probe's: `(count, 3, size, size)` in [-1, 1]."""
    side = recipe.train.size
    return torch.rand((count, 3, side, side), generator=rng(0, "probe")) * 2 - 1


def learns(generator: nn.Module) -> bool:
    """Whether a generator has parameters to train."""
    return bool(_parameters([generator]))


def _moving_average(generator: nn.Module, decay: float) -> AveragedModel:
    average = get_ema_multi_avg_fn(decay)  # type: ignore[no-untyped-call]
    return AveragedModel(generator, multi_avg_fn=average, use_buffers=True)


class _Builder:
    """Builds part after part and collects what goes wrong."""

    def __init__(self, recipe: Recipe, catalogue: Catalogue) -> None:
        self.recipe, self.catalogue = recipe, catalogue
        self.problems: list[Problem] = []

    def make(self, path: str, part: Part, **injected: Any) -> Any:
        try:
            with seeded(self.recipe.train.seed, "init", path):
                return part.make(self.catalogue, **injected)
        except PluginError:
            raise
        except Exception as error:
            self.problems.append(Problem(path, _text(part.use, error)))
            return None

    def module(self, path: str, part: Part, **injected: Any) -> nn.Module | None:
        made = self.make(path, part, **injected)
        if made is None or isinstance(made, nn.Module):
            return made
        self.problems.append(Problem(path, f"{part.use} made a {type(made).__name__}, expected an nn.Module"))
        return None

    def check_taught(self, generator: nn.Module | None) -> None:
        """A generator that learns needs something to learn from, at every stage; another needs nothing."""
        if generator is None:
            return
        if not learns(generator):
            text = f"{self.recipe.generator.network.use} has nothing to learn; remove losses, critics and stages"
            self.problems.append(Problem("generator", text))
            return
        for index, stage in enumerate(self.recipe.stages):
            critics = self.recipe.critics if stage.critics is None else stage.critics
            losses = self.recipe.generator.losses if stage.losses is None else stage.losses
            if not critics and not losses:
                text = f"{stage.name!r} has neither losses nor critics for the generator to learn from; give it some"
                self.problems.append(Problem(f"stages.{index}", text))

    def losses(self, path: str, parts: Mapping[str, Part]) -> dict[str, tuple[float, Any]]:
        return {name: (part.weight, self.make(f"{path}.{name}", part)) for name, part in parts.items()}

    def stage_losses(self, index: int, stage: StageSpec, shared: Mapping[str, Any]) -> dict[str, tuple[float, Any]]:
        """A stage's losses; one that is the recipe's but for its weight is the same object."""
        if stage.losses is None:
            return dict(shared)
        losses = {}
        for name, part in stage.losses.items():
            known = self.recipe.generator.losses.get(name)
            same = known is not None and (known.use, known.parameters) == (part.use, part.parameters)
            made = shared[name][1] if same else self.make(f"stages.{index}.losses.{name}", part)
            losses[name] = (part.weight, made)
        return losses

    def critic(self, name: str, photo: Tensor) -> Critic | None:
        spec, path = self.recipe.critics[name], f"critics.{name}"
        sampler, representation, views = self.seen(path, spec, photo)
        if views is None:
            return None
        discriminator = f"{path}.discriminator"
        net = self.module(discriminator, spec.discriminator, in_channels=views.real.shape[1])
        self.probe(discriminator, net, views.real[:1])
        objective = self.make(f"{path}.objective", spec.objective)
        losses = self.losses(f"{path}.losses", spec.losses)
        return Critic(name, net, objective, sampler, representation, losses, spec.weight) if net else None

    def seen(self, path: str, spec: CriticSpec, photo: Tensor) -> tuple[Any, Any, Views | None]:
        """A critic's sampler and representation, and what it sees of photos through them."""
        sampler = self.make(f"{path}.sampler", spec.sampler)
        representation = self.make(f"{path}.representation", spec.representation) if spec.representation else None
        return sampler, representation, self.view(path, spec, sampler, representation, photo)

    def view(self, path: str, spec: CriticSpec, sampler: Any, representation: Any, photo: Tensor) -> Views | None:
        """The view of a probe batch: it tells the discriminator's `in_channels`."""
        context = Context(photo, Unbuilt(), rng(0, "probe", path), 0, representation)
        views: Views | None = Views(photo, photo.flip(-1), context=context)
        for key, part, transform in (
            ("sampler", spec.sampler, sampler),
            ("representation", spec.representation, representation),
        ):
            if transform is None or part is None or views is None:
                continue
            try:
                views = transform(views)
            except Exception as error:
                self.problems.append(Problem(f"{path}.{key}", _text(part.use, error)))
                return None
        return views if sampler is not None else None

    def probe(self, path: str, net: nn.Module | None, images: Tensor) -> None:
        """One forward pass in eval mode, which leaves the network as it is."""
        if net is None:
            return
        training = net.training
        try:
            with torch.no_grad():
                net.eval()(images)
        except Exception as error:
            text = str(error) if isinstance(error, ToonlabError) else f"{type(error).__name__}: {first_line(error)}"
            shape = "x".join(map(str, images.shape[1:]))
            self.problems.append(Problem(path, f"can't take an input of {shape} (channels, height, width): {text}"))
        finally:
            net.train(training)


class Unbuilt(nn.Module):
    """Stands in for a critic that is not built yet, since its view decides its channels: logits are the mean."""

    def forward(self, images: Tensor) -> Tensor:
        return images.mean(1, keepdim=True)


def _text(use: str, error: Exception) -> str:
    if isinstance(error, ToonlabError):
        return str(error)
    return f"{use} failed: {type(error).__name__}: {first_line(error)}"


def _modules(critic: Critic) -> list[Any]:
    parts = [critic.net, critic.sampler, critic.representation, critic.objective]
    return [*(part for part in parts if isinstance(part, nn.Module)), *_learners(critic.losses)]


def _learners(losses: Mapping[str, tuple[float, Any]]) -> list[nn.Module]:
    """Losses with parameters of their own: they join their side's optimizer."""
    return [loss for _, loss in losses.values() if isinstance(loss, nn.Module)]


# -- stages


def plan(recipe: Recipe, per_epoch: int) -> list[tuple[StageSpec, int, int]]:
    """Each stage with its first step and the step after its last.

    `train.steps`, where given, is the whole training's length: stages in steps or epochs are scaled to it.
    """
    lengths = [_length(stage, per_epoch) for stage in recipe.stages]
    total = recipe.train.steps or max(len(lengths), round(sum(lengths)))
    if total < len(lengths):
        raise ToonlabError(
            f"train.steps: {total} steps are fewer than the {len(lengths)} stages; give at least one each"
        )
    ends = [round(end * total / sum(lengths)) for end in accumulate(lengths)]
    for i in range(len(ends)):  # a stage has at least one step, however short its share
        low, high = (ends[i - 1] if i else 0) + 1, total - (len(ends) - 1 - i)
        ends[i] = min(max(ends[i], low), high)
    return [(stage, start, stop) for stage, start, stop in zip(recipe.stages, [0, *ends], ends, strict=False)]


def _length(stage: StageSpec, per_epoch: int) -> float:
    length = stage.length
    return length.share or length.steps or (length.epochs or 0) * per_epoch


def enter(gan: GAN, recipe: Recipe, index: int, start: int, stop: int, before: ActiveStage | None) -> ActiveStage:
    """Begin stage number `index`: its optimizers start fresh unless it keeps those of the stage before."""
    stage = recipe.stages[index]
    critics = tuple(gan.critics[name] for name in (recipe.critics if stage.critics is None else stage.critics))
    kept = before if stage.keep_optimizers else None
    states = {critic.name: _critic_state(gan, recipe, stage, critic, kept) for critic in critics}
    return ActiveStage(
        stage.name, start, stop, critics, gan.stage_losses[index], _generator_state(gan, recipe, index, kept), states
    )


def _generator_state(gan: GAN, recipe: Recipe, index: int, kept: ActiveStage | None) -> OptimizerState:
    stage, spec = recipe.stages[index], recipe.generator
    optimizer = kept.generator_state.optimizer if kept else None
    if optimizer is None:
        parameters = _parameters([gan.generator, *_learners(gan.stage_losses[index])])
        optimizer = _optimizer(stage.generator_optimizer or spec.optimizer, parameters, gan.distributed.device)
    elif stage.generator_optimizer:
        for group in optimizer.param_groups:
            group.update(stage.generator_optimizer.arguments)
    return OptimizerState(optimizer, _schedule(stage.schedule or spec.schedule, optimizer))


def _critic_state(
    gan: GAN, recipe: Recipe, stage: StageSpec, critic: Critic, kept: ActiveStage | None
) -> OptimizerState:
    spec = recipe.critics[critic.name]
    before = kept.critic_states.get(critic.name) if kept else None
    learners = [critic.net, *_learners(critic.losses)]
    optimizer = (
        before.optimizer if before else _optimizer(spec.optimizer, _parameters(learners), gan.distributed.device)
    )
    return OptimizerState(optimizer, _schedule(stage.schedule or spec.schedule, optimizer))


def _parameters(modules: Iterable[nn.Module]) -> list[nn.Parameter]:
    return [p for module in modules for p in module.parameters() if p.requires_grad]


def _optimizer(part: TorchPart, parameters: list[nn.Parameter], device: torch.device) -> torch.optim.Optimizer | None:
    """The optimizer, in its fused form where torch has one: one kernel instead of one for each parameter."""
    if not parameters:
        return None
    cls = getattr(torch.optim, part.use)
    arguments = dict(part.arguments)
    fusable = "fused" in inspect.signature(cls).parameters and device.type in ("cuda", "cpu")
    if fusable and not arguments.keys() & {"fused", "foreach", "capturable", "differentiable"}:
        arguments["fused"] = True
    return cls(parameters, **arguments)


def _schedule(part: TorchPart | None, optimizer: torch.optim.Optimizer | None) -> Any:
    if part is None or optimizer is None:
        return None
    return getattr(torch.optim.lr_scheduler, part.use)(optimizer, **part.arguments)
