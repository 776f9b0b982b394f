"""The checkpoints of the methods' authors as weights of toonlab's networks.

TensorFlow's variables are matched by name, as the authors' code creates them; PyTorch's tensors by their order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from toonlab import ToonlabError, discover, nearest, read_state_dict

from .tensor_bundle import TensorBundle

METHODS = ("ctss", "animegan", "whitebox", "cartoongan")


@dataclass(frozen=True)
class Original:
    """Published weights: a state dict of toonlab's network, the recipe that it is of, and the changes to that."""

    tensors: Mapping[str, Tensor]
    recipe: str
    network: Mapping[str, Any]
    source: Path

    @property
    def about(self) -> str:
        return f"{self.recipe}: the authors' weights, from {self.source.name}"

    @property
    def overrides(self) -> dict[str, Any]:
        """The changes to the recipe; on which pictures the authors trained, the file does not say."""
        network = {f"generator.network.{key}": value for key, value in self.network.items()}
        pictures = {"data.photos": "the authors' photos", "data.cartoons": "the authors' cartoons"}
        return {"about": self.about, **pictures, **network}


def read_original(method: str, path: Path) -> Original:
    """The weights of a method's generator.

    Args:
        method: one of `METHODS`.
        path: a TensorFlow checkpoint, as `TensorBundle.open` takes it; for `cartoongan` a PyTorch file.

    Raises:
        ToonlabError: if there is no such method, or the file is another network's, damaged, or more than tensors.
    """
    if method not in METHODS:
        raise ToonlabError(f"{method}: no method whose checkpoints can be imported; {nearest(method, METHODS)}")
    if method == "cartoongan":
        return _cartoongan(path)
    return _from_tensorflow(method, TensorBundle.open(path))


def _from_tensorflow(method: str, bundle: TensorBundle) -> Original:
    names = list(_NAMES[method]())
    scope = _scope(bundle, names, method)
    arrays = {name: bundle.read(scope + name) for name in names}
    options: dict[str, Any] = {"width": arrays[names[0]].shape[-1]}
    if method == "ctss":
        joined, upsampled = (arrays[f"D/{name}/Conv2d/weights"].shape for name in ("conv_blk", "upsample"))
        options = {"use": "ctss_unet" if joined[2] > upsampled[3] else "ctss_plain", **options}
    use = options.get("use") or {"animegan": "animegan", "whitebox": "whitebox_unet"}[method]
    with torch.device("meta"):
        network = discover().make("generators", use, width=options["width"])
    pairs = zip(_variables(network), names, strict=True)
    tensors = {own: _tensor(arrays[name], name) for own, name in pairs}
    return Original(_blue_first(tensors) if method == "whitebox" else tensors, method, options, bundle.prefix)


def _scope(bundle: TensorBundle, names: list[str], method: str) -> str:
    """The beginning of the generator's names in a checkpoint, which may hold critics and optimizers as well."""
    for name in bundle.entries:
        scope = name.removesuffix(names[0])
        if name != scope and all(scope + other in bundle.entries for other in names):
            return scope
    lacking = [name for name in names if not any(key.endswith(name) for key in bundle.entries)]
    text = f"has no variable {(lacking or names)[0]}: it holds no generator of {method}"
    raise ToonlabError(f"{bundle.prefix}.index: {text}")


def _tensor(array: np.ndarray[Any, Any], name: str) -> Tensor:
    """A kernel's axes (height, width, in, out), or (height, width, channels, 1), in PyTorch's order."""
    depthwise = name.endswith(("/w", "/depthwise_weights"))
    axes = () if array.ndim != 4 else (2, 3, 0, 1) if depthwise else (3, 2, 0, 1)
    return torch.from_numpy(np.array(array.transpose(axes) if axes else array, dtype=np.float32, order="C"))


def _variables(network: nn.Module) -> Iterator[str]:
    """The names of a network's tensors in the order in which TensorFlow's code creates its variables."""
    for name, module in network.named_modules():
        if isinstance(module, nn.Conv2d):
            yield f"{name}.weight"
            if module.bias is not None:
                yield f"{name}.bias"
        elif isinstance(module, nn.GroupNorm):
            yield from (f"{name}.bias", f"{name}.weight")


