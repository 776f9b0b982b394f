"""What a critic's sampler chose, and what the critic sees there, as pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor, nn

from . import sheet
from .data import to_float
from .errors import PartError
from .evaluate import cartoonize
from .flow import Batch, Views
from .gan import GAN
from .parts import Images, ViewTransform
from .pictures import save_png, to_picture
from .sheet import Box, Tile

SHOWN = 24  # patches of an image; a grid may give hundreds
ROOMY = 320  # pixels of a panel from which on scores stand beside the ranks


@dataclass(frozen=True)
class Look:
    """What a sampler makes of one image; `seen` are the boxes' regions as the critic sees them, in [0, 1]."""

    image: Tensor  # (3, H, W) in [-1, 1]
    boxes: Sequence[Box]  # best first
    scores: Sequence[float] | None
    seen: Sequence[Tensor]  # (C, h, w) each
    filtered: Tensor | None = None  # (3, H, W) in [-1, 1]
    saliency: Tensor | None = None  # (H, W)

    @property
    def ranks(self) -> list[str]:
        return [str(rank) for rank, _ in enumerate(self.boxes, 1)]

    @property
    def labels(self) -> list[str]:
        """`1: 2,582`: rank and score; the rank alone where there are no scores."""
        if self.scores is None:
            return self.ranks
        return [f"{rank}: {sheet.number(score)}" for rank, score in zip(self.ranks, self.scores, strict=True)]


def looks(images: Tensor, views: Views, side: str, sampler: ViewTransform) -> list[Look]:
    """What a sampler made of each image of a batch.

    Args:
        images: `(B, 3, H, W)` in [-1, 1], that the sampler was given.
        views: what came out of sampler and representation.
        side: `real` or `fake`: which side of the views the images were.
        sampler: asked for its filtered images and its saliency, if it has them (`toonlab.Explains`).

    Raises:
        PartError: if the sampler gave no boxes.
    """
    boxes, scores = getattr(views, f"{side}_boxes"), getattr(views, f"{side}_scores")
    if boxes is None:
        raise PartError("the sampler gives no boxes, so nothing can be drawn; take one that does")
    filtered, saliency = (_asked(sampler, method, images) for method in ("filtered", "saliency"))
    low, high = views.value_range
    seen = ((getattr(views, side).detach().float() - low) / (high - low)).cpu()

    def of(index: int) -> Look:
        places = (boxes[:, 0] == index).nonzero()[:, 0].tolist()
        return Look(
            image=images[index],
            boxes=[tuple(boxes[place, 1:].tolist()) for place in places],
            scores=None if scores is None else scores[places].tolist(),
            seen=[seen[place] for place in places] if len(seen) == len(boxes) else [],
            filtered=None if filtered is None else filtered[index],
            saliency=None if saliency is None else saliency[index],
        )

    return [of(index) for index in range(len(images))]


def _asked(sampler: ViewTransform, method: str, images: Tensor) -> Tensor | None:
    answer = getattr(sampler, method, None)
    with torch.no_grad():
        return answer(images) if callable(answer) else None


def covers_all(boxes: Tensor | None, images: Tensor) -> bool:
    """Whether boxes are the whole images; also if there are none, as nothing is left to show."""
    if boxes is None or not len(boxes):
        return True
    whole = torch.tensor([0, 0, *images.shape[2:]], device=boxes.device)
    return bool((boxes[:, 1:] == whole).all())


# -- tiles


