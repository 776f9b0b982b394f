"""What generators that do not learn have in common: they draw each picture by itself, in whole levels, on the CPU."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from toonlab.ops.levels import to_float, to_levels

Pixels = NDArray[np.uint8]  # (H, W, 3) RGB
REFERENCE = 256  # pixels: what sizes in pixels are meant for


class Drawing(nn.Module, ABC):
    """A generator without parameters; subclasses say what they draw of a photo.

    `(B, 3, H, W)` in [-1, 1] -> the same, rounded to 256 levels; no gradient flows. Deterministic.
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
    """How much larger than at 256 pixels the same things are in a picture: its shorter side decides."""
    return min(photo.shape[:2]) / REFERENCE
