"""Candidates: the square patches of a regular grid, among which samplers choose.

A candidate is known by its place: its number, row by row from the top left corner.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from toonlab.errors import PartError
from toonlab.types import Views

from .checks import check_fits
from .crop import crop
from .windows import patch_maxima, patch_sums, places


@dataclass(frozen=True, slots=True)
class Grid:
    """All patches of one size in images of one size, as far as whole ones fit.

    Args:
        height: of the images, in pixels.
        width: likewise.
        patch_size: side of a patch, in pixels.
        stride: distance of neighbours in patch sizes, rounded to pixels; at least one.
    """

    height: int
    width: int
    patch_size: int
    stride: float

    @classmethod
    def of(cls, images: Tensor, patch_size: int, stride: float) -> Grid:
        """The grid in images or maps, `(..., H, W)`; the sizes are not checked."""
        height, width = images.shape[-2:]
        return cls(height, width, patch_size, stride)

    @property
    def step(self) -> int:
        """The stride in pixels."""
        return max(1, round(self.stride * self.patch_size))

    @property
    def rows(self) -> int:
        return places(self.height, self.patch_size, self.step)

    @property
    def columns(self) -> int:
        return places(self.width, self.patch_size, self.step)

    @property
    def count(self) -> int:
        """Of candidates in an image."""
        return self.rows * self.columns

    def check(self, name: str, k: int = 1, stride: str = "stride") -> None:
        """Raise `PartError` where a patch does not fit the image, or where there are fewer than `k`.

        Args:
            name: of the sampler, for the error.
            k: how many patches of an image are wanted.
            stride: what the sampler calls its stride.
        """
        check_fits(self.patch_size, self.height, self.width, f"{name}: patch_size")
        if k > self.count:
            raise PartError(
                f"{name}: k={k} patches per image, but {stride}={self.stride} of patch_size={self.patch_size} gives "
                f"{self.count} positions in a {self.height}x{self.width} image; k can be at most {self.count}"
            )

    def sums(self, values: Tensor) -> Tensor:
        """The sum of a map over every candidate: `(B, H, W)` -> `(B, count)` float32."""
        # float32 makes sums equal that differ in the 16th digit alone, so that ties are ties
        return patch_sums(values, self.patch_size, self.step).flatten(1).float()

    def maxima(self, values: Tensor) -> Tensor:
        """The maximum of a map over every candidate: `(B, H, W)` -> `(B, count)` float32."""
        return patch_maxima(values, self.patch_size, self.step).flatten(1).float()

    def corners(self, place: Tensor) -> tuple[Tensor, Tensor]:
        """Top and left of candidates, in pixels."""
        return place // self.columns * self.step, place % self.columns * self.step

    def boxes(self, chosen: Tensor) -> Tensor:
        """Boxes of candidates, `(N, 5)` int64; `chosen` counts on from image to image: image * count + place."""
        top, left = self.corners(chosen % self.count)
        side = torch.full_like(chosen, self.patch_size)
        return torch.stack([chosen // self.count, top, left, side, side], dim=1)

    def all_boxes(self, images: Tensor) -> Tensor:
        """Boxes of all candidates, image by image: `(B*count, 5)` int64, on the device of the images."""
        return self.boxes(torch.arange(len(images) * self.count, device=images.device))

    def cut(self, images: Tensor) -> Tensor:
        """All candidates, in the order of `all_boxes`: `(B, C, H, W)` -> `(B*count, C, patch_size, patch_size)`."""
        windows = images.unfold(2, self.patch_size, self.step).unfold(3, self.patch_size, self.step)
        return windows.permute(0, 2, 3, 1, 4, 5).flatten(0, 2)  # from (B, C, rows, columns, size, size)


def cut(views: Views, real_boxes: Tensor, fake_boxes: Tensor, size: int) -> Views:
    """The views of boxes, `(N, 5)` each, that are squares of `size` pixels: what most samplers return."""
    real = crop(views.real, real_boxes, (size, size))
    fake = crop(views.fake, fake_boxes, (size, size))
    return replace(views, real=real, fake=fake, real_boxes=real_boxes, fake_boxes=fake_boxes)


def best(scores: Tensor, k: int, together: bool = False) -> Tensor:
    """The `k` best of every row, best first, row by row; of equal ones the first.

    `torch.topk` does not say which of equal scores it takes; a stable sort takes the first.

    Args:
        scores: `(B, count)`, a row for each image.
        k: at most `count`.
        together: the `k * B` best of all rows instead.

    Returns:
        Places in the flattened scores, `(B*k,)` int64.
    """
    rows = scores.reshape(1, -1) if together else scores
    keep = k * len(scores) if together else k
    place = torch.sort(rows, dim=1, descending=True, stable=True).indices[:, :keep]
    first = torch.arange(len(rows), device=scores.device)[:, None] * rows.shape[1]
    return (place + first).flatten()
