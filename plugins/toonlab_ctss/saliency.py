"""CTSS's saliency: the edge map of the guided-filtered image."""

from typing import Literal

import torch
from torch import Tensor

from toonlab.ops.filters import full_precision, guided_filter, min_max

Scope = Literal["batch", "image"]


def edge_map(images: Tensor, normalise: Scope = "batch", threshold: float | None = None) -> Tensor:
    """The strength of edges, by `tools/edge_extracter.py` of CTSS's code.

    With s = R + 2G + B (the 1-2-1 weights of the original's kernels run over channels, not over space) it is, on either
    axis, |s(+1) - s(-1)| + |2s - s(-1) - s(+1)|, which equals 2 max(|s - s(-1)|, |s - s(+1)|): the larger of the steps
    to the two neighbours. Borders are reflected, so only one neighbour counts there. The factor 2 cancels.

    Args:
        images: `(B, 3, H, W)`, any range, H and W at least 2.
        normalise: stretch to [0, 1] by the minimum and maximum of the whole `batch` (as the original), or of each
            `image`. Without any edge the map is 0 (in the original NaN).
        threshold: edges of this strength (in [0, 1]) become 0.5, weaker ones fade, stronger ones saturate:
            1 - 1 / (1 + (e / threshold)²). None skips this step.

    Returns:
        `(B, H, W)` in [0, 1]; float32 for half precision.
    """
    red, green, blue = full_precision(images).unbind(dim=1)
    brightness = red + 2 * green + blue  # (B, H, W)
    edges = _larger_step(brightness, dim=1) + _larger_step(brightness, dim=2)
    edges = min_max(edges, (0, 1, 2) if normalise == "batch" else (1, 2))
    if threshold is None:
        return edges
    squared = edges.square()
    return squared / (squared + threshold**2)


def _larger_step(values: Tensor, dim: int) -> Tensor:
    """For each pixel the larger of the absolute differences to its two neighbours along `dim`."""
    steps = values.diff(dim=dim).abs()
    first, last = steps.narrow(dim, 0, 1), steps.narrow(dim, steps.shape[dim] - 1, 1)
    return torch.maximum(torch.cat([first, steps], dim), torch.cat([steps, last], dim))


def smooth(images: Tensor, radius: int, eps: float) -> Tensor:
    """The image without fine texture, of which CTSS computes the edge map: a self-guided filter.

    Filtered relative to the top left pixel, which changes only the rounding and keeps a constant image exactly
    constant; otherwise the edge map would stretch rounding errors to [0, 1].

    Args:
        images: `(B, 3, H, W)` in [-1, 1].
        radius: of the filter's window in pixels; 0 for no filter.
        eps: the variance below which a window counts as texture and is averaged.

    Returns:
        `(B, 3, H, W)`; float32 for half precision.
    """
    images = full_precision(images)
    corner = images[..., :1, :1]
    relative = images - corner
    return guided_filter(relative, relative, radius, eps) + corner
