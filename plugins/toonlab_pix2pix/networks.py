"""pix2pix's generator: a U-Net that goes down to a pixel."""

from itertools import pairwise
from typing import Annotated, Literal

import torch
from pydantic import Field, PositiveInt
from torch import Tensor, nn

from toonlab.ops.checks import check_sides
from toonlab.ops.filters import full_precision


class UNet(nn.Module):
    """pix2pix's generator: photo -> cartoon, `(B, 3, H, W)` in [-1, 1]; sides must be multiples of `2 ** depth`.

    Isola, Zhu, Zhou and Efros, "Image-to-Image Translation with Conditional Adversarial Networks", CVPR 2017, section
    6.1.1: 4x4 convolutions of stride 2 down, transposed ones up, and a skip at every size. The first and the innermost
    convolution have no norm, as in the authors' PyTorch code, and the three innermost layers up have dropout, as in the
    paper. Dropout is off in eval mode; the paper keeps it on. Kernels from N(0, 0.02), scales of norms from N(1, 0.02).
    Raises `PartError` for other sides.

    Args:
        width: channels after the first convolution; cost grows with its square. 64 with depth 8 has 54,413,955
            parameters.
        depth: convolutions down; 8 brings 256 pixels to one.
        dropout: share of the channels' values that is dropped.
        norm: `batch`, which eval mode computes by running averages, or `instance`: for batches of one image the same
            in train mode, and the same function in eval mode, as the paper tests it.
    """

    def __init__(
        self,
        width: PositiveInt = 64,
        depth: Annotated[int, Field(ge=2, le=12)] = 8,
        dropout: Annotated[float, Field(ge=0, lt=1)] = 0.5,
        norm: Literal["batch", "instance"] = "batch",
    ) -> None:
        super().__init__()
        self.side_multiple = self.side_minimum = 2**depth
        sizes = [width * min(2**level, 8) for level in range(depth)]  # channels, from the outermost
        self.down = nn.ModuleList([nn.Conv2d(3, width, 4, 2, 1, bias=False)])
        for level, (outer, inner) in enumerate(pairwise(sizes), 2):
            normed = [_norm(norm, inner)] if level < depth else []
            self.down.append(nn.Sequential(nn.LeakyReLU(0.2), nn.Conv2d(outer, inner, 4, 2, 1, bias=False), *normed))
        self.up = nn.ModuleList()
        for place, (inner, outer) in enumerate(pairwise(reversed(sizes))):
            joined = inner if place == 0 else 2 * inner  # with the skip
            layers = [nn.ReLU(), nn.ConvTranspose2d(joined, outer, 4, 2, 1, bias=False), _norm(norm, outer)]
            self.up.append(nn.Sequential(*layers, nn.Dropout(dropout if place < 3 else 0)))
        self.last = nn.Sequential(nn.ReLU(), nn.ConvTranspose2d(2 * width, 3, 4, 2, 1))
        self.apply(_initialise)

    def forward(self, photo: Tensor) -> Tensor:
        check_sides(photo, "unet: sides", self.side_multiple, self.side_minimum)
        skips, features = [], photo
        for layer in self.down:
            features = layer(features)
            skips.append(features)
        skips.pop()
        for layer in self.up:
            features = torch.cat([skips.pop(), layer(features)], 1)
        return torch.tanh(full_precision(self.last(features)))


def _norm(kind: str, channels: int) -> nn.Module:
    """Instance norm is a group norm with one channel per group: the same values, faster on a CPU."""
    return nn.BatchNorm2d(channels) if kind == "batch" else nn.GroupNorm(channels, channels)


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, std=0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, nn.BatchNorm2d | nn.GroupNorm):
        nn.init.normal_(module.weight, 1, 0.02)
