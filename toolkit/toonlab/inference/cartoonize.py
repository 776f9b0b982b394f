"""Use a trained generator: photos in, cartoons out."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from toonlab.engine.checkpoint import find_weights, start_from
from toonlab.engine.evaluator import cartoonize
from toonlab.engine.stages import trainable
from toonlab.engine.weights import load_generator
from toonlab.errors import ToonlabError
from toonlab.images.files import PictureResult, PictureTask, decode_task, split_readable, write_result
from toonlab.images.folders import MAX_PIXELS
from toonlab.images.io import read_alpha, to_picture
from toonlab.ops.levels import to_float
from toonlab.recipes.load import read
from toonlab.recipes.resolve import resolve_part
from toonlab.registry.catalogue import Catalogue
from toonlab.registry.protocols import Postprocessor
from toonlab.utils import paths

from .memory import MemoryBudget
from .strips import NeedsWholeError, cartoonize_in_strips

Photo = tuple[PictureTask, Tensor]  # the task and its photo, (3, H, W) uint8


def load_model(model: str, catalogue: Catalogue, overrides: Mapping[str, Any] | None = None) -> nn.Module:
    """The generator of a run, a file of weights or a recipe, ready to use.

    Args:
        model: as for `find_weights`, or the name or path of a recipe with a non-learned generator, or its run.
        catalogue: to build from.
        overrides: of that recipe, such as `generator.network.colors`; it needs no data.

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
    draft.apply(tuple(overrides.items()), catalogue)
    network = resolve_part(draft.tree.root, "generator.network", "generators", catalogue, name)
    generator: nn.Module = network.make(catalogue)
    if weights := draft.tree.get("generator.weights"):
        return start_from(Path(weights), generator, network.use).eval()
    if trainable([generator]):
        raise ToonlabError(f"{name}: is a recipe that has to be trained; give a run or weights")
    return generator.eval()


def cartoonize_pictures(
    generator: nn.Module,
    tasks: Sequence[PictureTask],
    device: torch.device,
    batch: int = 4,
    max_side: int | None = None,
    postprocess: Postprocessor | None = None,
    memory: int | None = None,
    max_pixels: int = MAX_PIXELS,
    alpha: bool = False,
) -> Iterator[PictureResult]:
    """Cartoonize picture files lazily, in their order; consecutive pictures of one size form a batch.

    An unreadable picture is skipped, one whose file can't be written fails, and the others are still processed. One too
    large for the memory goes through the network alone, in strips of rows, with the same result; where the network does
    not allow that, it fails.

    Args:
        generator: photo -> cartoon, `(B, 3, H, W)` in [-1, 1].
        tasks: the files to read and to write, from `toonlab.images.files.plan_tasks`.
        device: where to compute.
        batch: the largest batch; smaller where the memory requires it.
        max_side: larger pictures are scaled down, so that their longer side has this many pixels.
        postprocess: applied to each finished picture.
        memory: bytes that a picture may take in the network; None for the free memory.
        max_pixels: pictures with more are skipped.
        alpha: give the cartoon of a transparent picture the opacity of its picture, which is laid on white otherwise.

    Raises:
        ToonlabError: if no file can be written any more, such as on a full disk.
    """
    budget = MemoryBudget(generator.to(device), device, memory)
    tasks, skipped = split_readable(tasks, max_side, max_pixels)
    yield from skipped
    pending: list[Photo] = []
    for task in tasks:
        photo = decode_task(task, max_side)
        if isinstance(photo, PictureResult):
            yield photo
            continue
        fit = budget.pictures(*photo.shape[1:])
        if not fit:
            if pending:
                yield from _written(pending, budget, postprocess, alpha)
                pending = []
            yield _written_in_strips(task, photo, budget, postprocess, alpha)
            continue
        if pending and (len(pending) >= min(batch, fit) or pending[0][1].shape != photo.shape):
            yield from _written(pending, budget, postprocess, alpha)
            pending = []
        pending.append((task, photo))
    if pending:
        yield from _written(pending, budget, postprocess, alpha)


def _written(
    photos: Sequence[Photo], budget: MemoryBudget, postprocess: Postprocessor | None, alpha: bool
) -> Iterator[PictureResult]:
    """Cartoonize photos of one size and write their files; where that fails, one by one."""
    try:
        images = torch.stack([photo for _, photo in photos]).to(budget.device)
        fakes = cartoonize(budget.generator, to_float(images))
    except (RuntimeError, ToonlabError) as error:  # networks refuse a size in different ways
        failure = error.with_traceback(None)  # its frames would keep the memory allocated
    else:
        for (task, photo), fake in zip(photos, fakes, strict=True):
            yield _finished(task, photo, fake, postprocess, alpha)
        return
    if len(photos) > 1:
        for single in photos:
            yield from _written([single], budget, postprocess, alpha)
    else:
        ((task, photo),) = photos
        yield PictureResult(task, "failed", budget.failure(failure, *photo.shape[1:]))


def _written_in_strips(
    task: PictureTask, photo: Tensor, budget: MemoryBudget, postprocess: Postprocessor | None, alpha: bool
) -> PictureResult:
    """Cartoonize a photo that is too large for the memory, and write its file."""
    try:
        fake = cartoonize_in_strips(budget.generator, photo, budget.free)
    except NeedsWholeError:
        return PictureResult(task, "failed", budget.refusal(*photo.shape[1:]))
    except (RuntimeError, ToonlabError) as error:
        return PictureResult(task, "failed", budget.failure(error, *photo.shape[1:]))
    return _finished(task, photo, fake, postprocess, alpha)


def _finished(
    task: PictureTask, photo: Tensor, fake: Tensor, postprocess: Postprocessor | None, alpha: bool
) -> PictureResult:
    picture = to_postprocessed(fake, photo, postprocess)
    if alpha and (opacity := read_alpha(task.source, picture.size)):
        picture.putalpha(opacity)
    return write_result(task, picture)


def to_postprocessed(fake: Tensor, photo: Tensor, postprocess: Postprocessor | None) -> Image.Image:
    """A fake as a picture after post-processing; it is `(3, H, W)` in [-1, 1] or uint8, the photo uint8."""
    picture = to_picture(fake)
    if postprocess is None:
        return picture
    return Image.fromarray(postprocess(np.asarray(picture), photo.movedim(0, -1).cpu().numpy()))