def _blue_first(tensors: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """The weights for pictures whose first channel is red, of those for pictures whose first channel is blue."""
    first, *_, last, bias = tensors  # the last convolution has one
    return {**tensors, first: tensors[first].flip(1), last: tensors[last].flip(0), bias: tensors[bias].flip(0)}


def _normed(kernels: Iterable[str], norm: str) -> list[str]:
    return [*kernels, f"{norm}/beta", f"{norm}/gamma"]


def _ctss() -> Iterator[str]:
    def block(scope: str) -> list[str]:
        return _normed([f"{scope}/Conv2d/weights"], f"{scope}/layer_norm")

    for scope in ("A/conv_blk_1", "A/conv_blk_2", "A/conv_blk_3", "B/conv_blk_1", "B/conv_blk_2", "C/conv_blk_1"):
        yield from block(scope)
    for scope in ("C/r1", "C/r2", "C/r3", "C/r4"):
        yield from block(f"{scope}/conv_blk")
        yield from _normed([f"{scope}/dwise_conv/w"], f"{scope}/layer_norm_1")
        yield from _normed([f"{scope}/Conv2d/weights"], f"{scope}/layer_norm_2")
    for scope in ("C/conv_blk_2", "D/upsample", "D/conv_blk", "E/upsample", "E/conv_blk_1", "E/conv_blk_2"):
        yield from block(scope)
    yield "out_layer/Conv2d/weights"


def _animegan() -> Iterator[str]:
    def plain(scope: str, number: str = "") -> list[str]:
        return _normed([f"G_MODEL/{scope}/Conv{number}/weights"], f"G_MODEL/{scope}/InstanceNorm{number}")

    def separable(scope: str, number: str = "") -> list[str]:
        scope = f"G_MODEL/{scope}/SeparableConv2d{number}"
        return _normed([f"{scope}/depthwise_weights", f"{scope}/pointwise_weights"], f"{scope}/InstanceNorm")

    yield from [*plain("b1"), *plain("b1", "_1"), *separable("b1"), *separable("b1", "_1")]
    yield from [*plain("b2"), *separable("b2"), *separable("b2", "_1"), *separable("b2", "_2"), *plain("m")]
    for block in (f"r{number}" for number in range(1, 9)):
        scope = f"G_MODEL/m/{block}"
        yield from plain(f"m/{block}")
        yield from _normed([f"{scope}/{block}/w"], f"{scope}/1")
        yield from _normed([f"{scope}/Conv_1/weights"], f"{scope}/2")
    yield from [*plain("m", "_1"), *separable("u2"), *separable("u2", "_1"), *plain("u2")]
    yield from [*separable("u1"), *plain("u1"), *plain("u1", "_1"), "G_MODEL/Conv/weights"]


def _whitebox() -> Iterator[str]:
    blocks = [f"block_{number}/{name}" for number in range(4) for name in ("conv1", "conv2")]
    down, up = (["Conv" if number == 0 else f"Conv_{number}" for number in span] for span in (range(5), range(5, 10)))
    for scope in [*down, *blocks, *up]:
        yield from (f"{scope}/weights", f"{scope}/biases")


_NAMES = {"ctss": _ctss, "animegan": _animegan, "whitebox": _whitebox}


def _cartoongan(path: Path) -> Original:
    """A state dict of the PyTorch code, or the authors' models as converted for PyTorch.

    The latter are known by the `scale` of their norms; they reflect at the borders, and blue comes first.
    """
    state = list(read_state_dict(path).items())
    affine = any(name.endswith(".scale") for name, _ in state)
    kernels = [tensor for _, tensor in state if tensor.ndim == 4]
    options = {
        "width": len(kernels[0]) if kernels else 64,
        "blocks": max(1, (len(kernels) - 10) // 2),
        "padding": "reflect" if affine else "zeros",
        "affine": affine,
    }
    with torch.device("meta"):
        names = list(discover().make("generators", "cartoongan", **options).state_dict())
    if len(names) != len(state):
        text = f"holds {len(state)} tensors, of {len(kernels)} convolutions: these are no weights of its generator"
        raise ToonlabError(f"{path}: {text}")
    tensors = {name: tensor.float() for name, (_, tensor) in zip(names, state, strict=True)}
    return Original(_blue_first(tensors) if affine else tensors, "cartoongan", options, path)
