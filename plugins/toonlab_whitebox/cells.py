"""The grid that superpixels start from: which pixels lie in a cell, and which cells are its neighbours."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor


@dataclass(frozen=True)
class Cells:
    """A picture of H x W pixels cut into a grid of cells, whose sides differ by at most a pixel.

    Cells have room for as many pixels as the largest of them; what a smaller one has too much is no pixel of its own.

    Args:
        pixels: `(cells, room)` int64, places in the flattened picture.
        own: `(cells, room)` bool: whether that place is a pixel of this cell.
        home: `(H*W,)` int64, each pixel's place in the flattened `(cells, room)`.
        near: `(cells, 9)` int64, the cells around a cell and itself, row by row; `cells` where the picture ends.
        back: `(cells, 9)` int64: where in a flattened `(cells, 9)` these nine speak of this cell; `9 * cells` where
            the picture ends.
        step: side of a cell in pixels, were it square.
    """

    pixels: Tensor
    own: Tensor
    home: Tensor
    near: Tensor
    back: Tensor
    step: float


@lru_cache(maxsize=8)
def cells(height: int, width: int, segments: int, device: torch.device) -> Cells:
    """About `segments` cells, as square as can be."""
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
    """A side in parts: the pixels of each, `(parts, room)`, and whether they are its own."""
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
