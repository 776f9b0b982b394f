"""A trained generator as an ONNX file for photos of any size, checked with onnxruntime before it is written."""

from __future__ import annotations

import json
import warnings
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from toonlab import ToonlabError, first_line, rng

from .generator import METADATA, SMALLEST

SIZES = ((64, 64), (97, 131), (255, 190))  # height and width, also odd ones
BATCHES = (1, 2)
TOLERANCE = 1e-4  # of values in [-1, 1]; a level of a picture is 8e-3
OPSET = 18
_OWN_NORM = F.group_norm
LICENSE = "network: Apache-2.0 (toonlab); weights: not stated"


class AnySize(nn.Module):
    """A generator that takes photos of any size, as `toonlab cartoonize` does.

    `(B, 3, H, W)` in [-1, 1] -> the same: padded at the bottom and the right to the multiple that the generator takes,
    by repeating the border, and cropped back.
    """

    def __init__(self, generator: nn.Module) -> None:
        super().__init__()
        self.generator = generator
        self.multiple = int(getattr(generator, "side_multiple", 1))

    def forward(self, photo: Tensor) -> Tensor:
        height, width = photo.shape[-2:]
        # no negative numbers: ONNX rounds their quotients to zero
        bottom, right = (self.multiple - 1 - (side - 1) % self.multiple for side in (height, width))
        fakes = self.generator(F.pad(photo, (0, right, 0, bottom), mode="replicate"))
        return fakes[..., :height, :width].clamp(-1, 1)


def to_onnx(generator: nn.Module, recipe: dict[str, Any], license: str = LICENSE) -> bytes:
    """The ONNX file of a generator, with dynamic batch and sides, and its recipe and licence as metadata.

    Args:
        generator: `(B, 3, H, W)` in [-1, 1] -> the same, with attributes `side_multiple` and `side_minimum` if it does
            not take every side.
        recipe: that made the weights.
        license: a text.

    Raises:
        ToonlabError: if it can't be exported, or onnxruntime computes something else.
    """
    try:
        import onnx
        import onnxruntime  # noqa: F401 (the check needs it)
    except ImportError as error:
        raise ToonlabError(f"exporting needs {error.name}: pip install 'toonlab[onnx]'") from error
    network = AnySize(generator).eval()
    model = onnx.load_from_string(_exported(network))
    notes = {
        METADATA: json.dumps(recipe),
        "toonlab_version": version("toonlab"),
        "license": license,
        "pictures": "RGB, (batch, 3, height, width), float32 in [-1, 1], of any size; padded and cropped inside",
        SMALLEST: str(getattr(generator, "side_minimum", 1)),
    }
    onnx.helper.set_model_props(model, notes)
    for node in model.graph.node:
        node.ClearField("name")  # a tenth of a small file: outputs have the same names
    content: bytes = model.SerializeToString()
    check(network, content)
    return content


def _group_norm(
    input: Tensor, num_groups: int, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5
) -> Tensor:
    """`F.group_norm` of one group, or of a group for each channel, with means taken axis by axis.

    onnxruntime's own norm adds up float32 one by one: over a picture of 1000x1000 pixels it is 3e-4 off.
    """
    if num_groups not in (1, int(input.shape[1])):
        return _OWN_NORM(input, num_groups, weight, bias, eps)
    dims = (3, 2, 1) if num_groups == 1 else (3, 2)
    centred = input - _mean(input, dims)
    normed = centred / (_mean(centred * centred, dims) + eps).sqrt()
    return normed if weight is None or bias is None else normed * weight[:, None, None] + bias[:, None, None]


def _mean(values: Tensor, dims: Sequence[int]) -> Tensor:
    for dim in dims:
        values = values.mean(dim, keepdim=True)
    return values


def _exported(network: AnySize) -> bytes:
    axes = {0: "batch", 2: "height", 3: "width"}
    try:
        with warnings.catch_warnings(), patch.object(F, "group_norm", _group_norm), TemporaryDirectory() as folder:
            warnings.simplefilter("ignore")  # that it is traced: `check` finds what that may break
            torch.onnx.export(
                network,
                (torch.zeros(2, 3, 70, 90),),
                path := Path(folder, "generator.onnx"),
                input_names=["photo"],
                output_names=["cartoon"],
                dynamic_axes={"photo": axes, "cartoon": axes},
                opset_version=OPSET,
                external_data=False,
                dynamo=False,  # torch.export's way takes 20 times as long, for a file twice as large
            )
            return path.read_bytes()
    except Exception as error:  # of many types
        name = type(network.generator).__name__
        raise ToonlabError(f"{name} can't be exported to ONNX: {first_line(error)}") from error


@torch.no_grad()
def check(network: nn.Module, content: bytes) -> float:
    """The largest difference between a network and its ONNX file in onnxruntime, over `SIZES` and `BATCHES`.

    Raises:
        ToonlabError: if it is more than `TOLERANCE`, or another shape.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # of what is raised as well
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    largest = 0.0
    for height, width in SIZES:
        for batch in BATCHES:
            photo = torch.rand((batch, 3, height, width), generator=rng(0, "export")) * 2 - 1
            expected = network(photo)
            try:
                found = torch.from_numpy(session.run(None, {"photo": photo.numpy()})[0])
                difference = (found - expected).abs().max().item() if found.shape == expected.shape else float("inf")
            except Exception:  # of many types, none of them public
                difference = float("nan")
            if not difference <= TOLERANCE:
                where = f"{batch} photos of {width}x{height} pixels"
                text = f"onnxruntime disagrees with torch by {difference:.2g} on {where}, more than {TOLERANCE:g}"
                raise ToonlabError(f"{text}; nothing was written")
            largest = max(largest, difference)
    return largest
