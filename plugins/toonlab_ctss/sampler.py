"""CTSS's critic of patches: those with the most salient texture, in gray; and the base of its variants."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor

from toonlab import Tunable, Views, check_images, crop
from toonlab.ops.filters import full_precision, min_max
from toonlab.ops.patch_grid import Grid, best

from .saliency import Scope, edge_map, smooth

Stride = Literal["stride_real", "stride_fake"]


@dataclass(frozen=True)
class Salient(ABC):
    """Scores candidates as CTSS does, by these parameters; a subclass chooses among them.

    `(B, 3, H, W)` in [-1, 1] -> `(B*k, 3, patch_size, patch_size)`. Gradients, time and memory are those of `CTSS`.

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

    Raises:
        PartError: when called with images that a patch does not fit, or that have fewer than `k` candidates.
    """

    name: ClassVar[str]  # in recipes, for errors

    patch_size: Annotated[int, Field(gt=0), Tunable(16, 128, step=8)] = 96
    stride_real: Annotated[float, Field(gt=0), Tunable(0.125, 1.0, step=0.125)] = 0.5
    stride_fake: Annotated[float, Field(gt=0), Tunable(0.125, 1.0, step=0.125)] = 0.75
    k: Annotated[int, Field(gt=0), Tunable(1, 16)] = 4
    normalise: Scope = "batch"
    guided_radius: Annotated[int, Field(ge=0), Tunable(1, 15)] = 5
    guided_eps: Annotated[float, Field(gt=0), Tunable(1e-3, 1.0, log=True)] = 0.2
    edge_threshold: Annotated[float, Field(gt=0), Tunable(0.02, 1.0, log=True)] = 0.2
    score: Literal["sum", "max"] = "sum"

    @abstractmethod
    def pick(self, scores: Tensor, grid: Grid, rng: torch.Generator | None) -> Tensor:
        """`k` candidates of every image by their scores, `(B, count)`: places in the flattened scores, `(B*k,)`."""

    def __call__(self, views: Views) -> Views:
        rng = views.context.rng if views.context else None
        real_boxes, real_scores = self.choose(views.real, "stride_real", rng)
        fake_boxes, fake_scores = self.choose(views.fake, "stride_fake", rng)
        return replace(
            views,
            real=self._cut(views.real, real_boxes),
            fake=self._cut(views.fake, fake_boxes),
            real_boxes=real_boxes,
            fake_boxes=fake_boxes,
            real_scores=real_scores,
            fake_scores=fake_scores,
        )

    @torch.no_grad()
    def choose(self, images: Tensor, stride: Stride, rng: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
        """The chosen patches of images, `(B, 3, H, W)` in [-1, 1]; returns as `best`."""
        self._check(images, stride)
        return self.best(self.saliency(images), stride, rng)

    @torch.no_grad()
    def best(self, edges: Tensor, stride: Stride, rng: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
        """The choice by any heat map, `(B, H, W)`: boxes, `(B*k, 5)` int64, and scores, `(B*k,)` float32."""
        grid = self._grid(edges, stride)
        scores = grid.sums(edges) if self.score == "sum" else grid.maxima(edges)  # (B, count)
        chosen = self.pick(scores, grid, rng)
        return grid.boxes(chosen), scores.flatten()[chosen]

    def saliency(self, images: Tensor) -> Tensor:
        """The map by which patches are scored: `(B, 3, H, W)` in [-1, 1] -> `(B, H, W)` in [0, 1]."""
        return edge_map(self.filtered(images), self.normalise, self.edge_threshold)

    def filtered(self, images: Tensor) -> Tensor:
        """The image before edge detection: `(B, 3, H, W)` in [-1, 1], like the input."""
        return smooth(images, self.guided_radius, self.guided_eps)

    def _cut(self, images: Tensor, boxes: Tensor) -> Tensor:
        return crop(images, boxes, (self.patch_size, self.patch_size))

    def _grid(self, images: Tensor, stride: Stride) -> Grid:
        return Grid.of(images, self.patch_size, getattr(self, stride))

    def _check(self, images: Tensor, stride: Stride) -> None:
        check_images(images, self.name, channels=3)
        self._grid(images, stride).check(self.name, self.k, stride)


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
        rank: choose the best `k * B` of the whole `batch` (as the original: an image may give none), or the best `k` of
            each `image`.
    """

    name: ClassVar[str] = "ctss"

    rank: Literal["batch", "image"] = "batch"

    def pick(self, scores: Tensor, grid: Grid, rng: torch.Generator | None) -> Tensor:
        return best(scores, self.k, together=self.rank == "batch")


@dataclass(frozen=True)
class GrayMinMax:
    """The sum of the three channels, stretched to [0, 1] for each patch.

    (g - min) / (max - min + 1e-8), as in CTSS's `model.py`: `(N, 3, H, W)`, any range -> `(N, 1, H, W)` in [0, 1]. A
    constant patch becomes 0.
    """

    def __call__(self, views: Views) -> Views:
        return replace(views, real=_gray(views.real), fake=_gray(views.fake), value_range=(0.0, 1.0))


def _gray(images: Tensor) -> Tensor:
    check_images(images, "gray_minmax", channels=3)
    return min_max(full_precision(images).sum(dim=1, keepdim=True), (2, 3), eps=1e-8)