def panels(look: Look, name: str, side: int, top: float | None = None) -> list[Tile]:
    """The image, what it is filtered to, the chosen boxes on it, and its saliency, as far as there are any.

    Args:
        look: what to show.
        name: of the image: photo, cartoon.
        side: pixels that the longer side shall have, about.
        top: the saliency that is shown lightest; the image's own greatest where not given.
    """
    factor, picture = sheet.factor_for(look.image, side), to_picture(look.image)
    tiles = [Tile(name, sheet.scaled(picture, factor))]
    if look.filtered is not None:
        tiles.append(Tile("filtered", sheet.scaled(to_picture(look.filtered), factor)))
    boxes = look.boxes[:SHOWN]
    labels = (look.labels if side >= ROOMY else look.ranks)[:SHOWN]
    count = "" if len(look.boxes) == len(boxes) else f": the first {SHOWN} of {len(look.boxes)}"
    tiles.append(Tile(f"chosen patches{count}", sheet.with_boxes(picture, boxes, labels, factor)))
    if look.saliency is not None:
        low = min(0.0, look.saliency.min().item())
        high = look.saliency.max().item() if top is None else top
        tiles.append(Tile("saliency", sheet.heat_map(look.saliency, low, high, factor)))
    return tiles


def patches(look: Look, side: int) -> list[Tile]:
    """The boxes' regions as the critic sees them, in the order of their ranks, in the colours of their boxes."""
    shown = list(zip(look.seen, look.labels, sheet.colors(len(look.labels)), strict=False))[:SHOWN]
    pictures = [sheet.scaled(_as_picture(patch), sheet.factor_for(patch, side)) for patch, *_ in shown]
    return [
        Tile(f"seen {label}", sheet.framed(picture, color))
        for picture, (_, label, color) in zip(pictures, shown, strict=True)
    ]


def _as_picture(patch: Tensor) -> Image.Image:
    """`(C, h, w)` in [0, 1]: three channels as colours, any other number as their mean."""
    colors = patch if len(patch) == 3 else patch.mean(0, keepdim=True).expand(3, -1, -1)
    return to_picture(colors * 2 - 1)


# -- a run's samples


def fixed_batch(photos: Images, cartoons: Images, size: int, count: int = 3) -> Batch:
    """The middle of the first photos and cartoons, as training crops them: always the same, whatever the seed.

    Args:
        photos: any set of images.
        cartoons: likewise.
        size: of the crops, in pixels.
        count: of either; fewer where there are fewer.
    """
    return Batch(*(_middles(images, size, min(count, len(images))) for images in (photos, cartoons)))


def _middles(images: Images, size: int, count: int) -> Tensor:
    crops = []
    for index in range(count):
        image = images[index]
        top, left = ((extent - size) // 2 for extent in image.shape[1:])
        crops.append(image[:, top : top + size, left : left + size])
    return to_float(torch.stack(crops))


@torch.no_grad()
def overlays(gan: GAN, generator: nn.Module, batch: Batch, step: int, folder: Path) -> dict[str, Path]:
    """Write what each patch critic looks at: `patches-<critic>-step-00001000.png`.

    Critics that see whole images are left out, as are those whose sampler gives no boxes.

    Args:
        gan: whose critics.
        generator: that makes the fakes.
        batch: fixed photos and cartoons (`fixed_batch`), on the device.
        step: for the file's name.
        folder: to write into.

    Returns:
        `patches/<critic>` -> the written file.
    """
    fake = cartoonize(generator, batch.photo)
    written = {}
    for name, critic in gan.critics.items():
        views = gan.view(critic, batch, fake, step)
        if covers_all(views.real_boxes, batch.cartoon) or covers_all(views.fake_boxes, fake):
            continue
        real, fakes = (
            looks(images, views, side, critic.sampler) for images, side in ((batch.cartoon, "real"), (fake, "fake"))
        )
        path = written[f"patches/{name}"] = folder / f"patches-{name}-step-{step:08d}.png"
        save_png(path, _training_sheet(f"what critic {name!r} looks at, step {step}", real, fakes))
    return written


def _training_sheet(title: str, real: Sequence[Look], fakes: Sequence[Look], side: int = 192) -> Image.Image:
    rows = []
    for name, group in (("cartoon", real), ("fake", fakes)):
        maps = [look.saliency.max().item() for look in group if look.saliency is not None]
        top = max(maps, default=None)  # one scale, so that images can be compared
        rows += [[*panels(look, name, side, top), *patches(look, side // 2)] for look in group]
    return sheet.compose(title, rows)
