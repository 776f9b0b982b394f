"""Connected components of a batch of label maps, without a loop over images or regions."""

from __future__ import annotations

import torch
from torch import Tensor


def connected(labels: Tensor, smallest: int = 0) -> Tensor:
    """The 4-connected components of equal labels: `(B, H, W)` int64 -> `(B, H, W)` int64, numbers below H*W.

    The number of a component is the index of its first pixel, row by row, and so unique within an image.

    Args:
        smallest: components of fewer pixels join the one above their first pixel, or to its left in the first row; the
            component of the picture's first pixel stays.
    """
    batch, height, width = labels.shape
    first = _absorb(_first_pixels(labels), width, height * width, smallest)
    start = torch.arange(batch, device=labels.device)[:, None] * (height * width)
    return (first.view(batch, -1) - start).view_as(labels)


def _first_pixels(labels: Tensor) -> Tensor:
    """For each pixel of the batch, the first pixel of its component: `(B*H*W,)`.

    Hooking and pointer jumping (Shiloach and Vishkin, 1982): in every round each root takes the minimum over the
    neighbours of its pixels. The number of rounds grows with the logarithm of a component's extent, and minima are
    deterministic on a GPU.
    """
    first = torch.arange(labels.numel(), device=labels.device)
    across, below = labels[..., 1:] == labels[..., :-1], labels[:, 1:] == labels[:, :-1]
    while True:
        least = _least_of_neighbours(first.view_as(labels), across, below).flatten()
        updated = _shortcut(first.scatter_reduce(0, first, least, "amin"), rounds=2)
        if torch.equal(updated, first):
            return first
        first = updated


def _least_of_neighbours(first: Tensor, across: Tensor, below: Tensor) -> Tensor:
    least = first.clone()
    left, right = first[..., :-1], first[..., 1:]
    least[..., 1:] = torch.where(across, torch.minimum(least[..., 1:], left), least[..., 1:])
    least[..., :-1] = torch.where(across, torch.minimum(least[..., :-1], right), least[..., :-1])
    above, under = first[:, :-1], first[:, 1:]
    least[:, 1:] = torch.where(below, torch.minimum(least[:, 1:], above), least[:, 1:])
    least[:, :-1] = torch.where(below, torch.minimum(least[:, :-1], under), least[:, :-1])
    return least


def _absorb(first: Tensor, width: int, pixels: int, smallest: int) -> Tensor:
    """Point small components to the one before their first pixel; pointers only go back, so there is no cycle."""
    place = torch.arange(len(first), device=first.device)
    sizes = torch.zeros_like(first).scatter_add_(0, first, torch.ones_like(first))
    before = place - torch.where(place % pixels >= width, width, 1)
    small = (sizes < smallest) & (place == first) & (place % pixels > 0)
    target = torch.where(small, first[before.clamp_min(0)], place)
    return _shortcut(target, rounds=max(1, pixels.bit_length()))[first]


def _shortcut(pointers: Tensor, rounds: int) -> Tensor:
    for _ in range(rounds):
        pointers = pointers[pointers]
    return pointers
