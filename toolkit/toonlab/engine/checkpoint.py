"""Checkpoints: weights as safetensors that carry their recipe, and the state that a resumed training needs.

Loading a checkpoint executes no code from it: safetensors for weights, `weights_only=True` for the rest.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from toonlab.errors import RecipeError, ToonlabError
from toonlab.recipes.dotted_tree import Tree
from toonlab.recipes.resolve import resolve
from toonlab.recipes.spec import Recipe
from toonlab.registry.catalogue import Catalogue
from toonlab.utils.rng import seeded

from .gan import GAN, ActiveStage, OptimizerState

WEIGHTS = "generator.safetensors"
STATE = "state.pt"


def save(directory: Path, state: Mapping[str, Any], generator: nn.Module, tree: Tree, keep: int) -> Path:
    """Write `step-00001000/` into `directory`, whole or not at all, and delete all but the newest `keep`.

    Raises:
        OSError: if it can't be written; existing checkpoints stay as they are.
    """
    buffer = io.BytesIO()
    torch.save(dict(state), buffer)
    files = {WEIGHTS: weights_of(generator, tree), STATE: buffer.getvalue()}
    target = _write_whole(directory / f"step-{state['step']:08d}", files)
    for old in checkpoints(directory)[:-keep]:
        shutil.rmtree(old, ignore_errors=True)
    return target


def keep_best(directory: Path, step: int, generator: nn.Module, tree: Tree) -> None:
    """Write `step-00001000/` with weights alone, whole or not at all, and delete the previous best.

    Raises:
        OSError: if it can't be written; the previous best stays as it is.
    """
    target = _write_whole(directory / f"step-{step:08d}", {WEIGHTS: weights_of(generator, tree)})
    for old in checkpoints(directory):
        if old != target:
            shutil.rmtree(old, ignore_errors=True)


def _write_whole(target: Path, files: Mapping[str, bytes]) -> Path:
    """Write a folder under a temporary name, then rename it: a reader never finds half of it."""
    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        temporary.mkdir(parents=True)
        for name, content in files.items():
            with (temporary / name).open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())  # the content must survive a power cut after the rename
        shutil.rmtree(target, ignore_errors=True)
        return temporary.replace(target)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def sweep(run: Path) -> None:
    """Delete the unfinished folders that killed processes have left in a run's directory."""
    for folder in ("checkpoints", "best"):
        for left in (run / folder).glob(".step-*"):
            shutil.rmtree(left, ignore_errors=True)


def candidates(run: Path) -> list[Path]:
    """The weights files of a run's directory; the last one counts: the best if there is one, else the newest."""
    folders = [*checkpoints(run / "checkpoints"), *checkpoints(run / "best")]
    return [folder / WEIGHTS for folder in folders if (folder / WEIGHTS).is_file()]


def checkpoints(directory: Path) -> list[Path]:
    """The checkpoints in a directory, oldest first."""
    return sorted(directory.glob("step-*"))


def latest_state(directory: Path, identity: str) -> dict[str, Any] | None:
    """The state of the newest complete checkpoint; None if there is none.

    Raises:
        ToonlabError: if it belongs to another run.
    """
    for path in reversed(checkpoints(directory)):
        try:
            state = load_state(path)
        except ToonlabError as error:
            warnings.warn(f"{error}; going back to the checkpoint before it", RuntimeWarning, stacklevel=2)
            continue
        if state["identity"] != identity:
            raise ToonlabError(f"{path}: is a checkpoint of another recipe, data or code; remove it to train here")
        return state
    return None


def load_state(checkpoint: Path) -> dict[str, Any]:
    """The training state of a checkpoint, on the CPU.

    Raises:
        ToonlabError: if the file is missing, truncated, or not a state.
    """
    path = checkpoint / STATE
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises errors of many types on damaged files
        raise ToonlabError(f"{path}: can't be read ({type(error).__name__})") from error
    if not isinstance(state, dict) or not {"step", "identity", "parts"} <= state.keys():
        raise ToonlabError(f"{path}: not a training state")
    return state


# -- weights


def weights_of(generator: nn.Module, tree: Tree) -> bytes:
    """A generator's weights as a safetensors file, with its recipe as metadata."""
    tensors = {name: tensor.detach().cpu().clone().contiguous() for name, tensor in generator.state_dict().items()}
    return safetensors.torch.save(tensors, metadata={"format": "pt", "toonlab": json.dumps(tree)})


def read_weights(path: Path) -> tuple[dict[str, Tensor], Tree]:
    """The weights and the recipe's tree of a file that `save` wrote.

    Raises:
        ToonlabError: if it is anything else; nothing in it is executed.
    """
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
    tensors, tree = read_weights(path)
    try:
        recipe = resolve({**tree, "observers": {}}, path.stem, catalogue)
    except RecipeError as error:
        problems = "; ".join(map(str, error.problems))
        raise ToonlabError(f"{path}: its recipe can't be used here: {problems}") from error
    with seeded(0, "load"):
        generator = recipe.generator.network.make(catalogue)
    assert isinstance(generator, nn.Module)
    try:
        generator.load_state_dict(tensors)
    except RuntimeError as error:
        text = " ".join(str(error).split())
        raise ToonlabError(f"{path}: the weights don't fit {recipe.generator.network.use!r}: {text}") from error
    return generator.eval()


def best_generator(recipe: Recipe, run: Path, catalogue: Catalogue) -> nn.Module | None:
    """The generator with the best weights of a run's directory; None if the recipe selects the last ones.

    None also if no evaluation had the metric, so that none of the weights was kept as the best.
    """
    best = checkpoints(run / "best")
    return load_generator(best[-1] / WEIGHTS, catalogue) if best and recipe.train.select != "last" else None


# -- training state


def state_of(gan: GAN, stage: ActiveStage) -> dict[str, Any]:
    """Everything that changes in training, by name."""
    states = _optimizer_states(stage)
    return {
        "parts": {name: part.state_dict() for name, part in _stateful(gan).items()},
        "ema": gan.ema.state_dict() if gan.ema else None,
        "optimizers": {name: one.optimizer.state_dict() for name, one in states.items() if one.optimizer},
        "schedules": {name: one.schedule.state_dict() for name, one in states.items() if one.schedule},
    }


def restore(state: Mapping[str, Any], gan: GAN, stage: ActiveStage) -> None:
    """Load what `state_of` returned; `stage` is the stage that the state was taken in."""
    for name, part in _stateful(gan).items():
        part.load_state_dict(state["parts"][name])
    if gan.ema:
        gan.ema.load_state_dict(state["ema"])
    for name, one in _optimizer_states(stage).items():
        if one.optimizer:
            one.optimizer.load_state_dict(state["optimizers"][name])
        if one.schedule:
            one.schedule.load_state_dict(state["schedules"][name])


def _optimizer_states(stage: ActiveStage) -> dict[str, OptimizerState]:
    return {"generator": stage.generator_state, **{f"critic/{n}": one for n, one in stage.critic_states.items()}}


def _stateful(gan: GAN) -> dict[str, Any]:
    """The parts with a state that training changes."""
    return {name: part for name, part in gan.parts().items() if hasattr(part, "state_dict") and name != "features"}
