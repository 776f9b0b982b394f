"""Cartoons from Python: of a file, a PIL image, an array or a tensor."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from toonlab.engine.evaluator import cartoonize
from toonlab.errors import ToonlabError
from toonlab.images.io import read_picture, to_pixels, upright
from toonlab.ops.checks import check_images
from toonlab.ops.levels import to_float
from toonlab.registry.catalogue import Catalogue
from toonlab.registry.protocols import Postprocessor, ReadyMade

from .cartoonize import to_postprocessed
from .memory import MemoryBudget
from .strips import NeedsWholeError, cartoonize_in_strips

Picture: TypeAlias = str | os.PathLike[str] | Image.Image | NDArray[np.uint8]
Post: TypeAlias = str | Mapping[str, Any] | Postprocessor
_ROUNDING = 1e-3  # tolerance for values outside [-1, 1]


@dataclass(frozen=True)
class Cartoonizer:
    """A generator on a device, for photos of any size."""

    generator: nn.Module
    device: torch.device

    def __post_init__(self) -> None:
        if isinstance(self.generator, ReadyMade):
            raise ToonlabError("this run's cartoons were made by another program; it can make no others")

    @cached_property
    def budget(self) -> MemoryBudget:
        return MemoryBudget(self.generator, self.device)

    def picture(self, image: Picture, max_side: int | None, postprocess: Postprocessor | None) -> Image.Image:
        """The cartoon of a picture, of its size or scaled down to `max_side`.

        Raises:
            ToonlabError: if it is not a picture, or too large for the memory.
        """
        photo = pixels(image, max_side)
        fits = self.budget.pictures(*photo.shape[1:])
        fake = self.tensor(to_float(photo[None].to(self.device)))[0] if fits else self._in_strips(photo)
        return to_postprocessed(fake, photo, postprocess)

    def tensor(self, photos: Tensor) -> Tensor:
        """The cartoons of photos, `(3, H, W)` or `(B, 3, H, W)` float in [-1, 1], in the same form on the same device.

        Raises:
            ToonlabError: if the photos have another form or range, or are too large for the memory.
        """
        batch = photos if photos.ndim == 4 else photos[None]
        check_images(batch, "image", channels=3)
        if batch.numel() == 0 or not bool((batch.abs() <= 1 + _ROUNDING).all()):  # NaN fails this, too
            low, high = (batch.min().item(), batch.max().item()) if batch.numel() else (0, 0)
            text = f"values from {low:.4g} to {high:.4g}" if batch.numel() else "no pixels"
            raise ToonlabError(f"image: got {text}, expected a tensor of floats in [-1, 1]")
        self.generator.to(self.device)  # another call may have moved it
        height, width = batch.shape[-2:]
        fit = self.budget.pictures(height, width)
        if not fit:
            fakes = torch.stack([self._in_strips(photo.float()) for photo in batch])
            return fakes if photos.ndim == 4 else fakes[0]
        try:
            chunks = torch.split(batch.float().to(self.device), min(fit, len(batch)))
            fakes = torch.cat([cartoonize(self.generator, chunk).to(photos.device) for chunk in chunks])
        except RuntimeError as error:  # networks refuse a size in different ways
            raise ToonlabError(f"image: {_for_python(self.budget.failure(error, height, width))}") from error
        return fakes if photos.ndim == 4 else fakes[0]

    def _in_strips(self, photo: Tensor) -> Tensor:
        """The cartoon of a photo that is too large for the memory, both `(3, H, W)`, uint8 or float in [-1, 1]."""
        self.generator.to(self.device)
        try:
            return cartoonize_in_strips(self.generator, photo, self.budget.free)
        except NeedsWholeError as error:
            raise ToonlabError(_for_python(self.budget.refusal(*photo.shape[1:]))) from error
        except RuntimeError as error:
            raise ToonlabError(f"image: {_for_python(self.budget.failure(error, *photo.shape[1:]))}") from error


def pixels(image: Picture, max_side: int | None = None) -> Tensor:
    """A picture as `(3, H, W)` uint8, upright, as `toonlab cartoonize` reads it."""
    if isinstance(image, str | os.PathLike):
        path = Path(image)
        if not path.is_file():
            raise ToonlabError(f"{path}: {'is not a file' if path.exists() else 'no such file'}")
        return read_picture(path, max_side=max_side)
    if isinstance(image, Image.Image):
        return to_pixels(upright(image), max_side)
    if not isinstance(image, np.ndarray):
        expected = "a path, a PIL image, an (H, W, 3) uint8 array, or a float tensor in [-1, 1]"
        raise ToonlabError(f"image: got {type(image).__name__}, expected {expected}")
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or not image.size:
        raise ToonlabError(f"image: expected an (H, W, 3) uint8 RGB array, got {image.shape} {image.dtype}")
    return to_pixels(Image.fromarray(np.ascontiguousarray(image)), max_side)


def make_postprocessor(post: Post | None, catalogue: Catalogue) -> Postprocessor | None:
    """A post-processor from its name, from `{"use": NAME, …}` with its parameters, or from itself."""
    if post is None or callable(post):
        return post
    parameters = {"use": post} if isinstance(post, str) else dict(post)
    if "use" not in parameters:
        raise ToonlabError(f"post: got {post!r}, expected a name, or a mapping with `use`")
    return catalogue.make("postprocessors", parameters.pop("use"), **parameters)


def _for_python(text: str) -> str:
    return text.replace("--max-side ", "max_side=")
