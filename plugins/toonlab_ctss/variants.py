"""Variants of CTSS's choice by the same scores: at random, and with little overlap."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from pydantic import Field
from torch import Tensor

from toonlab import PartError, Tunable
from toonlab.ops.patch_grid import Grid, best

from .sampler import Salient

# The weight of a candidate without edges, relative to the image's best, so that a high temperature can choose it.
FLOOR = 1e-6


@dataclass(frozen=True)
class SaliencyRandom(Salient):
    """Random patches, salient ones with a higher probability: `k` of every image, without replacement.

    A candidate's weight is CTSS's score to the power 1 / `temperature`. Candidates are drawn one after the other with
    probabilities proportional to their weights, by the Gumbel-top-k trick: the `k` largest of log weight plus Gumbel
    noise (Kool, van Hoof and Welling, "Stochastic Beams and Where to Find Them", ICML 2019; Efraimidis and Spirakis,
    "Weighted Random Sampling with a Reservoir", Information Processing Letters 97, 2006). Towards 0 the temperature
    gives CTSS's best of each image, at 1 probabilities in proportion to scores, and towards infinity random candidates.

    `(B, 3, H, W)` in [-1, 1] -> `(B*k, 3, patch_size, patch_size)`, image by image, in the order drawn. Where no
    candidate has an edge, all are equally likely. Real and fake are drawn independently.

    Args:
        temperature: the larger, the more uniform the probabilities.

    Raises:
        PartError: also when called with views that have no context to draw from.
    """

    name: ClassVar[str] = "saliency_random"

    temperature: Annotated[float, Field(gt=0), Tunable(0.05, 5.0, log=True)] = 1.0

    def pick(self, scores: Tensor, grid: Grid, rng: torch.Generator | None) -> Tensor:
        if rng is None:
            raise PartError(f"{self.name}: draws random numbers, but these views have no context to take them from")
        exponential = torch.empty(scores.shape, dtype=torch.float64).exponential_(generator=rng)
        gumbel = -exponential.log().to(scores.device, non_blocking=True)
        strongest = scores.amax(dim=1, keepdim=True).clamp_min(torch.finfo(scores.dtype).tiny)
        weights = (scores / strongest).double().clamp_min(FLOOR)  # only their ratios matter
        return best(weights.log() / self.temperature + gumbel, self.k)


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
        iou: the intersection over union above which the lesser of two patches is suppressed. Neighbours half a patch
            apart have 1/3, three quarters apart 1/7.
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
