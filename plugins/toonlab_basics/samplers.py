"""Samplers of whole images, random patches, a grid, and the strongest edges."""

from dataclasses import dataclass, replace
from typing import Annotated

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from toonlab import Tunable, Views, check_images
from toonlab.ops.checks import check_fits, generator_of
from toonlab.ops.filters import full_precision, luminance
from toonlab.ops.patch_grid import Grid, best, cut


@dataclass(frozen=True)
class Whole:
    """The whole image; its box is the image."""

    def __call__(self, views: Views) -> Views:
        return replace(views, real_boxes=_whole_boxes(views.real), fake_boxes=_whole_boxes(views.fake))


def _whole_boxes(images: Tensor) -> Tensor:
    boxes = torch.zeros(len(images), 5, dtype=torch.int64)
    boxes[:, 0] = torch.arange(len(images))
    boxes[:, 3], boxes[:, 4] = images.shape[2:]
    return boxes.to(images.device, non_blocking=True)


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


@dataclass(frozen=True)
class EdgeMaximum:
    """The patches with the strongest edges, `k` of every image.

    Of a regular grid, those with the largest sum of the gradient's magnitude, by the 3x3 operator of Sobel and Feldman
    ("A 3x3 Isotropic Gradient Operator for Image Processing", 1968) on luminance. The image is not smoothed first, so
    texture and noise count as much as outlines. A control for `ctss`, whose guided filter removes fine texture first.

    `(B, 3, H, W)` in [-1, 1] -> `(B*k, 3, patch_size, patch_size)`, image by image, best first; among equal scores the
    upper, then the left patch comes first. Gradients flow to the pixels, but not through scores or choice. O(pixels)
    time and memory for every stride and `patch_size`.

    Args:
        patch_size: side of a patch in pixels.
        stride: distance of neighbouring candidates in patch sizes, rounded to pixels.
        k: patches per image.

    Raises:
        PartError: when called with images that a patch does not fit, or that have fewer than `k` candidates.
    """

    patch_size: Annotated[int, Field(gt=0), Tunable(16, 128, step=16)] = 96
    stride: Annotated[float, Field(gt=0), Tunable(0.125, 1.0, step=0.125)] = 0.5
    k: Annotated[int, Field(gt=0), Tunable(1, 8)] = 4

    def __call__(self, views: Views) -> Views:
        (real_boxes, real_scores), (fake_boxes, fake_scores) = self.choose(views.real), self.choose(views.fake)
        seen = cut(views, real_boxes, fake_boxes, self.patch_size)
        return replace(seen, real_scores=real_scores, fake_scores=fake_scores)

    @torch.no_grad()
    def choose(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """The chosen boxes of images, `(B*k, 5)` int64, and their scores, `(B*k,)` float32."""
        check_images(images, "edge_maximum", channels=3)
        grid = Grid.of(images, self.patch_size, self.stride)
        grid.check("edge_maximum", self.k)
        scores = grid.sums(self.saliency(images))
        chosen = best(scores, self.k)
        return grid.boxes(chosen), scores.flatten()[chosen]

    def saliency(self, images: Tensor) -> Tensor:
        """The gradient's magnitude per pixel: `(B, 3, H, W)` in [-1, 1] -> `(B, H, W)`, 0 … 1.5; the border repeats."""
        gray = F.pad(luminance(full_precision(images)), (1, 1, 1, 1), mode="replicate")[:, 0]
        down, right = gray[:, 2:] - gray[:, :-2], gray[:, :, 2:] - gray[:, :, :-2]  # (B, H, W+2), (B, H+2, W)
        down = (down[:, :, :-2] + 2 * down[:, :, 1:-1] + down[:, :, 2:]) / 8
        right = (right[:, :-2] + 2 * right[:, 1:-1] + right[:, 2:]) / 8
        return torch.hypot(down, right)
