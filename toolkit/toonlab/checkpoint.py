"""Checkpoints: weights as safetensors that carry their recipe, and the state that training needs to go on.

Loading someone's checkpoint runs no code of theirs: safetensors for weights, `weights_only=True` for the rest.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from .errors import ToonlabError
from .gan import GAN, Phase
from .plugins import Catalogue
from .rng import seeded
from .specs import Recipe, Tree

WEIGHTS = "generator.safetensors"
STATE = "state.pt"


def save(directory: Path, step: int, seconds: float, gan: GAN, phase: Phase, recipe: Recipe, keep: int) -> Path:
    """Write `step-00001000/` into `directory`, whole or not at all, and delete all but the newest `keep`."""
    target = directory / f"step-{step:08d}"
    temporary = directory / f".{target.name}.{os.getpid()}"
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    save_weights(temporary / WEIGHTS, trained(gan), recipe.tree)
    torch.save({"step": step, "seconds": seconds, **state_of(gan, phase)}, temporary / STATE)
    shutil.rmtree(target, ignore_errors=True)
    temporary.replace(target)
    for old in checkpoints(directory)[:-keep]:
        shutil.rmtree(old, ignore_errors=True)
    return target


def checkpoints(directory: Path) -> list[Path]:
    """The checkpoints in a directory, oldest first."""
    return sorted(directory.glob("step-*"))


def trained(gan: GAN) -> nn.Module:
    """The generator that is evaluated and saved: the moving average where there is one."""
    return gan.ema.module if gan.ema else gan.generator


def save_weights(path: Path, generator: nn.Module, tree: Tree) -> None:
    """A generator's weights with its recipe as metadata."""
    tensors = {name: tensor.detach().cpu().clone().contiguous() for name, tensor in generator.state_dict().items()}
    save_file(tensors, path, metadata={"format": "pt", "toonlab": json.dumps(tree)})


def read_weights(path: Path) -> tuple[dict[str, Tensor], Tree]:
    """The weights and the recipe's tree of a file that `save_weights` wrote."""
    try:
        with safe_open(path, framework="pt") as file:
            tree = (file.metadata() or {}).get("toonlab")
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a mapping)
    except (OSError, SafetensorError) as error:
        raise ToonlabError(f"{path}: not a safetensors file of weights: {error}") from error
    if tree is None:
        raise ToonlabError(f"{path}: carries no recipe; only weights that toonlab saved can be used")
    return tensors, json.loads(tree)


def load_generator(path: Path, catalogue: Catalogue) -> nn.Module:
    """The generator of a weights file, ready to use."""
    from .resolve import resolve

    tensors, tree = read_weights(path)
    recipe, problems = resolve({**tree, "observers": {}}, path.stem, catalogue)
    if recipe is None:
        raise ToonlabError(f"{path}: its recipe can't be used here: {'; '.join(map(str, problems))}")
    with seeded(0, "load"):
        generator = recipe.generator.network.make(catalogue)
    assert isinstance(generator, nn.Module)
    generator.load_state_dict(tensors)
    return generator.eval()


# -- training state


def state_of(gan: GAN, phase: Phase) -> dict[str, Any]:
    """Everything that changes in training, by name."""
    turns = {"generator": phase.generator_turn, **{f"critic/{n}": t for n, t in phase.critic_turns.items()}}
    return {
        "parts": {name: part.state_dict() for name, part in _stateful(gan)},
        "ema": gan.ema.state_dict() if gan.ema else None,
        "optimizers": {name: turn.optimizer.state_dict() for name, turn in turns.items() if turn.optimizer},
        "schedules": {name: turn.schedule.state_dict() for name, turn in turns.items() if turn.schedule},
    }


def restore(state: Mapping[str, Any], gan: GAN, phase: Phase) -> None:
    """Put back what `state_of` took; `phase` is the stage that the state was taken in."""
    for name, part in _stateful(gan):
        part.load_state_dict(state["parts"][name])
    if gan.ema:
        gan.ema.load_state_dict(state["ema"])
    turns = {"generator": phase.generator_turn, **{f"critic/{n}": t for n, t in phase.critic_turns.items()}}
    for name, turn in turns.items():
        if turn.optimizer:
            turn.optimizer.load_state_dict(state["optimizers"][name])
        if turn.schedule:
            turn.schedule.load_state_dict(state["schedules"][name])


def load_state(checkpoint: Path) -> dict[str, Any]:
    return torch.load(checkpoint / STATE, map_location="cpu", weights_only=True)


def _stateful(gan: GAN) -> Iterator[tuple[str, Any]]:
    """Every part with a state, by its place; the generator and the critics' networks among them."""
    yield "generator", gan.generator
    for name, critic in gan.critics.items():
        parts: dict[str, object] = {"net": critic.net, "sampler": critic.sampler}
        parts |= {"representation": critic.representation}
        parts |= {"objective": critic.objective} | {f"losses/{n}": loss for n, (_, loss) in critic.losses.items()}
        yield from ((f"critic/{name}/{key}", part) for key, part in parts.items() if hasattr(part, "state_dict"))
    for index, losses in enumerate(gan.stage_losses):
        yield from ((f"stage/{index}/{n}", loss) for n, (_, loss) in losses.items() if hasattr(loss, "state_dict"))
