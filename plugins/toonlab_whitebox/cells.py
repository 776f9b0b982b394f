"""The initial grid of superpixels: the pixels of each cell, and its neighbouring cells."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor


@dataclass(frozen=True)
class Cells:
    """A picture of H x W pixels, divided into a grid of cells whose sides differ by at most one pixel.

    All cells have the `room` of the largest one; surplus entries of smaller cells are not their own pixels.

    Args:
        pixels: `(cells, room)` int64, indices into the flattened picture.
        own: `(cells, room)` bool: whether that entry is a pixel of this cell.
        home: `(H*W,)` int64, each pixel's index in the flattened `(cells, room)`.
        near: `(cells, 9)` int64, the 3x3 cells around a cell, row by row; `cells` outside the picture.
        back: `(cells, 9)` int64, the entries of this cell in the flattened `near` of these nine; `9 * cells` outside
            the picture.
        step: the square root of a cell's mean area, in pixels.
    """

    pixels: Tensor
    own: Tensor
    home: Tensor
    near: Tensor
    back: Tensor
    step: float


@lru_cache(maxsize=8)
def cells(height: int, width: int, segments: int, device: torch.device) -> Cells:
    """Approximately `segments` cells, as square as possible."""
    step = math.sqrt(height * width / min(segments, height * width))
    rows, columns = (max(1, min(side, round(side / step))) for side in (height, width))
    y, own_y = _cut(height, rows)  # (rows, room)
    x, own_x = _cut(width, columns)  # (columns, room)
    pixels = (y[:, None, :, None] * width + x[None, :, None, :]).flatten(0, 1).flatten(1)
    own = (own_y[:, None, :, None] & own_x[None, :, None, :]).flatten(0, 1).flatten(1)
    home = torch.empty(height * width, dtype=torch.int64)
    home[pixels[own]] = torch.arange(own.numel())[own.flatten()]
    near, back = _neighbours(rows, columns)
    pixels, own, home, near, back = (table.to(device) for table in (pixels, own, home, near, back))
    return Cells(pixels, own, home, near, back, step)


def _cut(length: int, parts: int) -> tuple[Tensor, Tensor]:
    """A side divided into parts: the pixels of each, `(parts, room)`, and whether they are its own."""
    ends = torch.arange(parts + 1) * length // parts
    room = int(ends.diff().max())
    place = ends[:-1, None] + torch.arange(room)
    return place.clamp(max=length - 1), place < ends[1:, None]


def _neighbours(rows: int, columns: int) -> tuple[Tensor, Tensor]:
    number = torch.full((rows + 2, columns + 2), rows * columns)
    number[1:-1, 1:-1] = torch.arange(rows * columns).view(rows, columns)
    near = number.unfold(0, 3, 1).unfold(1, 3, 1).reshape(rows * columns, 9)
    # seen from the neighbour at offset o, this cell lies at the opposite offset
    back = torch.where(near < rows * columns, near * 9 + 8 - torch.arange(9), 9 * rows * columns)
    return near, back
