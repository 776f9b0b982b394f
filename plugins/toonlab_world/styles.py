"""Cartoon styles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .scene import Color

StyleName = Literal["soft", "bold", "flat"]


@dataclass(frozen=True, slots=True)
class Style:
    """How a cartoon is drawn.

    Args:
        line_width: mean width of an outline, in picture sides; never drawn thinner than a pixel.
        line_swing: how much thicker lines get in the shade and thinner in the light, in [0, 1].
        ink: colour of the lines, sRGB in [0, 1].
        ink_tint: the share of the surface's own dark colour in its line, in [0, 1].
        tones: number of tones on a surface.
        contrast: how far the tones lie apart, in [0, 1].
        saturation: factor on the saturation of surfaces.
        brightness: exponent on the value of surfaces; below 1 lightens.
        mood: how much of the hour's light tints the colours, in [0, 1].
    """

    line_width: float
    line_swing: float
    ink: Color
    ink_tint: float
    tones: int
    contrast: float
    saturation: float
    brightness: float
    mood: float


STYLES: dict[StyleName, Style] = {
    "soft": Style(0.0062, 0.5, (0.2, 0.16, 0.2), 0.6, 3, 0.5, 0.98, 0.58, 0.45),
    "bold": Style(0.0105, 0.7, (0.05, 0.04, 0.09), 0.1, 3, 0.9, 1.55, 0.7, 0.3),
    "flat": Style(0.0085, 0.1, (0.02, 0.02, 0.02), 0.0, 1, 0.0, 1.6, 0.52, 0.12),
}
