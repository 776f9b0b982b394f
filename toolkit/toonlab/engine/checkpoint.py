"""Checkpoints: a generator's weights, and the state that a resumed training needs.

Loading a checkpoint executes no code from it: safetensors for weights, `weights_only=True` for the rest.
"""

import io
import os
import shutil
import warnings
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any

import torch
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from torch import nn
from typing_extensions import TypedDict

from toonlab.errors import DivergedError, ToonlabError, nearest
from toonlab.recipes.dotted_tree import Tree
from toonlab.recipes.spec import Recipe
from toonlab.registry.catalogue import Catalogue
from toonlab.utils import paths
from toonlab.utils.reading import describe, read_bytes

from .gan import GAN, ActiveStage, OptimizerState
from .integrity import check_kinds, check_shapes, is_whole_state, non_finite, sealed_state
from .weights import WEIGHTS, load_generator, load_tensors, read_weights, weights_of

STATE = "state.pt"


class _State(TypedDict):
    __pydantic_config__ = ConfigDict(extra="forbid")  # type: ignore[misc]
    step: Annotated[int, Field(ge=1)]
    seconds: Annotated[float, Field(ge=0, le=1e11)]
    lines: Annotated[int, Field(ge=0)]
    identity: str
    parts: dict[str, Any]
    ema: dict[str, Any] | None
    optimizers: dict[str, dict[str, Any]]
    schedules: dict[str, dict[str, Any]]


_STATE: TypeAdapter[Any] = TypeAdapter(_State)


def save(directory: Path, state: Mapping[str, Any], generator: nn.Module, tree: Tree, keep: int) -> Path:
    """Write `step-00001000/` into `directory`, whole or not at all, and delete all but the newest `keep`.

    Raises:
        DivergedError: if a weight is not finite.
        OSError: if it can't be written.
        Existing checkpoints stay as they are.
    """
    _check_finite(state["parts"], state["step"])
    _check_finite(generator.state_dict(), state["step"])
    buffer = io.BytesIO()
    torch.save(dict(state), buffer)
    files = {WEIGHTS: weights_of(generator, tree), STATE: sealed_state(buffer.getvalue())}
    target = _write_whole(directory / f"step-{state['step']:08d}", files)
    for old in checkpoints(directory)[:-keep]:
        shutil.rmtree(old, ignore_errors=True)
    return target


def keep_best(
    directory: Path,
    step: int,
    generator: nn.Module,
    tree: Tree,
    generators: Mapping[str, nn.Module] = MappingProxyType({}),
) -> None:
    """Write `step-00001000/` with weights alone, whole or not at all, and delete the previous best.

    `generators` are further ones, which are kept next to it as `generators.NAME.safetensors`.

    Raises:
        DivergedError: if a weight is not finite.
        OSError: if it can't be written; the previous best stays as it is.
    """
    _check_finite(generator.state_dict(), step)
    files = {WEIGHTS: weights_of(generator, tree)}
    files |= {_file_of(name): weights_of(net, tree) for name, net in generators.items()}
    target = _write_whole(directory / f"step-{step:08d}", files)
    for old in checkpoints(directory):
        if old != target:
            shutil.rmtree(old, ignore_errors=True)


def _check_finite(tensors: Mapping[str, Any], step: int) -> None:
    if name := next(non_finite(tensors), None):
        raise DivergedError(f"diverged by step {step}: {name} is not finite; earlier checkpoints are kept")


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


def candidates(run: Path) -> list[Path]:
    """The weights files of a run's directory; the last one counts: the best if there is one, else the newest."""
    folders = [*checkpoints(run / "checkpoints"), *checkpoints(run / "best")]
    return [folder / WEIGHTS for folder in folders if (folder / WEIGHTS).is_file()]


def checkpoints(directory: Path) -> list[Path]:
    """The checkpoints in a directory, oldest first."""
    return sorted(path for path in directory.glob("step-*") if path.name[5:].isdecimal())


