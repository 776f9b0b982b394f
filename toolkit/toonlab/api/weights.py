"""A generator's weights from Python: of a run or a file, and a file for those of another program."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from toonlab.engine.checkpoint import find_weights
from toonlab.engine.integrity import non_finite
from toonlab.engine.weights import load_generator, load_tensors, read_weights, weights_of
from toonlab.errors import ToonlabError

from .common import warned_catalogue
from .train import load_recipe


@dataclass(frozen=True)
class Weights:
    """A generator with its weights, in eval mode, the recipe that made them as plain data, and their file."""

    generator: nn.Module
    recipe: Mapping[str, Any]
    path: Path


def open_weights(source: str | os.PathLike[str]) -> Weights:
    """The selected weights of a run's directory, or those of a `.safetensors` file.

    Raises:
        ToonlabError: if there are none, or they are damaged.
    """
    path = find_weights(Path(source))
    return Weights(load_generator(path, warned_catalogue()), read_weights(path)[1], path)


def save_weights(
    path: str | os.PathLike[str], tensors: Mapping[str, Tensor], recipe: str, overrides: Mapping[str, Any]
) -> None:
    """Write the state dict of a recipe's generator as a file of weights, which every command takes.

    Args:
        path: a `.safetensors` file.
        tensors: by the names of the recipe's network.
        recipe: a name that `toonlab recipes` lists, or a path.
        overrides: changes to the recipe, by dotted names.

    Raises:
        ToonlabError: with the first tensor that does not fit the network, or is not finite.
    """
    if name := next(non_finite(tensors), None):
        raise ToonlabError(f"{path}: {name} is not finite: these weights are damaged")
    catalogue = warned_catalogue()
    loaded = load_recipe(recipe, catalogue, tuple(overrides.items()))
    generator: nn.Module = loaded.generator.network.make(catalogue)
    load_tensors(generator, tensors, loaded.generator.network.use, Path(path))
    Path(path).write_bytes(weights_of(generator, loaded.tree))
