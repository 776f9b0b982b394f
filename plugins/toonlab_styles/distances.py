"""Distances between all features of two images, by blocks of rows, so that their number does not decide the memory.

A block's part of the graph is computed again in the backward pass. Features are rows: `(B, N, C)`.
"""

from collections.abc import Callable, Iterator
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.checkpoint import checkpoint

BLOCK = 2**24  # distances at once, of all images: 64 MiB in float32
_SHORT = 1e-4  # features shorter than this are not scaled up to length 1: their gradients would have no bound


def rows(features: Tensor) -> Tensor:
    """`(B, C, h, w)` -> `(B, h w, C)`."""
    return features.flatten(2).mT


def each_row_block(of_block: Callable[[Tensor, Tensor], Tensor], x: Tensor, y: Tensor) -> list[Tensor]:
    """A function of the distances between blocks of `x` and all of `y`, for each block."""
    blocks = list(_blocks(x, y))
    if len(blocks) == 1:
        return [of_block(x, y)]
    return [checkpoint(of_block, block, y, use_reentrant=False) for block in blocks]


def cosine_distances(x: Tensor, y: Tensor) -> Tensor:
    """1 - cos between all features: `(B, N, C)`, `(B, M, C)` -> `(B, N, M)` in [0, 2]; 1 where one has no length."""
    return 1 - F.normalize(x, dim=2, eps=_SHORT) @ F.normalize(y, dim=2, eps=_SHORT).mT


def gaussian_mean(x: Tensor, y: Tensor, scale: Tensor) -> Tensor:
    """The mean of exp(-|x - y|² / scale) over all pairs: `(B,)`; `scale` is `(B, 1, 1)`."""
    sums = each_row_block(partial(_gaussian_sum, scale), x, y)
    return torch.stack(sums).sum(0) / (x.shape[1] * y.shape[1])


def nearest(x: Tensor, y: Tensor) -> Tensor:
    """The index in `y` of the feature with the greatest cosine, for each feature of `x`: `(B, N)` int64."""
    return torch.cat([cosine_distances(block, y).argmin(2) for block in _blocks(x, y)], 1)


def best_matches(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """The least cosine distance of each feature of `x` to one of `y`, and the reverse: `(B, N)`, `(B, M)`."""
    found = each_row_block(_least, x, y)
    least = [torch.split(block, [block.shape[1] - y.shape[1], y.shape[1]], 1) for block in found]
    return torch.cat([own for own, _ in least], 1), torch.stack([other for _, other in least]).amin(0)


def _blocks(x: Tensor, y: Tensor) -> Iterator[Tensor]:
    return iter(torch.split(x, max(1, BLOCK // (len(y) * y.shape[1])), 1))


def _gaussian_sum(scale: Tensor, x: Tensor, y: Tensor) -> Tensor:
    squares = x.square().sum(2)[:, :, None] + y.square().sum(2)[:, None] - 2 * x @ y.mT
    return (-squares.clamp_min(0) / scale).exp().sum((1, 2))


def _least(x: Tensor, y: Tensor) -> Tensor:
    away = cosine_distances(x, y)
    return torch.cat([away.amin(2), away.amin(1)], 1)
