"""What a sampler chose in an image, and what a critic sees there, as pictures with captions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from PIL import Image
from torch import Tensor

from toonlab.errors import PartError
from toonlab.registry.protocols import ViewTransform
from toonlab.types import Views

from . import canvas
from .canvas import Box, Tile
from .io import to_picture

SHOWN = 24  # patches of an image; a grid may give hundreds
ROOMY = 320  # pixels of a panel from which on scores stand beside the ranks


@dataclass(frozen=True)
class PatchPanels:
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
        return [f"{rank}: {canvas.number(score)}" for rank, score in zip(self.ranks, self.scores, strict=True)]


def looks(images: Tensor, views: Views, side: str, sampler: ViewTransform) -> list[PatchPanels]:
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

    def of(index: int) -> PatchPanels:
        places = (boxes[:, 0] == index).nonzero()[:, 0].tolist()
        return PatchPanels(
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


def panels(look: PatchPanels, name: str, side: int, top: float | None = None) -> list[Tile]:
    """The image, what it is filtered to, the chosen boxes on it, and its saliency, as far as there are any.

    Args:
        look: what to show.
        name: of the image: photo, cartoon.
        side: pixels that the longer side shall have, about.
        top: the saliency that is shown lightest; the image's own greatest where not given.
    """
    factor, picture = canvas.factor_for(look.image, side), to_picture(look.image)
    tiles = [Tile(name, canvas.scaled(picture, factor))]
    if look.filtered is not None:
        tiles.append(Tile("filtered", canvas.scaled(to_picture(look.filtered), factor)))
    boxes = look.boxes[:SHOWN]
    labels = (look.labels if side >= ROOMY else look.ranks)[:SHOWN]
    count = "" if len(look.boxes) == len(boxes) else f": the first {SHOWN} of {len(look.boxes)}"
    tiles.append(Tile(f"chosen patches{count}", canvas.with_boxes(picture, boxes, labels, factor)))
    if look.saliency is not None:
        low = min(0.0, look.saliency.min().item())
        high = look.saliency.max().item() if top is None else top
        tiles.append(Tile("saliency", canvas.heat_map(look.saliency, low, high, factor)))
    return tiles


def patches(look: PatchPanels, side: int) -> list[Tile]:
    """The boxes' regions as the critic sees them, in the order of their ranks, in the colours of their boxes."""
    shown = list(zip(look.seen, look.labels, canvas.colors(len(look.labels)), strict=False))[:SHOWN]
    pictures = [canvas.scaled(_as_picture(patch), canvas.factor_for(patch, side)) for patch, *_ in shown]
    return [
        Tile(f"seen {label}", canvas.framed(picture, color))
        for picture, (_, label, color) in zip(pictures, shown, strict=True)
    ]


def _as_picture(patch: Tensor) -> Image.Image:
    """`(C, h, w)` in [0, 1]: three channels as colours, any other number as their mean."""
    colors = patch if len(patch) == 3 else patch.mean(0, keepdim=True).expand(3, -1, -1)
    return to_picture(colors * 2 - 1)
