"""The square patches of a regular grid: candidates that samplers score and choose from.

A candidate's index counts row by row from the top left corner.
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
    """All whole patches of one size, at a regular distance, in images of one size.

    Args:
        height: of the images, in pixels.
        width: of the images, in pixels.
        patch_size: side of a patch, in pixels.
        stride: distance of neighbouring patches in patch sizes, rounded to pixels, but at least 1 pixel.
    """

    height: int
    width: int
    patch_size: int
    stride: float

    @classmethod
    def of(cls, images: Tensor, patch_size: int, stride: float) -> Grid:
        """The grid of images or maps, `(..., H, W)`; call `check` to see whether it has enough patches."""
        height, width = images.shape[-2:]
        return cls(height, width, patch_size, stride)

    @property
    def step(self) -> int:
        """The stride in pixels."""
        return max(1, round(self.stride * self.patch_size))

    @property
    def rows(self) -> int:
        """The number of patches along the height."""
        return places(self.height, self.patch_size, self.step)

    @property
    def columns(self) -> int:
        """The number of patches along the width."""
        return places(self.width, self.patch_size, self.step)

    @property
    def count(self) -> int:
        """The number of candidates in an image."""
        return self.rows * self.columns

    def check(self, name: str, k: int = 1, stride: str = "stride") -> None:
        """Check that a patch fits the image, and that there are at least `k` candidates.

        Args:
            name: of the sampler, for the error.
            k: the number of patches to choose in each image.
            stride: the name of the sampler's stride parameter, for the error.

        Raises:
            PartError: with the largest patch size, or the largest `k`, that is possible.
        """
        check_fits(self.patch_size, self.height, self.width, f"{name}: patch_size")
        if k > self.count:
            raise PartError(
                f"{name}: k={k} patches per image, but {stride}={self.stride} of patch_size={self.patch_size} gives "
                f"{self.count} positions in a {self.width}x{self.height} image; k can be at most {self.count}"
            )

    def sums(self, values: Tensor) -> Tensor:
        """The sum of a map over each candidate: `(B, H, W)`, any range -> `(B, count)` float32."""
        # float32, so that sums which differ in the 16th digit only are ties
        return patch_sums(values, self.patch_size, self.step).flatten(1).float()

    def maxima(self, values: Tensor) -> Tensor:
        """The maximum of a map over each candidate: `(B, H, W)`, any range -> `(B, count)` float32."""
        return patch_maxima(values, self.patch_size, self.step).flatten(1).float()

    def corners(self, index: Tensor) -> tuple[Tensor, Tensor]:
        """Top and left of candidates in pixels: int64 of any shape -> two of the same shape."""
        return index // self.columns * self.step, index % self.columns * self.step

    def boxes(self, chosen: Tensor) -> Tensor:
        """Boxes of candidates: image * count + index, `(N,)` int64 -> `(N, 5)` int64 as in `toonlab.Views`."""
        top, left = self.corners(chosen % self.count)
        side = torch.full_like(chosen, self.patch_size)
        return torch.stack([chosen // self.count, top, left, side, side], dim=1)

    def all_boxes(self, images: Tensor) -> Tensor:
        """Boxes of all candidates of `(B, C, H, W)`, image by image: `(B*count, 5)` int64, on the images' device."""
        return self.boxes(torch.arange(len(images) * self.count, device=images.device))

    def cut(self, images: Tensor) -> Tensor:
        """All candidates in the order of `all_boxes`: `(B, C, H, W)` -> `(B*count, C, patch_size, patch_size)`."""
        windows = images.unfold(2, self.patch_size, self.step).unfold(3, self.patch_size, self.step)
        return windows.permute(0, 2, 3, 1, 4, 5).flatten(0, 2)  # from (B, C, rows, columns, size, size)


def cut(views: Views, real_boxes: Tensor, fake_boxes: Tensor, size: int) -> Views:
    """Crop square patches out of both sides of the views; most samplers return this.

    Args:
        views: with images `(B, C, H, W)`, any range.
        real_boxes: `(N, 5)` int64: image, top, left, height, width, in pixels of `views.real`.
        fake_boxes: `(M, 5)` int64, in pixels of `views.fake`.
        size: side of all boxes, in pixels.

    Returns:
        The views with real `(N, C, size, size)`, fake `(M, C, size, size)` and their boxes; gradients reach the images.
    """
    real = crop(views.real, real_boxes, (size, size))
    fake = crop(views.fake, fake_boxes, (size, size))
    return replace(views, real=real, fake=fake, real_boxes=real_boxes, fake_boxes=fake_boxes)


def best(scores: Tensor, k: int, together: bool = False) -> Tensor:
    """The indices of the `k` largest scores of each row, row by row, largest first; among equal scores the first wins.

    A stable sort: `torch.topk` does not define the order of equal scores.

    Args:
        scores: `(B, count)`, one row for each image, any range.
        k: at most `count`.
        together: take the `k * B` largest of all rows instead.

    Returns:
        Indices into the flattened scores, `(B*k,)` int64.
    """
    rows = scores.reshape(1, -1) if together else scores
    keep = k * len(scores) if together else k
    index = torch.sort(rows, dim=1, descending=True, stable=True).indices[:, :keep]
    first = torch.arange(len(rows), device=scores.device)[:, None] * rows.shape[1]
    return (index + first).flatten()
