"""The Inception network of FID and KID, with local weights."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from toonlab import ToonlabError, first_line

if TYPE_CHECKING:
    from torch import nn

FILE = "weights-inception-2015-12-05-6726825d.pth"
URL = f"https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/{FILE}"
RESIZER = "bilinear, antialiased, to 299x299 (torchmetrics)"


def find_weights(given: Path | None, name: str) -> Path:
    """The file of weights: the given one, by default that in torch's cache. Nothing is downloaded.

    Raises:
        ToonlabError: if there is none, with the alternatives.
    """
    cached = Path(torch.hub.get_dir(), "checkpoints", FILE)
    path = cached if given is None else Path(given).expanduser()
    if path.is_file():
        return path
    missing = f"weights {path}: no such file" if given else "the Inception weights are not on this machine"
    raise ToonlabError(
        f"{name}: {missing}; put {FILE} (from {URL}) into {cached.parent}, or give its path as the parameter "
        "`weights`, or do without, with swd and kid_random"
    )


@cache
def network(path: Path) -> nn.Module:
    """torchmetrics' InceptionV3 with 2048 features: `(B, 3, H, W)` uint8 -> `(B, 2048)`, frozen.

    Raises:
        ToonlabError: if the file does not hold its weights.
    """
    from torchmetrics.image.fid import NoTrainInceptionV3

    try:
        torch.load(path, map_location="cpu", weights_only=True)  # rejects files that would run code when loaded below
        return NoTrainInceptionV3("inception-v3-compat", ["2048"], str(path))
    except Exception as error:  # neither torch.load nor load_state_dict has an exception of its own
        raise ToonlabError(
            f"{path}: holds no weights of the Inception that FID is defined by ({first_line(error)}); "
            f"torchvision's inception_v3 is another one; the file is {URL}"
        ) from error


@cache
def digest(path: Path) -> str:
    """`sha256:6726825d0af5…`: the first 16 digits."""
    with path.open("rb") as file:
        return "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()[:16]
