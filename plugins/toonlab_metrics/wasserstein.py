"""Sliced Wasserstein distance between the patches of two sets of pictures, at each scale."""

from typing import Annotated

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor

from toonlab import rng
from toonlab.ops.checks import check_sides

from .bases import SetMetric

Pyramid = list[NDArray[np.float32]]
_SIDE = 7  # of a patch
_COARSEST = 16  # pixels: the last level's shorter side is at least that


class SlicedWasserstein(SetMetric):
    """Sliced Wasserstein distance of Laplacian-pyramid patches, times 1000, averaged over scales.

    Karras, Aila, Laine and Lehtinen, "Progressive growing of GANs", ICLR 2018, section 5: 7x7 patches at random places
    of every level down to 16 pixels, each set normalised by its own mean and deviation per colour channel, projected on
    random directions; the mean difference of the sorted projections. The finest level, `swd_fine`, reflects lines and
    texture, the coarsest, `swd_coarse`, composition. The normalisation hides a colour cast.

    Positions and directions are fixed, so equal pictures have equal results. If the sets differ in size, the larger is
    reduced to quantiles.

    Args:
        patches: taken from each level of each picture.
        directions: number of random projections.
    """

    name = "swd"
    sees = frozenset({"blur", "noise", "outline_removal", "texture"})
    ignores = frozenset({"color"})
    leads = False
    caveat = "the unmodified photo has a better score than classic, and a few missing lines go unseen"

    def __init__(
        self, patches: Annotated[int, Field(gt=0)] = 128, directions: Annotated[int, Field(gt=0)] = 512
    ) -> None:
        super().__init__()
        self.patches, self.directions = patches, directions

    def gather(self, image: Tensor, index: int) -> list[Tensor]:
        """Patches of each level, `(patches, 3, 7, 7)`, the finest first."""
        return [self._cut(level, rng(0, "swd", index, depth)) for depth, level in enumerate(pyramid(image))]

    def between(self, fakes: list[list[Tensor]], cartoons: list[list[Tensor]]) -> dict[str, float]:
        depth = min(map(len, [*fakes, *cartoons]))
        levels = [
            self._distance(*(torch.cat([picture[level] for picture in side]) for side in (fakes, cartoons)))
            for level in range(depth)
        ]
        return {"swd": 1000 * sum(levels) / depth, "swd_fine": 1000 * levels[0], "swd_coarse": 1000 * levels[-1]}

    def _cut(self, level: NDArray[np.float32], draws: torch.Generator) -> Tensor:
        height, width = level.shape[:2]
        top, left = (torch.randint(side - _SIDE + 1, (self.patches,), generator=draws) for side in (height, width))
        windows = torch.from_numpy(level).unfold(0, _SIDE, 1).unfold(1, _SIDE, 1)  # (H-6, W-6, 3, 7, 7)
        return windows[top, left]

    def _distance(self, fakes: Tensor, cartoons: Tensor) -> float:
        directions = torch.randn(3 * _SIDE**2, self.directions, generator=rng(0, "swd", "directions"))
        directions /= directions.norm(dim=0)
        projected = [(_normalized(side) @ directions).sort(dim=0).values for side in (fakes, cartoons)]
        count = min(map(len, projected))
        thinned = [side[((torch.arange(count) + 0.5) * len(side) / count).long()] for side in projected]
        return float((thinned[0] - thinned[1]).abs().mean())


def pyramid(image: Tensor) -> Pyramid:
    """The Laplacian pyramid of an image, `(3, H, W)` -> levels `(h, w, 3)`, the finest first.

    Burt and Adelson, "The Laplacian pyramid as a compact image code", IEEE TCOM 1983.

    Raises:
        PartError: if the image is smaller than 16 pixels.
    """
    check_sides(image, "swd: sides of pictures", smallest=_COARSEST)
    picture = np.ascontiguousarray(image.permute(1, 2, 0).cpu().numpy())
    levels: Pyramid = []
    while min(picture.shape[:2]) >= 2 * _COARSEST:
        smaller = cv2.pyrDown(picture)
        levels.append(np.subtract(picture, cv2.pyrUp(smaller, dstsize=picture.shape[1::-1]), dtype=np.float32))
        picture = smaller
    return [*levels, picture]


def _normalized(patches: Tensor) -> Tensor:
    """`(N, 3, 7, 7)` -> `(N, 147)`, each colour channel with mean 0 and deviation 1 over the set."""
    mean, deviation = patches.mean((0, 2, 3), keepdim=True), patches.std((0, 2, 3), keepdim=True)
    return ((patches - mean) / deviation.clamp(min=1e-6)).flatten(1)
