"""Paint each region in one colour: its mean, or the paper's adaptive colouring."""

from __future__ import annotations

from typing import Literal

import torch
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