def latest_state(directory: Path, identity: str) -> dict[str, Any] | None:
    """The state of the newest complete checkpoint; None if there is none.

    Raises:
        ToonlabError: if it belongs to another run.
    """
    for path in reversed(checkpoints(directory)):
        try:
            state = load_state(path)
            if state["identity"] == identity and path.name != f"step-{state['step']:08d}":
                raise ToonlabError(f"{path}: is of step {state['step']}")
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
        ToonlabError: if the file is missing, damaged, not a state, or of a training that diverged.
    """
    path = checkpoint / STATE
    try:
        content = read_bytes(path, "resume without it", largest=None)
        if not is_whole_state(content):
            raise ToonlabError(f"{path}: can't be read (its checksum differs: it is damaged)")
        state: dict[str, Any] = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
        _STATE.validate_python(state, strict=True)
        name = next(non_finite(state["parts"]), None)
    except FileNotFoundError:
        raise ToonlabError(f"{path}: can't be read (no such file)") from None
    except ToonlabError:
        raise
    except ValidationError as error:
        raise ToonlabError(f"{path}: not a training state: {describe(error)}") from error
    except Exception as error:  # torch raises errors of many types
        raise ToonlabError(f"{path}: can't be read ({type(error).__name__})") from error
    if name:
        raise ToonlabError(f"{path}: {name} is not finite: the training had diverged")
    return state


# -- weights


def find_weights(source: Path) -> Path:
    """The file of weights for a run's directory, a checkpoint's directory, or a file.

    Of a run, the weights that its recipe selects (`train.select`); damaged ones are passed over with a warning.

    Raises:
        ToonlabError: if there are none.
    """
    if source.is_file():
        return source
    if not source.exists():
        hint = "" if source.parent.name else f"; {nearest(source.name, paths.listed('baselines'))}"
        raise ToonlabError(f"{source}: no such run, file of weights or recipe{hint}")
    if (source / WEIGHTS).is_file():
        return source / WEIGHTS
    for weights in reversed(candidates(source)):
        try:
            read_weights(weights)
        except ToonlabError as error:
            warnings.warn(f"{error}; going back to the checkpoint before it", RuntimeWarning, stacklevel=2)
            continue
        return weights
    raise ToonlabError(f"{source}: no checkpoint in it; give a run's directory or a .safetensors file")


def start_from(source: Path, generator: nn.Module, name: str) -> nn.Module:
    """Load the weights of a source, as for `find_weights`, into a generator of some name, in place, and return it.

    Raises:
        ToonlabError: if there are none, or with the first tensor that does not fit.
    """
    path = find_weights(source.expanduser())
    load_tensors(generator, read_weights(path)[0], name, path)
    return generator


def best_generator(recipe: Recipe, run: Path, catalogue: Catalogue) -> nn.Module | None:
    """The generator with the best weights of a run's directory; None if the recipe selects the last ones.

    None also if no evaluation had the metric, so that none of the weights was kept as the best.
    """
    best = checkpoints(run / "best")
    return load_generator(best[-1] / WEIGHTS, catalogue) if best and recipe.train.select != "last" else None


def load_best(run: Path, generators: Mapping[str, nn.Module]) -> None:
    """Load the weights of further generators that `keep_best` kept in a run's directory, in place."""
    best = checkpoints(run / "best")[-1]
    for name, net in generators.items():
        load_tensors(net, read_weights(best / _file_of(name))[0], name, best / _file_of(name))


def _file_of(name: str) -> str:
    return f"generators.{name}.safetensors"


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
    """Load what `state_of` returned; `stage` is the stage that the state was taken in.

    Raises:
        Exception: of any type, if it does not fit.
    """
    for name, part in _stateful(gan).items():
        part.load_state_dict(state["parts"][name])
    if gan.ema:
        gan.ema.load_state_dict(state["ema"])
    for name, one in _optimizer_states(stage).items():
        if one.optimizer:
            given = state["optimizers"][name]
            check_kinds(given["param_groups"], one.optimizer.state_dict()["param_groups"], f"optimizers.{name}")
            one.optimizer.load_state_dict(given)
            check_shapes(one.optimizer, f"optimizers.{name}")
        if one.schedule:
            check_kinds(state["schedules"][name], one.schedule.state_dict(), f"schedules.{name}")
            one.schedule.load_state_dict(state["schedules"][name])


def _optimizer_states(stage: ActiveStage) -> dict[str, OptimizerState]:
    return {"generator": stage.generator_state, **{f"critic/{n}": one for n, one in stage.critic_states.items()}}


def _stateful(gan: GAN) -> dict[str, Any]:
    """The parts with a state that training changes."""
    return {name: part for name, part in gan.parts().items() if hasattr(part, "state_dict") and name != "features"}
