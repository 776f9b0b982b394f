"""Samplers that do not depend on the image content: the whole image, random patches, a grid."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from toonlab import Tunable, Views
from toonlab.ops.checks import check_fits, generator_of
from toonlab.ops.patch_grid import Grid, cut


@dataclass(frozen=True)
class Whole:
    """The whole image; its box is the image."""

    def __call__(self, views: Views) -> Views:
        return replace(views, real_boxes=_whole_boxes(views.real), fake_boxes=_whole_boxes(views.fake))


@dataclass(frozen=True)
class RandomPatches:
    """Patches at uniformly random positions, `k` of every image; real and fake are drawn independently.

    `(B, C, H, W)` -> `(B*k, C, patch_size, patch_size)`, ordered by image. Patches may overlap. Raises `PartError`
    where a patch does not fit the image.

    Args:
        patch_size: side of a patch in pixels.
        k: patches per image.
    """

    patch_size: Annotated[int, Field(gt=0), Tunable(16, 128, step=16)] = 96
    k: Annotated[int, Field(gt=0), Tunable(1, 8)] = 4

    def __call__(self, views: Views) -> Views:
        rng = generator_of(views, "random_patches")
        return cut(views, self._boxes(views.real, rng), self._boxes(views.fake, rng), self.patch_size)

    def _boxes(self, images: Tensor, rng: torch.Generator) -> Tensor:
        height, width = images.shape[2:]
        check_fits(self.patch_size, height, width, "random_patches: patch_size")
        count = len(images) * self.k
        image = torch.arange(len(images)).repeat_interleave(self.k)
        top = torch.randint(height - self.patch_size + 1, (count,), generator=rng)
        left = torch.randint(width - self.patch_size + 1, (count,), generator=rng)
        side = torch.full_like(image, self.patch_size)
        return torch.stack([image, top, left, side, side], dim=1).to(images.device, non_blocking=True)


@dataclass(frozen=True)
class GridPatches:
    """All whole patches of a regular grid, row by row from the top left corner.

    `(B, C, H, W)` -> `(B*rows*columns, C, patch_size, patch_size)`, ordered by image. At the defaults an image of 256
    pixels gives 4 patches. Raises `PartError` where a patch does not fit the image.

    Args:
        patch_size: side of a patch in pixels.
        stride: distance of neighbours in patch sizes, rounded to pixels; 1 tiles, less overlaps.
    """

    patch_size: Annotated[int, Field(gt=0), Tunable(16, 128, step=16)] = 96
    stride: Annotated[float, Field(gt=0), Tunable(0.25, 1.0, step=0.25)] = 1.0

    def __call__(self, views: Views) -> Views:
        return cut(views, self._boxes(views.real), self._boxes(views.fake), self.patch_size)

    def _boxes(self, images: Tensor) -> Tensor:
        grid = Grid.of(images, self.patch_size, self.stride)
        grid.check("grid_patches")
        return grid.all_boxes(images)


def _whole_boxes(images: Tensor) -> Tensor:
    boxes = torch.zeros(len(images), 5, dtype=torch.int64)
    boxes[:, 0] = torch.arange(len(images))
    boxes[:, 3], boxes[:, 4] = images.shape[2:]
    return boxes.to(images.device, non_blocking=True)
