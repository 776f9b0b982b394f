"""The networks whose features KID and FID compare: Inception with local weights, and a random one without any."""

from __future__ import annotations

import hashlib
import math
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from zipfile import ZipFile, is_zipfile

import torch
import torch.nn.functional as F
from torch import Tensor

from toonlab import ToonlabError, first_line
from toonlab.ops.levels import to_float

if TYPE_CHECKING:
    from torch import nn

FILE = "weights-inception-2015-12-05-6726825d.pth"
URL = f"https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/{FILE}"
RESIZER = "bilinear, antialiased, to 299x299 (torchmetrics)"
RANDOM = "random network, seed 0"
_WIDTHS = (32, 64, 128, 256)


def find_weights(given: Path | None, name: str) -> Path:
    """The file of weights: the given one, by default that in torch's cache. Nothing is downloaded.

    Raises:
        ToonlabError: if there is none, with the alternatives.
    """
    path = _path(given)
    if path.is_file():
        return path
    missing = f"weights {path}: no such file" if given else "the Inception weights are not on this machine"
    raise ToonlabError(
        f"{name}: {missing}; put {FILE} (from {URL}) into {_path(None).parent}, or give its path as the parameter "
        "`weights`, or do without, with swd and kid_random"
    )


def _path(given: Path | None) -> Path:
    return Path(torch.hub.get_dir(), "checkpoints", FILE) if given is None else Path(given).expanduser()


def missing_weights(given: Path | None) -> dict[str, str]:
    """The file of weights that is not on this machine -> where it comes from; see `find_weights`."""
    path = _path(given)
    return {} if path.is_file() else {str(path): f"the weights of Inception, for kid and fid; from {URL}"}


@cache
def network(path: Path) -> nn.Module:
    """torchmetrics' InceptionV3 with 2048 features: `(B, 3, H, W)` uint8 -> `(B, 2048)`, frozen.

    Raises:
        ToonlabError: if the file does not hold its weights, or is damaged.
    """
    from torchmetrics.image.fid import NoTrainInceptionV3

    try:
        _check(path)
        return NoTrainInceptionV3("inception-v3-compat", ["2048"], str(path))
    except Exception as error:  # neither torch.load nor load_state_dict has an exception of its own
        raise ToonlabError(
            f"{path}: holds no weights of the Inception that FID is defined by ({first_line(error)}); "
            f"torchvision's inception_v3 is another one; the file is {URL}"
        ) from error


def _check(path: Path) -> None:
    """Raises an error if a file would run code when it is loaded, is damaged, or holds what is not finite."""
    if path.name == FILE and not digest(path).startswith(f"sha256:{FILE[-12:-4]}"):
        raise ValueError("its checksum differs: it is damaged")
    if is_zipfile(path):
        with ZipFile(path) as archive:
            if damaged := archive.testzip():  # torch compares no checksums
                raise ValueError(f"{damaged} in it is damaged")
    weights = torch.load(path, map_location="cpu", weights_only=True)
    if wrong := next((name for name, value in weights.items() if not value.isfinite().all()), None):
        raise ValueError(f"{wrong} is not finite")


@cache
def digest(path: Path) -> str:
    """`sha256:6726825d0af5…`: the first 16 digits."""
    with path.open("rb") as file:
        return "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()[:16]


@torch.no_grad()
def random_features(images: Tensor) -> Tensor:
    """`(B, 3, H, W)` uint8 -> `(B, 960)`: mean and deviation of the channels of four random 3x3 convolutions.

    Strides of 2, LeakyReLU, He initialisation; no resizing, since the number of statistics does not depend on the size.
    """
    maps = to_float(images)
    found = []
    for weight in _weights(images.device):
        maps = F.leaky_relu(F.conv2d(F.pad(maps, (1, 1, 1, 1), "replicate"), weight, stride=2), 0.2)
        found += [maps.mean((2, 3)), maps.std((2, 3))]
    return torch.cat(found, dim=1)


@cache
def _weights(device: torch.device) -> list[Tensor]:
    draws = torch.Generator().manual_seed(0)
    inputs = (3, *_WIDTHS)
    shapes = [(outputs, fan, 3, 3) for fan, outputs in zip(inputs, _WIDTHS, strict=False)]
    weights = [torch.randn(shape, generator=draws) * math.sqrt(2 / (1.04 * 9 * shape[1])) for shape in shapes]
    return [weight.to(device) for weight in weights]
