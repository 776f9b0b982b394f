"""Random patches with probabilities from CTSS's scores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from pydantic import Field
from torch import Tensor

from toonlab import PartError, Tunable
from toonlab.ops.patch_grid import Grid, best

from .salient import Salient

# The weight of a candidate without edges, relative to the image's best, so that a high temperature can choose it.
FLOOR = 1e-6


@dataclass(frozen=True)
class SaliencyRandom(Salient):
    """Random patches, salient ones with a higher probability: `k` of every image, without replacement.

    A candidate's weight is CTSS's score to the power 1 / `temperature`. Candidates are drawn one after the other with
    probabilities proportional to their weights, by the Gumbel-top-k trick: the `k` largest of log weight plus Gumbel
    noise (Kool, van Hoof and Welling, "Stochastic Beams and Where to Find Them",
    ICML 2019; Efraimidis and Spirakis, "Weighted Random Sampling with a Reservoir", Information Processing Letters 97,
    2006). Towards 0 the temperature gives CTSS's best of each image, at 1 probabilities in proportion to scores, and
    towards infinity random candidates.

    `(B, 3, H, W)` in [-1, 1] -> `(B*k, 3, patch_size, patch_size)`, image by image, in the order drawn. Where no
    candidate has an edge, all are equally likely. Real and fake are drawn independently.

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
        temperature: the larger, the more uniform the probabilities.

    Raises:
        PartError: when called with images that a patch does not fit, that have fewer than `k` candidates, or with views
            that have no context to draw from.
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
