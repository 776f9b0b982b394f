"""Mean-shift filtering: pixels move to modes of colour and position."""

from __future__ import annotations

from typing import Annotated

import cv2
import numpy as np
from pydantic import Field

from toonlab import Tunable

from .drawing import Drawing, Pixels, scale_of


class MeanShift(Drawing):
    """Flat areas with sharp borders, without lines: mean-shift filtering over a pyramid (`cv2.pyrMeanShiftFiltering`).

    Comaniciu and Meer, "Mean shift: a robust approach toward feature space analysis", PAMI 2002.

    Args:
        radius: of the window in the plane, in pixels of a picture whose shorter side has 256; grows with it.
        color_radius: of the window in RGB, in levels of 0 … 255.
        levels: of the pyramid above the picture itself.
    """

    def __init__(
        self,
        radius: Annotated[float, Field(gt=0), Tunable(4, 20)] = 10.0,
        color_radius: Annotated[float, Field(gt=0), Tunable(10, 60)] = 30.0,
        levels: Annotated[int, Field(ge=0, le=8)] = 1,
    ) -> None:
        super().__init__()
        self.radius, self.color_radius, self.levels = radius, color_radius, levels

    def draw(self, photo: Pixels) -> Pixels:
        radius = max(1.0, self.radius * scale_of(photo))
        return np.asarray(cv2.pyrMeanShiftFiltering(photo, radius, self.color_radius, maxLevel=self.levels), np.uint8)
