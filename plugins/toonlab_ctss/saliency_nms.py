"""CTSS's scores with non-maximum suppression: salient patches with little overlap."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from pydantic import Field
from torch import Tensor

from toonlab import Tunable
from toonlab.ops.patch_grid import Grid

from .salient import Salient


@dataclass(frozen=True)
class SaliencyNMS(Salient):
    """The most salient patches of every image that do not overlap much.

    Greedy non-maximum suppression, as detectors do (Felzenszwalb, Girshick, McAllester and Ramanan, "Object Detection
    with Discriminatively Trained Part-Based Models", PAMI 2010, sec. 7.2): repeatedly the best candidate by CTSS's
    score among those whose intersection over union with every chosen one is at most `iou`. If fewer than `k` remain,
    the best suppressed ones follow.

    `(B, 3, H, W)` in [-1, 1] -> `(B*k, 3, patch_size, patch_size)`, image by image, in the order of choice. Among
    equal scores the upper, then the left patch comes first. `iou` 1 suppresses nothing: CTSS with `rank: image`.

    Args:
        patch_size: side of a patch in pixels.
        stride_real: distance of neighbouring candidates in cartoons, in patch sizes, rounded to pixels.
        stride_fake: the same in fakes.
        k: patches per image.
        normalise: the edges' minimum and maximum are those of the `batch`, or of each `image`.
        guided_radius: window of the guided filter, `2 * guided_radius + 1` pixels; 0 for no filter.
        guided_eps: variance (of values in [-1, 1]) below which texture is smoothed away.
        edge_threshold: edges of this share of the strongest count half.
        score: a patch's `sum` or `max` of its edges.
        iou: the intersection over union above which the lesser of two patches is suppressed. Neighbours half a patch
            apart have 1/3, three quarters apart 1/7.

    Raises:
        PartError: when called with images that a patch does not fit, or that have fewer than `k` candidates.
    """

    name: ClassVar[str] = "saliency_nms"

    iou: Annotated[float, Field(ge=0, le=1), Tunable(0.0, 0.6, step=0.1)] = 0.1

    def pick(self, scores: Tensor, grid: Grid, rng: torch.Generator | None) -> Tensor:
        rank = scores.argsort(dim=1, descending=True, stable=True).argsort(dim=1)  # (B, count): 0 is best
        top, left = grid.corners(torch.arange(grid.count, device=scores.device))
        taken = []
        for _ in range(self.k):
            place = rank.argmin(dim=1, keepdim=True)  # (B, 1)
            taken.append(place)
            near = self._overlap(top - top[place], left - left[place])  # (B, count)
            rank = torch.where(near & (rank < grid.count), rank + grid.count, rank)  # after all that remain
            rank = rank.scatter(1, place, 2 * grid.count)  # after those, too
        first = torch.arange(len(scores), device=scores.device)[:, None] * grid.count
        return (torch.cat(taken, dim=1) + first).flatten()

    def _overlap(self, down: Tensor, right: Tensor) -> Tensor:
        """Whether patches at this distance overlap by more than `iou`."""
        shared = (self.patch_size - down.abs()).clamp_min(0) * (self.patch_size - right.abs()).clamp_min(0)
        return shared > self.iou * (2 * self.patch_size**2 - shared).double()
