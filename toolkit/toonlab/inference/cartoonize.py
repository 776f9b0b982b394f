"""Use a trained generator: photos in, cartoons out."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from toonlab.engine.builder import learns
from toonlab.engine.checkpoint import WEIGHTS, candidates, load_generator, read_weights
from toonlab.engine.data import to_float
from toonlab.engine.evaluator import cartoonize
from toonlab.errors import ToonlabError, first_line, nearest
from toonlab.images.files import Done, Job, decode, usable
from toonlab.images.io import save_png, to_picture
from toonlab.recipes.load import read
from toonlab.recipes.resolve import resolve_part
from toonlab.registry.catalogue import Catalogue
from toonlab.registry.protocols import Postprocessor
from toonlab.utils import paths

from .memory import Room

Photo = tuple[Job, Tensor]  # the picture, (3, H, W) uint8


def find_weights(source: Path) -> Path:
    """The weights that a run's directory, a checkpoint's or a file means: of a run, those that count and are whole.

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


def load_model(model: str, catalogue: Catalogue, overrides: Mapping[str, Any] | None = None) -> nn.Module:
    """The generator that a run, a file of weights or a recipe means, ready to use.

    Args:
        model: what `find_weights` takes, or the name or the path of a recipe whose generator does not learn, or the
            directory of its run.
        catalogue: to build from.
        overrides: of that recipe, such as `generator.network.colors`; its data need not be given.

    Raises:
        ToonlabError: if there is no such model, or it has to be trained first.
    """
    if model in paths.listed("baselines") or model.endswith((".yaml", ".yml")):
        return _untrained(model, catalogue, overrides or {})
    for dotted in overrides or ():
        raise ToonlabError(f"{dotted}=…: only a recipe can be changed, and {model} is none")
    recipe = Path(model) / "recipe.yaml"
    if recipe.is_file() and not read(recipe).tree.get("stages"):
        return _untrained(str(recipe), catalogue, {})
    return load_generator(find_weights(Path(model)), catalogue)


def _untrained(name: str, catalogue: Catalogue, overrides: Mapping[str, Any]) -> nn.Module:
    draft = read(paths.find(name, "baselines"))
    draft.apply(tuple(overrides.items()))
    network = resolve_part(draft.tree.root, "generator.network", "generators", catalogue, name)
    generator: nn.Module = network.make(catalogue)
    if learns(generator):
        raise ToonlabError(f"{name}: is a recipe that has to be trained; give a run or weights")
    return generator.eval()


def cartoonize_pictures(
    generator: nn.Module,
    jobs: Sequence[Job],
    device: torch.device,
    batch: int = 4,
    max_side: int | None = None,
    postprocess: Postprocessor | None = None,
    memory: int | None = None,
) -> Iterator[Done]:
    """Cartoonize picture files one after the other, as the results are asked for; neighbours of one size go together.

    A picture that can't be read is skipped, one that is too large for the memory fails, and the rest goes on. Pictures
    are never cut into tiles: networks that normalise over the whole image would give another result.

    Args:
        generator: photo -> cartoon, `(B, 3, H, W)` in [-1, 1].
        jobs: what to read and what to write (`toonlab.images.files.plan`).
        device: where to compute.
        batch: at most so many pictures at once; fewer where the memory asks for it.
        max_side: larger pictures are scaled down, so that their longer side is this many pixels.
        postprocess: a last touch to the finished picture.
        memory: bytes that a forward pass may take; None for what is free.
    """
    forward = _Forward(generator.to(device), device, Room(generator, device, memory), batch, postprocess)
    jobs, skipped = usable(jobs)
    yield from skipped
    pending: list[Photo] = []
    for job in jobs:
        photo = forward.read(job, max_side)
        if isinstance(photo, Done):
            yield photo
            continue
        if not forward.takes(pending, photo):
            yield from forward(pending)
            pending = []
        pending.append((job, photo))
    yield from forward(pending)


@dataclass(frozen=True)
class _Forward:
    """Photos of one size through the generator, and to their files."""

    generator: nn.Module
    device: torch.device
    room: Room
    batch: int
    postprocess: Postprocessor | None

    def read(self, job: Job, max_side: int | None) -> Tensor | Done:
        photo = decode(job, max_side)
        if isinstance(photo, Tensor) and not self.room.pictures(*photo.shape[1:]):
            return Done(job, "failed", self.room.refusal(*photo.shape[1:]))
        return photo

    def takes(self, pending: Sequence[Photo], photo: Tensor) -> bool:
        """Whether a photo may go together with those that wait."""
        if not pending:
            return True
        fit = min(self.batch, self.room.pictures(*photo.shape[1:]))
        return len(pending) < fit and pending[0][1].shape == photo.shape

    def __call__(self, photos: Sequence[Photo]) -> Iterator[Done]:
        if not photos:
            return
        try:
            fakes = cartoonize(self.generator, to_float(torch.stack([photo for _, photo in photos]).to(self.device)))
        except (RuntimeError, ToonlabError) as error:  # a network may refuse a size in many ways
            yield from self.again(photos, error.with_traceback(None))  # whose frames would keep the memory taken
            return
        for (job, photo), fake in zip(photos, fakes, strict=True):
            save_png(job.target, finished(fake, photo, self.postprocess))
            yield Done(job)

    def again(self, photos: Sequence[Photo], error: Exception) -> Iterator[Done]:
        """What failed together is tried one by one."""
        if len(photos) > 1:
            for photo in photos:
                yield from self([photo])
            return
        job, (_, height, width) = photos[0][0], photos[0][1].shape
        yield Done(job, "failed", why(error, self.room, height, width))


def finished(fake: Tensor, photo: Tensor, postprocess: Postprocessor | None) -> Image.Image:
    """The picture of a fake, `(3, H, W)` in [-1, 1], with the last touch; the photo is `(3, H, W)` uint8."""
    picture = to_picture(fake)
    if postprocess is None:
        return picture
    return Image.fromarray(postprocess(np.asarray(picture), photo.movedim(0, -1).cpu().numpy()))


def why(error: Exception, room: Room, height: int, width: int) -> str:
    """Why a picture could not be cartoonized; torch has a type for a GPU's memory only."""
    out_of_memory = isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error)
    return room.overflow(height, width) if out_of_memory else first_line(error)
