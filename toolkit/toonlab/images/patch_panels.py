"""The patches that a sampler chooses in an image, and how the critic sees them, as captioned tiles of a sheet."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from PIL import ImageOps
from torch import Tensor

from toonlab.errors import PartError
from toonlab.registry.protocols import ViewTransform
from toonlab.types import Views

from . import canvas
from .canvas import Box, Tile
from .io import to_picture

MOST_PATCHES = 24  # drawn of one image; a grid sampler may give hundreds
FRAME = 4  # pixels around a patch
SCORED_SIDE = 320  # pixels: panels at least this large show the scores next to the ranks


@dataclass(frozen=True)
class PatchPanels:
    """A sampler's choice in one image.

    Args:
        image: `(3, H, W)` in [-1, 1].
        boxes: of the chosen patches, best first.
        scores: of the patches; None where the sampler gives none.
        seen: the patches as the critic sees them, `(C, h, w)` in [0, 1] each; empty if they don't match the boxes.
        filtered: the image that the sampler scores, `(3, H, W)` in [-1, 1], if it filters first.
        saliency: the map that it scores by, `(H, W)`, if it has one.
    """

    image: Tensor
    boxes: Sequence[Box]
    scores: Sequence[float] | None
    seen: Sequence[Tensor]
    filtered: Tensor | None = None
    saliency: Tensor | None = None

    @property
    def ranks(self) -> list[str]:
        return [str(rank) for rank, _ in enumerate(self.boxes, 1)]

    @property
    def labels(self) -> list[str]:
        """`1: 2,582`: rank and score; only the rank where there are no scores."""
        if self.scores is None:
            return self.ranks
        return [f"{rank}: {canvas.number(score)}" for rank, score in zip(self.ranks, self.scores, strict=True)]


def patch_panels(images: Tensor, views: Views, side: str, sampler: ViewTransform) -> list[PatchPanels]:
    """A sampler's choice in each image of a batch.

    Args:
        images: `(B, 3, H, W)` in [-1, 1], the sampler's input.
        views: the output of the sampler and the representation.
        side: `real` or `fake`: the side of the views that the images belong to.
        sampler: gives its filtered images and its saliency, if it has them (`toonlab.Explains`).

    Raises:
        PartError: if the sampler gave no boxes.
    """
    boxes, scores = getattr(views, f"{side}_boxes"), getattr(views, f"{side}_scores")
    if boxes is None:
        raise PartError("the sampler gives no boxes, so nothing can be drawn; take one that does")
    filtered, saliency = (_explained(sampler, method, images) for method in ("filtered", "saliency"))
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


def _explained(sampler: ViewTransform, method: str, images: Tensor) -> Tensor | None:
    explain = getattr(sampler, method, None)
    with torch.no_grad():
        return explain(images) if callable(explain) else None


def panel_tiles(panels: PatchPanels, name: str, side: int, top: float | None = None) -> list[Tile]:
    """The image, its filtered version, the chosen boxes on it, and its saliency, as far as the sampler gives them.

    The longer side of a tile is about `side` pixels; `top` is the saliency that is shown lightest, by default the
    image's maximum.
    """
    factor, picture = canvas.factor_for(panels.image.shape[1:], side), to_picture(panels.image)
    tiles = [Tile(name, canvas.scaled(picture, factor))]
    if panels.filtered is not None:
        tiles.append(Tile("filtered", canvas.scaled(to_picture(panels.filtered), factor)))
    boxes = panels.boxes[:MOST_PATCHES]
    labels = (panels.labels if side >= SCORED_SIDE else panels.ranks)[:MOST_PATCHES]
    count = "" if len(panels.boxes) == len(boxes) else f": the first {MOST_PATCHES} of {len(panels.boxes)}"
    tiles.append(Tile(f"chosen patches{count}", canvas.with_boxes(picture, boxes, labels, factor)))
    if panels.saliency is not None:
        low = min(0.0, panels.saliency.min().item())
        high = panels.saliency.max().item() if top is None else top
        tiles.append(Tile("saliency", canvas.heat_map(panels.saliency, low, high, factor)))
    return tiles


def patch_tiles(panels: PatchPanels, side: int) -> list[Tile]:
    """The patches as the critic sees them, by rank, framed in their boxes' colours; `side` as in `panel_tiles`."""
    tiles = []
    for patch, label, color in zip(panels.seen, panels.labels, canvas.colors(len(panels.labels)), strict=False):
        rgb = patch if len(patch) == 3 else patch.mean(0, keepdim=True).expand(3, -1, -1)  # others than 3: their mean
        picture = canvas.scaled(to_picture(rgb * 2 - 1), canvas.factor_for(patch.shape[1:], side))
        tiles.append(Tile(f"seen {label}", ImageOps.expand(picture, FRAME, color)))
    return tiles[:MOST_PATCHES]
