"""Sums and maxima over sliding windows: a number for each patch of a grid, without cropping the patches.

The time does not depend on the patch size; the memory is O(pixels) for every stride.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor


def places(length: int, size: int, stride: int) -> int:
    """The number of windows of `size` that fit into `length` at a distance of `stride`: TensorFlow's padding VALID."""
    return (length - size) // stride + 1


def patch_sums(values: Tensor, size: int, stride: int) -> Tensor:
    """The sum over each patch of a grid, by integral images (Crow, "Summed-Area Tables", SIGGRAPH 1984).

    In float64: differences of prefix sums over a large picture lose more digits than float32 has.

    Args:
        values: `(B, H, W)`, any range.
        size: side of a patch in pixels, at most H and W.
        stride: distance of neighbouring patches in pixels.

    Returns:
        `(B, rows, columns)` float64, with `places(H, size, stride)` rows.
    """
    return _sums(_sums(values, size, stride).mT, size, stride).mT


def _sums(values: Tensor, size: int, stride: int) -> Tensor:
    """Window sums along the last axis."""
    *rest, length = values.shape
    prefix = values.new_zeros((*rest, length + 1), dtype=torch.float64)
    prefix[..., 1:] = values
    prefix.cumsum_(-1)  # in place: it is as large as the images
    return prefix[..., size::stride] - prefix[..., :-size:stride]


def patch_maxima(values: Tensor, size: int, stride: int) -> Tensor:
    """The maximum over each patch of a grid, by van Herk's algorithm (Pattern Recognition Letters 13, 1992).

    Args:
        values: `(B, H, W)`, any range.
        size: side of a patch in pixels, at most H and W.
        stride: distance of neighbouring patches in pixels.

    Returns:
        `(B, rows, columns)` in the dtype of the values, with `places(H, size, stride)` rows.
    """
    return _maxima(_maxima(values, size, stride).mT, size, stride).mT


def _maxima(values: Tensor, size: int, stride: int) -> Tensor:
    """Window maxima along the last axis: a window is the end of one block of `size` and the start of the next."""
    length = values.shape[-1]
    count = math.ceil(length / size)
    padded = F.pad(values, (0, count * size - length), value=-math.inf)
    blocks = padded.reshape(*values.shape[:-1], count, size)
    from_start = blocks.cummax(-1).values.flatten(-2)
    to_end = blocks.flip(-1).cummax(-1).values.flip(-1).flatten(-2)
    return torch.maximum(to_end[..., : length - size + 1 : stride], from_start[..., size - 1 : length : stride])
