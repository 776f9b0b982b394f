"""The base of CTSS's sampler and its variants: candidates of a grid, scored by their salient edges."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor

from toonlab import Tunable, Views, check_images
from toonlab.ops.patch_grid import Grid, cut

from .saliency import Scope, edge_map, smooth

Stride = Literal["stride_real", "stride_fake"]


@dataclass(frozen=True)
class Salient(ABC):
    """Scores candidates as CTSS does; a subclass chooses among them.

    `(B, 3, H, W)` in [-1, 1] -> `(B*k, 3, patch_size, patch_size)`, cut from the unfiltered image. Gradients flow to
    the pixels, but not through scores or choice. Patches not chosen are never cut out: O(pixels) time and memory at
    any stride, and scoring takes the same time for any `patch_size`. Parameters are those of `CTSS`.
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
        seen = cut(views, real_boxes, fake_boxes, self.patch_size)
        return replace(seen, real_scores=real_scores, fake_scores=fake_scores)

    @torch.no_grad()
    def choose(self, images: Tensor, stride: Stride, rng: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
        """The chosen patches of images, `(B, 3, H, W)` in [-1, 1]; returns as `best`."""
        self._check(images, stride)
        return self.best(self.saliency(images), stride, rng)

    @torch.no_grad()
    def best(self, edges: Tensor, stride: Stride, rng: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
        """The choice by any heat map, `(B, H, W)`: boxes, `(B*k, 5)` int64, and scores, `(B*k,)` float32."""
        grid = self._grid(edges, stride)
        scores = self._over_patches(edges, grid)
        chosen = self.pick(scores, grid, rng)
        return grid.boxes(chosen), scores.flatten()[chosen]

    @torch.no_grad()
    def scores(self, images: Tensor, stride: Stride) -> Tensor:
        """The score of every candidate: `(B, 3, H, W)` -> `(B, rows, columns)` float32."""
        self._check(images, stride)
        grid = self._grid(images, stride)
        return self._over_patches(self.saliency(images), grid).view(-1, grid.rows, grid.columns)

    def saliency(self, images: Tensor) -> Tensor:
        """The map by which patches are scored: `(B, 3, H, W)` in [-1, 1] -> `(B, H, W)` in [0, 1]."""
        return edge_map(self.filtered(images), self.normalise, self.edge_threshold)

    def filtered(self, images: Tensor) -> Tensor:
        """The image before edge detection: `(B, 3, H, W)` in [-1, 1], like the input."""
        return smooth(images, self.guided_radius, self.guided_eps)

    def _over_patches(self, edges: Tensor, grid: Grid) -> Tensor:
        return grid.sums(edges) if self.score == "sum" else grid.maxima(edges)

    def _grid(self, images: Tensor, stride: Stride) -> Grid:
        return Grid.of(images, self.patch_size, getattr(self, stride))

    def _check(self, images: Tensor, stride: Stride) -> None:
        check_images(images, self.name, channels=3)
        self._grid(images, stride).check(self.name, self.k, stride)
