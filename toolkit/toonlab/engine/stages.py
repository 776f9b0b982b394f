"""The stages of a training: their lengths, and the optimizers and schedules that each begins with."""

import inspect
from collections.abc import Iterable, Mapping
from itertools import accumulate
from typing import Any

import torch
from torch import nn

from toonlab.errors import ToonlabError
from toonlab.recipes.spec import Recipe, StageSpec, TorchPart

from .gan import GAN, ActiveStage, Critic, OptimizerState


def plan(recipe: Recipe, per_epoch: int) -> list[tuple[StageSpec, int, int]]:
    """Each stage with its first step and the step after its last.

    `train.steps`, where given, is the whole training's length: stages in steps or epochs are scaled to it.
    """
    lengths = [_length(stage, per_epoch) for stage in recipe.stages]
    total = recipe.train.steps or max(len(lengths), round(sum(lengths)))
    if total < len(lengths):
        raise ToonlabError(f"train.steps: got {total}, fewer than the {len(lengths)} stages; give at least one each")
    ends = [round(end * total / sum(lengths)) for end in accumulate(lengths)]
    for i in range(len(ends)):  # a stage has at least one step, however short its share
        low, high = (ends[i - 1] if i else 0) + 1, total - (len(ends) - 1 - i)
        ends[i] = min(max(ends[i], low), high)
    return [(stage, start, stop) for stage, start, stop in zip(recipe.stages, [0, *ends], ends, strict=False)]


def _length(stage: StageSpec, per_epoch: int) -> float:
    return stage.share or stage.steps or (stage.epochs or 0) * per_epoch


def enter(gan: GAN, recipe: Recipe, index: int, start: int, stop: int, before: ActiveStage | None) -> ActiveStage:
    """Begin stage number `index`: its optimizers start fresh unless it keeps those of the stage before."""
    stage = recipe.stages[index]
    critics = tuple(gan.critics[name] for name in (recipe.critics if stage.critics is None else stage.critics))
    kept = before if stage.keep_optimizers else None
    states = {critic.name: _critic_state(gan, recipe, critic, kept) for critic in critics}
    states = {"": _generator_state(gan, recipe, index, kept), **states}
    for name, state in states.items():
        spec = recipe.critics[name] if name else recipe.generator
        state.schedule = _schedule(stage.schedule or spec.schedule, state.optimizer, stop - start)
    return ActiveStage(stage.name, start, stop, critics, gan.stage_losses[index], states.pop(""), states)


def _generator_state(gan: GAN, recipe: Recipe, index: int, kept: ActiveStage | None) -> OptimizerState:
    stage, spec = recipe.stages[index], recipe.generator
    optimizer = kept.generator_state.optimizer if kept else None
    if optimizer is None:
        learners = [gan.generator, *gan.generators.values(), *loss_modules(gan.stage_losses[index])]
        parameters = trainable(learners)
        optimizer = _optimizer(stage.generator_optimizer or spec.optimizer, parameters, gan.distributed.device)
    elif stage.generator_optimizer:
        for group in optimizer.param_groups:
            group.update(stage.generator_optimizer.arguments)
    return OptimizerState(optimizer)


def _critic_state(gan: GAN, recipe: Recipe, critic: Critic, kept: ActiveStage | None) -> OptimizerState:
    spec = recipe.critics[critic.name]
    before = kept.critic_states.get(critic.name) if kept else None
    learners = [critic.net, *loss_modules(critic.losses)]
    optimizer = before.optimizer if before else _optimizer(spec.optimizer, trainable(learners), gan.distributed.device)
    return OptimizerState(optimizer)


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


def _schedule(part: TorchPart | None, optimizer: torch.optim.Optimizer | None, steps: int) -> Any:
    """The schedule; one that takes `total_iters` and is not given it lasts as long as the stage."""
    if part is None or optimizer is None:
        return None
    cls = getattr(torch.optim.lr_scheduler, part.use)
    length = {"total_iters": steps} if "total_iters" in inspect.signature(cls).parameters else {}
    return cls(optimizer, **{**length, **part.arguments})


def loss_modules(losses: Mapping[str, tuple[float, Any]]) -> list[nn.Module]:
    """The losses with parameters of their own, which are trained by the optimizer of their side."""
    return [loss for _, loss in losses.values() if isinstance(loss, nn.Module)]


def trainable(modules: Iterable[nn.Module]) -> list[nn.Parameter]:
    """The parameters that require gradients."""
    return [parameter for module in modules for parameter in module.parameters() if parameter.requires_grad]
