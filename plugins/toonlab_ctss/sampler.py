"""CTSS's sampler: the patches with the most salient texture."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor

from toonlab import PartError, Tunable, Views, check_images, crop
from toonlab.checks import check_fits

from .saliency import Scope, edge_map, smooth
from .windows import patch_maxima, patch_sums, places

Stride = Literal["stride_real", "stride_fake"]


@dataclass(frozen=True)
class CTSS:
    """The patches with the most salient texture, in which a cartoon differs most from a photo.

    Gao, Zhang and Tian, "Learning to Incorporate Texture Saliency Adaptive Attention to Image Cartoonization", ICML
    2022; their code's `tools/patch_extractor.py`. A patch scores by the edges in it that are left after a guided
    filter; the best are cut from the unfiltered image: `(B, 3, H, W)` in [-1, 1] -> `(B*k, 3, patch_size, patch_size)`,
    best first. Gradients reach the pixels, and do not flow through scores or choice. Patches not chosen are never cut
    out: O(pixels) time and memory at any stride, and scoring takes the same time for any `patch_size`.

    Of patches that score the same, the one of the earlier image, then the upper, then the left one, comes first; in
    images without any edge all score 0.

    Args:
        patch_size: side of a patch in pixels.
        stride_real: distance of neighbouring candidates in cartoons, in patch sizes, rounded to pixels.
        stride_fake: the same in fakes.
        k: patches per image.
        rank: choose the best `k * B` of the whole `batch` (as the original: an image may give none), or the best `k` of
            each `image`.
        normalise: the edges' minimum and maximum are those of the `batch` (as the original), or of each `image`.
        guided_radius: window of the guided filter, `2 * guided_radius + 1` pixels; 0 for no filter.
        guided_eps: variance (of values in [-1, 1]) below which texture is smoothed away.
        edge_threshold: edges of this share of the strongest count half.
        score: a patch's `sum` or `max` of its edges.

    Raises:
        PartError: when called with images that a patch does not fit, or that have fewer than `k` candidates.
    """

    patch_size: Annotated[int, Field(gt=0), Tunable(16, 128, step=8)] = 96
    stride_real: Annotated[float, Field(gt=0), Tunable(0.125, 1.0, step=0.125)] = 0.5
    stride_fake: Annotated[float, Field(gt=0), Tunable(0.125, 1.0, step=0.125)] = 0.75
    k: Annotated[int, Field(gt=0), Tunable(1, 16)] = 4
    rank: Literal["batch", "image"] = "batch"
    normalise: Scope = "batch"
    guided_radius: Annotated[int, Field(ge=0), Tunable(1, 15)] = 5
    guided_eps: Annotated[float, Field(gt=0), Tunable(1e-3, 1.0, log=True)] = 0.2
    edge_threshold: Annotated[float, Field(gt=0), Tunable(0.02, 1.0, log=True)] = 0.2
    score: Literal["sum", "max"] = "sum"

    def __call__(self, views: Views) -> Views:
        real_boxes, real_scores = self.choose(views.real, "stride_real")
        fake_boxes, fake_scores = self.choose(views.fake, "stride_fake")
        size = (self.patch_size, self.patch_size)
        return replace(
            views,
            real=crop(views.real, real_boxes, size),
            fake=crop(views.fake, fake_boxes, size),
            real_boxes=real_boxes,
            fake_boxes=fake_boxes,
            real_scores=real_scores,
            fake_scores=fake_scores,
        )

    @torch.no_grad()
    def choose(self, images: Tensor, stride: Stride) -> tuple[Tensor, Tensor]:
        """The chosen patches of images, `(B, 3, H, W)` in [-1, 1]; returns as `best`."""
        self._check(images, stride)
        return self.best(self.saliency(images), stride)

    @torch.no_grad()
    def best(self, edges: Tensor, stride: Stride) -> tuple[Tensor, Tensor]:
        """The best patches of a heat map, `(B, H, W)`: their boxes, `(B*k, 5)` int64, and scores, `(B*k,)` float32.

        In the order of the ranking; with `rank: image`, image by image and within each best first.
        """
        scores = self._over_patches(edges, stride)  # (B, rows, columns)
        best, place = _best(scores.flatten(1), self.k, together=self.rank == "batch")
        rows, columns = scores.shape[1:]
        step = self._pixels(stride)
        side = torch.full_like(place, self.patch_size)
        image, place = place // (rows * columns), place % (rows * columns)
        return torch.stack([image, place // columns * step, place % columns * step, side, side], dim=1), best

    @torch.no_grad()
    def scores(self, images: Tensor, stride: Stride) -> Tensor:
        """The score of every candidate: `(B, 3, H, W)` -> `(B, rows, columns)` float32."""
        self._check(images, stride)
        return self._over_patches(self.saliency(images), stride)

    def saliency(self, images: Tensor) -> Tensor:
        """The heat map that patches are scored on: `(B, 3, H, W)` in [-1, 1] -> `(B, H, W)` in [0, 1]."""
        return edge_map(self.filtered(images), self.normalise, self.edge_threshold)

    def filtered(self, images: Tensor) -> Tensor:
        """The image that edges are looked for in: `(B, 3, H, W)` in [-1, 1], like the input."""
        return smooth(images, self.guided_radius, self.guided_eps)

    def _over_patches(self, edges: Tensor, stride: Stride) -> Tensor:
        over_patches = patch_sums if self.score == "sum" else patch_maxima
        # float32 makes sums equal that differ in the 16th digit alone, so that ties are ties
        return over_patches(edges, self.patch_size, self._pixels(stride)).float()

    def _pixels(self, stride: str) -> int:
        return max(1, round(getattr(self, stride) * self.patch_size))

    def _check(self, images: Tensor, stride: str) -> None:
        check_images(images, "ctss", channels=3)
        height, width = images.shape[2:]
        check_fits(self.patch_size, height, width, "patch_size")
        count = math.prod(places(side, self.patch_size, self._pixels(stride)) for side in (height, width))
        if self.k > count:
            raise PartError(
                f"ctss: k={self.k} patches per image, but {stride}={getattr(self, stride)} of "
                f"patch_size={self.patch_size} gives {count} positions in a {height}x{width} image; "
                f"k can be at most {count}"
            )


def _best(scores: Tensor, k: int, together: bool) -> tuple[Tensor, Tensor]:
    """The k best per row, or k times as many as there are rows of all: scores, and places in the flattened input.

    `torch.topk` does not say which of equal scores it takes; a stable sort takes the first.
    """
    rows = scores.reshape(1, -1) if together else scores
    keep = k * len(scores) if together else k
    ordered, place = torch.sort(rows, dim=1, descending=True, stable=True)
    first = torch.arange(len(rows), device=scores.device)[:, None] * rows.shape[1]
    return ordered[:, :keep].flatten(), (place[:, :keep] + first).flatten()
