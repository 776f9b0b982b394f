"""CTSS's sampler: the patches with the most salient texture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor

from toonlab.ops.patch_grid import Grid, best

from .salient import Salient


@dataclass(frozen=True)
class CTSS(Salient):
    """The patches with the most salient texture, in which a cartoon differs most from a photo.

    Gao, Zhang and Tian, "Learning to Incorporate Texture Saliency Adaptive Attention to Image Cartoonization", ICML
    2022; their code's `tools/patch_extractor.py`. A patch's score is the sum of its edges after a guided filter; the
    patches with the highest scores are cropped from the unfiltered image. Other patches are never cropped: O(pixels)
    time and memory for every stride, and the time of scoring does not depend on `patch_size`.

    `(B, 3, H, W)` in [-1, 1] -> `(B*k, 3, patch_size, patch_size)`, best first. Gradients flow to the pixels, but not
    through scores or choice.

    Among equal scores the earlier image, then the upper, then the left patch comes first; without any edge all scores
    are 0. With `rank: image` the order is image by image, and best first within each.

    Args:
        patch_size: side of a patch in pixels.
        stride_real: distance of neighbouring candidates in cartoons, in patch sizes, rounded to pixels.
        stride_fake: the same in fakes.
        k: patches per image.
        normalise: the edges' minimum and maximum are those of the `batch` (as the original), or of each `image`.
        guided_radius: window of the guided filter, `2 * guided_radius + 1` pixels; 0 for no filter.
        guided_eps: variance (of values in [-1, 1]) below which texture is smoothed away.
        edge_threshold: edges of this share of the strongest count half.
        score: a patch's `sum` or `max` of its edges.
        rank: choose the best `k * B` of the whole `batch` (as the original: an image may give none), or the best `k` of
            each `image`.

    Raises:
        PartError: when called with images that a patch does not fit, or that have fewer than `k` candidates.
    """

    name: ClassVar[str] = "ctss"

    rank: Literal["batch", "image"] = "batch"

    def pick(self, scores: Tensor, grid: Grid, rng: torch.Generator | None) -> Tensor:
        return best(scores, self.k, together=self.rank == "batch")
