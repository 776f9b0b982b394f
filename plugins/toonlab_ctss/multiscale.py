"""CTSS at several patch sizes, for one critic."""

from dataclasses import dataclass, fields
from functools import cache
from typing import Annotated, ClassVar

import torch
import torch.nn.functional as F
from pydantic import Field, PositiveFloat
from torch import Tensor

from toonlab import PartError, check_images
from toonlab.ops.filters import full_precision

from .sampler import CTSS, Stride


@dataclass(frozen=True)
class CTSSMultiscale(CTSS):
    """CTSS's patches at several sizes from one saliency map, resized to one size for one critic.

    CTSS, and the idea of a critic at several scales: Wang et al., "High-Resolution Image Synthesis and Semantic
    Manipulation with Conditional GANs" (pix2pixHD), CVPR 2018, which has a network for each. At every scale the best
    `k` per image are chosen, as by CTSS with patches of that size, and resized bilinearly with antialiasing; with
    `scales: [1]` it is CTSS.

    `(B, 3, H, W)` in [-1, 1] -> `(S*B*k, 3, patch_size, patch_size)` for S scales, scale by scale, each best first.
    Boxes are those of the image before resizing, so their sizes differ, and a view is its box's region, resized. Sums
    of edges are scaled to the area of `patch_size`. Gradients reach the pixels, through the resizing too.

    Args:
        patch_size: side of the critic's views, and of a patch of scale 1, in pixels.
        stride_real: distance of neighbouring candidates in cartoons, in sizes of their patches, rounded to pixels.
        stride_fake: the same in fakes.
        k: patches per image at each scale.
        rank: at each scale the best `k * B` of the whole `batch`, or the best `k` of each `image`.
        scales: sizes of the patches, in `patch_size`, rounded to pixels.
    """

    name: ClassVar[str] = "ctss_multiscale"

    scales: Annotated[tuple[PositiveFloat, ...], Field(min_length=1)] = (0.5, 1.0, 1.5)

    @torch.no_grad()
    def best(self, edges: Tensor, stride: Stride, rng: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
        """The choice by any heat map, `(B, H, W)`: boxes, `(S*B*k, 5)` int64, and scores, `(S*B*k,)` float32."""
        choices = [at_scale.best(edges, stride) for at_scale in self._each()]
        boxes = torch.cat([boxes for boxes, _ in choices])
        scores = torch.cat([scores for _, scores in choices])
        return boxes, scores * (self.patch_size / boxes[:, 3]).square() if self.score == "sum" else scores

    def _each(self) -> list[CTSS]:
        """CTSS at every scale."""
        shared = {field.name: getattr(self, field.name) for field in fields(CTSS)}
        return [CTSS(**shared | {"patch_size": max(1, round(scale * self.patch_size))}) for scale in self.scales]

    def _cut(self, images: Tensor, boxes: Tensor) -> Tensor:
        of_scales = zip(self._each(), boxes.chunk(len(self.scales)), strict=True)
        patches = [at_scale._cut(images, chosen) for at_scale, chosen in of_scales]
        return torch.cat([resize(cut, self.patch_size) for cut in patches])

    def _check(self, images: Tensor, stride: Stride) -> None:
        check_images(images, self.name, channels=3)
        height, width = images.shape[2:]
        for scale, at_scale in zip(self.scales, self._each(), strict=True):
            if at_scale.patch_size > min(height, width):
                raise PartError(
                    f"{self.name}: scale {scale} of patch_size={self.patch_size}, {at_scale.patch_size} pixels, does "
                    f"not fit an image of {width}x{height} pixels; it can be at most "
                    f"{min(height, width) / self.patch_size:.4g}"
                )
            at_scale._grid(images, stride).check(f"{self.name}, scale {scale}", self.k, stride)


def resize(patches: Tensor, size: int) -> Tensor:
    """Square patches, bilinearly and with antialiasing: `(N, C, h, h)` -> `(N, C, size, size)`, in the same range.

    As `F.interpolate(..., antialias=True)`, but by two matrix products: the gradient of `interpolate` on a GPU is not
    deterministic. In the dtype of the patches.
    """
    if patches.shape[-1] == size:
        return patches
    values = full_precision(patches)
    weights = _weights(patches.shape[-1], size, values.dtype, values.device)  # (size, h)
    return (weights @ values @ weights.mT).to(patches.dtype)


@cache
def _weights(before: int, after: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """The weights of `before` pixels in each of `after` resized ones, `(after, before)`, from `F.interpolate`."""
    line = torch.eye(before, dtype=torch.float64)[None, None]
    return F.interpolate(line, size=(after, before), mode="bilinear", antialias=True)[0, 0].to(device, dtype)
