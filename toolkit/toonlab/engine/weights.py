"""A generator's weights as a safetensors file that carries its recipe and a checksum."""

import json
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors.torch
from pydantic import TypeAdapter
from safetensors import SafetensorError
from torch import Tensor, nn

from toonlab.errors import RecipeError, ToonlabError, first_line, reason
from toonlab.recipes.dotted_tree import Tree
from toonlab.recipes.resolve import resolve
from toonlab.registry.catalogue import Catalogue
from toonlab.utils.reading import parse_json, read_bytes
from toonlab.utils.rng import seeded

from .integrity import check_size, is_whole_weights, metadata_of, non_finite, sealed_weights

WEIGHTS = "generator.safetensors"
_TREE: TypeAdapter[dict[str, Any]] = TypeAdapter(dict[str, Any])


def weights_of(generator: nn.Module, tree: Tree) -> bytes:
    """A generator's weights as a safetensors file, with its recipe as metadata."""
    tensors = {name: tensor.detach().cpu().clone().contiguous() for name, tensor in generator.state_dict().items()}
    return sealed_weights(safetensors.torch.save(tensors), {"format": "pt", "toonlab": json.dumps(tree)})


def read_weights(path: Path) -> tuple[dict[str, Tensor], Tree]:
    """The weights and the recipe's tree of a file that `save` wrote.

    Raises:
        ToonlabError: if it is anything else, damaged, or of a training that diverged; nothing in it is executed.
    """
    try:
        content = read_bytes(path, "give a file of weights", largest=None)
        tensors = safetensors.torch.load(content)
    except FileNotFoundError:
        raise ToonlabError(f"{path}: no such file") from None
    except (SafetensorError, KeyError, ValueError, TypeError, RuntimeError) as error:  # a type that torch has not
        raise ToonlabError(f"{path}: not a safetensors file of weights: {first_line(error)}") from error
    whole = is_whole_weights(content)
    if whole is False:
        raise ToonlabError(f"{path}: its checksum differs, so it is damaged; use another checkpoint")
    tree = metadata_of(content).get("toonlab")
    if tree is None:
        raise ToonlabError(f"{path}: carries no recipe; only weights that toonlab saved can be used")
    if whole is None:
        warnings.warn(f"{path}: carries no checksum, so damage can't be found", RuntimeWarning, stacklevel=2)
    if name := next(non_finite(tensors), None):
        raise ToonlabError(f"{path}: {name} is not finite: the training had diverged; use an earlier checkpoint")
    try:
        return tensors, parse_json(tree, _TREE)
    except ValueError as error:
        raise ToonlabError(f"{path}: its recipe can't be read: {error}") from error


def load_generator(path: Path, catalogue: Catalogue) -> nn.Module:
    """The generator of a weights file, ready to use."""
    tensors, tree = read_weights(path)
    try:
        recipe = resolve({**tree, "observers": {}}, path.stem, catalogue)
    except RecipeError as error:
        problems = "; ".join(map(str, error.problems))
        raise ToonlabError(f"{path}: its recipe can't be used here: {problems}") from error
    network = recipe.generator.network
    try:
        check_size(lambda: network.make(catalogue), sum(tensor.numel() for tensor in tensors.values()))
        with seeded(0, "load"):
            generator = network.make(catalogue)
    except Exception as error:  # of a plugin
        raise ToonlabError(f"{path}: {network.use}: {reason(error)}") from error
    assert isinstance(generator, nn.Module)
    load_tensors(generator, tensors, network.use, path)
    return generator.eval()


def load_tensors(generator: nn.Module, tensors: Mapping[str, Tensor], name: str, source: Path) -> None:
    """Load weights into a generator of some name, in place; the source is for the error.

    Raises:
        ToonlabError: with the first tensor that differs.
    """
    own = generator.state_dict()
    for key in [*own, *tensors]:
        there, here = (tuple(held[key].shape) if key in held else "missing" for held in (tensors, own))
        if there != here:
            text = f"the weights don't fit {name!r}: {key} is {there} in the file and {here} in the network"
            raise ToonlabError(f"{source}: {text}")
    generator.load_state_dict(tensors)
