"""The pictures of a run: what its patch critics choose, during training and in the first samples at its end."""

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import torch
from torch import Tensor, nn

from toonlab.images import canvas
from toonlab.images.canvas import Tile
from toonlab.images.io import to_picture, write_png
from toonlab.images.patch_panels import panel_tiles, patch_panels, patch_tiles
from toonlab.ops.levels import to_float
from toonlab.recipes.spec import Recipe
from toonlab.registry.protocols import Images, ViewTransform
from toonlab.runs.pictures import Box, Patches, write_pictures
from toonlab.types import Batch, Run, Views, evaluating

from .evaluator import Evaluator, cartoonize
from .gan import GAN, Critic
from .part_builder import views_alone

MOST = 24  # patches of a picture; a grid may give hundreds
SIDE = 192  # pixels: the longer side of a panel, approximately


def fixed_batch(photos: Images, cartoons: Images, size: int, count: int = 3) -> Batch:
    """The centre crops of the first `count` photos and cartoons that are large enough: the same for every seed."""
    return Batch(*(torch.stack(list(islice(_middles(images, size), count))) for images in (photos, cartoons)))


def _middles(images: Images, size: int) -> Iterator[Tensor]:
    for image in (images[index] for index in range(len(images))):
        top, left = ((extent - size) // 2 for extent in image.shape[1:])
        if min(top, left) >= 0:
            yield to_float(image[:, top : top + size, left : left + size])


@torch.no_grad()
def overlays(gan: GAN, generator: nn.Module, batch: Batch, step: int, folder: Path) -> dict[str, Path]:
    """Write the regions that each patch critic chooses: `patches-<critic>-step-00001000.png`.

    Critics of whole images and critics whose sampler gives no boxes are left out.

    Args:
        batch: fixed photos and cartoons (`fixed_batch`), on the device; the generator makes the fakes.

    Returns:
        `patches/<critic>` -> the written file.

    Raises:
        OSError: if it can't be written.
    """
    streams = gan.streams(batch, learning=False, fake=cartoonize(generator, batch.photo))
    written = {}
    for name, critic in gan.critics.items():
        with evaluating(critic.net, critic.sampler, critic.representation):
            views = gan.view(critic, streams, step)
        real, fake = streams[critic.real], streams[critic.fake]
        if covers_all(views.real_boxes, real) or covers_all(views.fake_boxes, fake):
            continue
        path = written[f"patches/{name}"] = folder / f"patches-{name}-step-{step:08d}.png"
        rows = [*_rows(critic.real, real, views, "real", critic), *_rows(critic.fake, fake, views, "fake", critic)]
        write_png(path, canvas.compose(f"what critic {name!r} looks at, step {step}", rows))
    return written


def _rows(caption: str, images: Tensor, views: Views, side: str, critic: Critic) -> list[list[Tile]]:
    """A row for each image of one side."""
    group = patch_panels(images, views, side, critic.sampler)
    maps = [panels.saliency.max().item() for panels in group if panels.saliency is not None]
    top = max(maps, default=None)  # one scale, so that images can be compared
    return [[*panel_tiles(panels, caption, SIDE, top), *patch_tiles(panels, SIDE // 2)] for panels in group]


def covers_all(boxes: Tensor | None, images: Tensor) -> bool:
    """Whether all boxes are whole images; True without boxes, since there is nothing to show."""
    if boxes is None or not len(boxes):
        return True
    whole = torch.tensor([0, 0, *images.shape[2:]], device=boxes.device)
    return bool((boxes[:, 1:] == whole).all())


def write_final_pictures(run: Run, evaluator: Evaluator, fakes: Sequence[Tensor], recipe: Recipe) -> None:
    """Write `pictures/` of a run's directory: fakes, `(3, H, W)` in [-1, 1], of the evaluator's first samples.

    Every critic's sampler chooses its patches in the fake alone.

    Raises:
        OSError: if something can't be written.
    """
    parts = {name: critic.sampler for name, critic in recipe.critics.items() if critic.sampler.use != "whole"}
    samplers = {name: part.make(evaluator.catalogue) for name, part in parts.items()}
    made = []
    for sample, fake in zip(evaluator.samples, fakes, strict=False):
        photo, truth = sample.photo if sample.has_photo else None, sample.truth.cartoon if sample.truth else None
        images = {"photo": photo, "fake": fake, "truth": truth}
        pictures = {kind: to_picture(image) for kind, image in images.items() if image is not None}
        boxes = {name: chosen(sampler, fake) for name, sampler in samplers.items()}
        patches = {name: Patches(parts[name].use, found) for name, found in boxes.items() if found}
        made.append((sample.name, pictures, patches))
    write_pictures(run.directory, made)


def chosen(sampler: ViewTransform, fake: Tensor) -> list[Box]:
    """The first `MOST` boxes that a sampler chooses in a fake, `(3, H, W)` in [-1, 1], best first.

    None where it gives no boxes or whole images, or needs more than the picture.
    """
    try:
        boxes = views_alone(fake, sampler).fake_boxes
        found: list[Box] = [] if boxes is None else [tuple(box) for box in boxes[:, 1:].tolist()]
    except Exception:  # a plugin's sampler may want a trained critic, or a whole batch
        return []
    return [box for box in found if box != (0, 0, *fake.shape[1:])][:MOST]
