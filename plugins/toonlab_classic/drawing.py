"""The base of non-learned generators, which draw each picture separately, in whole levels, on the CPU."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from toonlab.ops.levels import to_float, to_levels

Pixels = NDArray[np.uint8]  # (H, W, 3) RGB
REFERENCE = 256  # pixels: parameters in pixels refer to this shorter side


class Drawing(nn.Module, ABC):
    """A generator without learned weights; subclasses implement `draw`.

    `(B, 3, H, W)` in [-1, 1] -> the same, rounded to 256 levels; deterministic and without a gradient.
    """

    @abstractmethod
    def draw(self, photo: Pixels) -> Pixels:
        """The drawing of one photo, of the same size."""

    @torch.no_grad()
    def forward(self, photo: Tensor) -> Tensor:
        levels = to_levels(photo)
        pictures = levels.movedim(1, -1).contiguous().cpu().numpy()  # (B, H, W, 3)
        drawn = torch.from_numpy(np.stack([self.draw(picture) for picture in pictures]))
        return to_float(drawn.to(photo.device).movedim(-1, 1)).to(photo.dtype).contiguous()


def scale_of(photo: Pixels) -> float:
    """The picture's shorter side, relative to 256 pixels."""
    return min(photo.shape[:2]) / REFERENCE
