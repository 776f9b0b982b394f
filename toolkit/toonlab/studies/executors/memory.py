"""The memory of a cell on a GPU, estimated before it begins: cells that share a GPU must fit next to each other."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import nn

from toonlab.engine.builder import build
from toonlab.engine.stages import enter
from toonlab.errors import ToonlabError
from toonlab.inference.memory import free_memory, peak_bytes
from toonlab.recipes.spec import Recipe
from toonlab.registry.catalogue import Catalogue
from toonlab.types import Batch
from toonlab.utils.distributed import DistributedContext

_PROBE = 2  # images of the step that is measured: enough for parts that rank over a batch
_OTHERS = 400 * 2**20  # bytes of a CUDA context and of the kernels' workspaces


class NoRoomError(ToonlabError):
    """A training that does not fit in the memory that is free now."""


def check_room(recipe: Recipe, catalogue: Catalogue, device: torch.device) -> None:
    """Check that a training fits in the memory of a device that others may use, too.

    Raises:
        NoRoomError: if not.
    """
    need, free = training_bytes(recipe, catalogue) + _OTHERS, free_memory(device)
    if need > free:
        text = f"out of memory: it needs about {need / 2**30:.2g} GiB of the GPU, and {free / 2**30:.2g} GiB are free"
        raise NoRoomError(f"{text}; run fewer jobs on it, or lower train.batch")


def training_bytes(recipe: Recipe, catalogue: Catalogue) -> int:
    """The peak memory of a training's tensors, about, from a step with few images on the CPU.

    Networks, gradients and the states of optimizers do not depend on the batch; what a step takes besides does, and
    grows with it. Evaluations are left out: they need no gradients.
    """
    train = replace(recipe.train, compile=False)
    gan = build(replace(recipe, train=train), catalogue, DistributedContext(torch.device("cpu")))
    modules = [part for part in gan.parts().values() if isinstance(part, nn.Module)]
    fixed = sum(tensor.nbytes for module in modules for tensor in module.state_dict().values())
    side, most = recipe.train.size, 0
    images = torch.zeros(_PROBE, 3, side, side)
    for index in range(len(recipe.stages)):
        stage = enter(gan, recipe, index, 0, 2, None)
        gan.step(stage, Batch(images, images), 0)  # the first one makes gradients and the optimizers' states
        states = [stage.generator_state, *stage.critic_states.values()]
        groups = [group for state in states if state.optimizer for group in state.optimizer.param_groups]
        kept = 3 * sum(weight.nbytes for group in groups for weight in group["params"])  # gradients and two moments
        step = peak_bytes(lambda stage=stage: gan.step(stage, Batch(images, images), 1), torch.device("cpu"))  # type: ignore[misc]
        most = max(most, kept + step * recipe.train.batch // _PROBE)
    return fixed + most
