"""The weights of VGG16 and VGG19: from torchvision, from a file, or random."""

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from toonlab import ToonlabError, first_line, nearest, read_state_dict

from .numpy_pickle import read_pickled_arrays

Shapes = Mapping[str, torch.Size]  # `conv1_1.weight` -> its shape, for the layers that are needed
_OF_VGG19_ALONE = ("conv3_4", "conv4_4", "conv5_4")


def load_weights(weights: str, shapes: Shapes, layers: Sequence[str], network: str = "vgg19") -> dict[str, Tensor]:
    """The tensors named in `shapes`, float32.

    Args:
        weights: `imagenet`, `random` or the path of a file.
        shapes: of the needed tensors, by our names.
        layers: all layers of the network in order: torchvision calls the i-th one `features.i`.
        network: `vgg16` or `vgg19`.

    Raises:
        ToonlabError: if the weights are not available or do not fit.
    """
    if weights == "random":
        return _random(shapes)
    if weights == "imagenet":
        found, source = _imagenet(network), f"torchvision's {network.upper()}"
    else:
        found, source = _from_file(Path(weights).expanduser(), shapes, network), weights
        _check_depth(found, layers, source, network)
    return {name: _pick(found, name, shape, layers, source, network) for name, shape in shapes.items()}


def missing_weights(weights: str, network: str = "vgg19") -> dict[str, str]:
    """The file of weights that is not on this machine -> where it comes from; see `load_weights`."""
    from torchvision.models import get_model_weights

    if weights == "random":
        return {}
    url = get_model_weights(network)["IMAGENET1K_V1"].url
    cached = Path(torch.hub.get_dir(), "checkpoints", Path(url).name)
    path = cached if weights == "imagenet" else Path(weights).expanduser()
    text = (
        f"{network.upper()}'s weights; the first run downloads {url}"
        if weights == "imagenet"
        else "no such file of weights"
    )
    return {} if path.is_file() else {str(path): text}


def _random(shapes: Shapes) -> dict[str, Tensor]:
    """He initialisation for ReLU, zero biases; the first layers do not depend on the number of layers."""
    rng = torch.Generator().manual_seed(0)
    return {
        name: torch.randn(shape, generator=rng) * math.sqrt(2 / math.prod(shape[1:]))
        if name.endswith("weight")
        else torch.zeros(shape)
        for name, shape in shapes.items()
    }


def _imagenet(network: str) -> Mapping[str, Tensor]:
    from torchvision.models import get_model_weights

    weights = get_model_weights(network).IMAGENET1K_V1
    try:
        return weights.get_state_dict(check_hash=True, weights_only=True)
    except Exception as error:  # the network, the disk, or a damaged file in the cache
        folder = Path(torch.hub.get_dir(), "checkpoints")
        raise ToonlabError(
            f"{network}: the ImageNet weights can't be had ({first_line(error)}); put {Path(weights.url).name} into "
            f"{folder}, or give a file with features.weights=PATH, or do without with features.use=random"
        ) from error


def _from_file(path: Path, shapes: Shapes, network: str) -> Mapping[str, Tensor]:
    if path.suffix not in _READERS:
        ways = f"{nearest(str(path), ['imagenet', 'random'])} or a path ending in {', '.join(_READERS)}"
        text = f"weights {str(path)!r} are neither a known name nor a file of a known kind"
        raise ToonlabError(f"{network}: {text}; {ways}")
    if not path.is_file():
        raise ToonlabError(f"{network}: weights {path}: no such file")
    return _READERS[path.suffix](path, shapes)


def _read_torch(path: Path, shapes: Shapes) -> Mapping[str, Tensor]:
    return read_state_dict(path)


def _read_safetensors(path: Path, shapes: Shapes) -> Mapping[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except SafetensorError as error:
        raise ToonlabError(f"{path}: is no safetensors file: {first_line(error)}") from error


def _read_npy(path: Path, shapes: Shapes) -> Mapping[str, Tensor]:
    """Name -> [kernel in TensorFlow's (height, width, in, out), bias]."""
    layers = dict.fromkeys(name.partition(".")[0] for name in shapes)
    state = {}
    for layer, arrays in read_pickled_arrays(path, layers, _OF_VGG19_ALONE).items():
        for kind, array in zip(("weight", "bias"), arrays, strict=False):
            tensor = torch.from_numpy(array.astype("float32"))
            state[f"{layer}.{kind}"] = tensor.permute(3, 2, 0, 1) if tensor.ndim == 4 else tensor
    return state


_READERS: dict[str, Callable[[Path, Shapes], Mapping[str, Tensor]]] = {
    ".pt": _read_torch,
    ".pth": _read_torch,
    ".safetensors": _read_safetensors,
    ".npy": _read_npy,
}


def _check_depth(state: Mapping[str, Tensor], layers: Sequence[str], source: str, network: str) -> None:
    """VGG16's layers have the shapes of VGG19's of the same names, so only a further layer betrays the wrong file."""
    if others := [name for name in _OF_VGG19_ALONE if name not in layers and f"{name}.weight" in state]:
        raise ToonlabError(f"{source}: has {others[0]}, so these are weights of a VGG19; {network} needs its own")


def _pick(
    state: Mapping[str, Tensor], name: str, shape: torch.Size, layers: Sequence[str], source: str, network: str
) -> Tensor:
    layer, _, kind = name.partition(".")
    index = layers.index(layer)
    spellings = (name, f"features.{index}.{kind}", f"{index}.{kind}")
    tensor = next((state[spelling] for spelling in spellings if spelling in state), None)
    if tensor is None:
        raise ToonlabError(f"{source}: has none of {', '.join(spellings)}: are these weights of a {network.upper()}?")
    if tensor.shape != shape:
        raise ToonlabError(
            f"{source}: {name} should be {tuple(shape)}, got {tuple(tensor.shape)}: not a {network.upper()}"
        )
    if not tensor.isfinite().all():
        raise ToonlabError(f"{source}: {name} is not finite: the file is damaged")
    return tensor.float().contiguous()
