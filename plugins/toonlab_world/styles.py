"""Cartoon styles: how a scene is drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from .scene import Color

StyleName = Literal["soft", "bold", "flat"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """How a cartoon is drawn.

    Args:
        line_width: width of an outline of weight 1, in picture sides; nothing is drawn thinner than a pixel.
        line_swing: how much lines swell in the shade and thin out in the light, in [0, 1].
        ink: colour of the lines, sRGB in [0, 1].
        ink_tint: the share of the surface's own colour in its lines, in [0, 1].
        tones: number of tones on a surface, 1 to 4; with one tone there are no shadows.
        contrast: how far the tones lie apart, in [0, 1].
        saturation: factor on the saturation of surfaces.
        value: exponent on the value (HSV) of surfaces; below 1 lightens.
        mood: how much of the hour's light tints the colours, in [0, 1].
    """

    line_width: float
    line_swing: float
    ink: Color
    ink_tint: float
    tones: int
    contrast: float
    saturation: float
    value: float
    mood: float


STYLES: Mapping[StyleName, Style] = {
    "soft": Style(  # thin coloured lines, pale colours, tones that lie close together
        line_width=0.0062,
        line_swing=0.5,
        ink=(0.2, 0.16, 0.2),
        ink_tint=0.6,
        tones=3,
        contrast=0.5,
        saturation=0.98,
        value=0.58,
        mood=0.45,
    ),
    "bold": Style(  # thick, swelling, almost black lines, strong shadows
        line_width=0.0105,
        line_swing=0.7,
        ink=(0.05, 0.04, 0.09),
        ink_tint=0.1,
        tones=3,
        contrast=0.9,
        saturation=1.55,
        value=0.7,
        mood=0.3,
    ),
    "flat": Style(  # even black lines around single bright colours
        line_width=0.0085,
        line_swing=0.1,
        ink=(0.02, 0.02, 0.02),
        ink_tint=0.0,
        tones=1,
        contrast=0.0,
        saturation=1.6,
        value=0.52,
        mood=0.12,
    ),
}
