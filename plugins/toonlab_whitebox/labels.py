"""Label maps of a batch, `(B, H, W)` int64 below H*W: their connected components, and one colour for each region.

Without a loop over images or regions.
"""

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from toonlab.ops.filters import full_precision

Coloring = Literal["mean", "mixed"]
_UNIT = 2**32  # of the fixed-point numbers that are summed: exact for values in [-1, 1] to ten digits


@torch.no_grad()
def paint(
    images: Tensor, labels: Tensor, coloring: Coloring = "mean", gamma1: float = 20.0, gamma2: float = 40.0
) -> Tensor:
    """Give every region one colour: `(B, 3, H, W)` in [-1, 1] and `(B, H, W)` int64 below H*W -> like the images.

    `mixed` is the adaptive colouring of Wang and Yu, CVPR 2020, eq. 2, without its exponent: see `median_share`. Sums
    are those of whole numbers and so the same on any device and in any order.

    Args:
        coloring: `mean`, or `mixed`: the mean, the median or the mean of both, by the deviation within the region.
        gamma1: standard deviation on a scale of 0 to 255, below which a region gets its mean.
        gamma2: the same, above which it gets its median.
    """
    values = full_precision(images).flatten(2)  # (B, C, H*W)
    regions = labels.flatten(1)[:, None].expand_as(values)
    sizes = torch.zeros_like(labels.flatten(1)).scatter_add_(1, labels.flatten(1), torch.ones_like(regions[:, 0]))
    colour = _means(values, regions, sizes)
    if coloring == "mixed":
        deviation = (values - colour.gather(2, regions)).square()
        spread = 127.5 * _means(deviation, regions, sizes).mean(1, keepdim=True).sqrt()  # (B, 1, regions)
        colour = torch.lerp(colour, _medians(values, regions, sizes), median_share(spread, gamma1, gamma2))
    return colour.gather(2, regions).view_as(images).to(images.dtype)


def median_share(spread: Tensor, gamma1: float, gamma2: float) -> Tensor:
    """The share of the median in a region's colour, the rest being the mean.

    0 below `gamma1`, 1 above `gamma2`, and 0.5 from `gamma1` to `gamma2`, both included.
    """
    return 0.5 * (spread >= gamma1).to(spread.dtype) + 0.5 * (spread > gamma2).to(spread.dtype)


def _means(values: Tensor, regions: Tensor, sizes: Tensor) -> Tensor:
    """Mean of each region: `(B, C, N)` -> `(B, C, N)`, by region number; 0 where there is no such region."""
    whole = (values.double() * _UNIT).round().long()
    sums = torch.zeros_like(whole).scatter_add_(2, regions, whole)
    return (sums.double() / (_UNIT * sizes.clamp_min(1)[:, None])).to(values.dtype)


def _medians(values: Tensor, regions: Tensor, sizes: Tensor) -> Tensor:
    """Median of each region as `_means`; of an even number of pixels, the mean of the middle two."""
    order = values.argsort(dim=2, stable=True)
    order = order.gather(2, regions.gather(2, order).argsort(dim=2, stable=True))  # by region, then by value
    ordered = values.gather(2, order)
    starts = sizes.cumsum(1) - sizes
    middle = [starts + (sizes - odd).clamp_min(0).div(2, rounding_mode="floor") for odd in (1, 0)]
    low, high = (ordered.gather(2, at.clamp(max=values.shape[2] - 1)[:, None].expand_as(regions)) for at in middle)
    return (low + high) / 2


def connected(labels: Tensor, smallest: int = 0, extent: int | None = None) -> Tensor:
    """The 4-connected components of equal labels: `(B, H, W)` int64 -> `(B, H, W)` int64, numbers below H*W.

    The number of a component is the index of its first pixel, row by row, and so unique within an image.

    Args:
        smallest: components of fewer pixels join the one above their first pixel, or to its left in the first row; the
            component of the picture's first pixel stays.
        extent: a bound of the components' sides, in pixels, if the caller knows one.
    """
    batch, height, width = labels.shape
    rounds = min(extent or max(height, width), max(height, width)).bit_length()
    first = _absorb(_first_pixels(labels, rounds), width, height * width, smallest)
    start = torch.arange(batch, device=labels.device)[:, None] * (height * width)
    return (first.view(batch, -1) - start).view_as(labels)


def _first_pixels(labels: Tensor, rounds: int) -> Tensor:
    """For each pixel of the batch, the first pixel of its component: `(B*H*W,)`.

    Hooking and pointer jumping (Shiloach and Vishkin, 1982): in every round each root takes the minimum over the runs
    of equal labels, in rows and columns, that its pixels lie in. The number of rounds grows with the logarithm of a
    component's extent: spirals and mazes need fewer than that extent has bits. It is fixed, since to ask whether a
    round changed anything is to wait for a GPU; minima are deterministic there.
    """
    across, below = _runs(labels, 2), _runs(labels, 1)
    first = torch.arange(labels.numel(), device=labels.device)
    for _ in range(rounds):
        least = first.scatter_reduce(0, across, first, "amin")[across]
        least = least.scatter_reduce(0, below, least, "amin")[below]
        first = _shortcut(first.scatter_reduce(0, first, least, "amin"), rounds=2)
    return first


def _runs(labels: Tensor, dim: int) -> Tensor:
    """For each pixel of the batch, the first pixel of its run of equal labels along an axis: `(B*H*W,)`."""
    place = torch.arange(labels.numel(), device=labels.device).view_as(labels)
    before = F.pad(labels.narrow(dim, 0, labels.shape[dim] - 1), (1, 0) if dim == 2 else (0, 0, 1, 0), value=-1)
    return torch.where(labels == before, 0, place).cummax(dim).values.flatten()


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
