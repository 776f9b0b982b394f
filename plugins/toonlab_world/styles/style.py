"""Cartoon styles: how a scene is drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError

StyleName = Literal["soft", "bold", "flat"]
Unit = Annotated[float, Field(ge=0, le=1)]
Rgb = tuple[Unit, Unit, Unit]

REFERENCE = 256  # widths are pixels of a picture of this side
MAX_TONES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """How a cartoon is drawn. What is not given is as in `bold`.

    Args:
        line_width: width of an outline of weight 1, in pixels of a 256-pixel picture; nothing is thinner than a pixel.
        line_swing: how much lines swell in the shade and thin out in the light.
        ink: colour of the lines, sRGB in [0, 1].
        ink_tint: the share of the surface's own colour in its lines.
        inner_lines: width of the lines within a thing relative to those around it; 0 draws the outline only.
        hatching: draw the darkest tone with parallel lines.
        hatch_spacing: from one of them to the next, in pixels of a 256-pixel picture.
        tones: number of tones on a surface; with one tone there are no shadows.
        contrast: how far the tones lie apart.
        saturation: factor on the saturation of surfaces.
        value: exponent on the value (HSV) of surfaces; below 1 lightens.
        hue_shift: turns by which all hues move.
        wash: a colour that lies over everything, sRGB in [0, 1].
        wash_share: how much of it.
        mood: how much of the hour's light tints the colours.
    """

    __pydantic_config__: ClassVar[ConfigDict] = {"extra": "forbid"}

    line_width: Annotated[float, Field(gt=0, le=16)] = 2.7
    line_swing: Unit = 0.7
    ink: Rgb = (0.05, 0.04, 0.09)
    ink_tint: Unit = 0.1
    inner_lines: Annotated[float, Field(ge=0, le=2)] = 0.8
    hatching: bool = False
    hatch_spacing: Annotated[float, Field(ge=3, le=32)] = 5.0
    tones: Annotated[int, Field(ge=1, le=MAX_TONES)] = 3
    contrast: Unit = 0.9
    saturation: Annotated[float, Field(ge=0, le=3)] = 1.55
    value: Annotated[float, Field(gt=0, le=3)] = 0.7
    hue_shift: Annotated[float, Field(ge=-0.5, le=0.5)] = 0.0
    wash: Rgb = (1.0, 1.0, 1.0)
    wash_share: Unit = 0.0
    mood: Unit = 0.3


STYLES: Mapping[StyleName, Style] = {
    "soft": Style(  # a painted film: thin coloured lines, pale warm colours, tones that lie close together
        line_width=1.7,
        line_swing=0.5,
        ink=(0.2, 0.16, 0.2),
        ink_tint=0.5,
        inner_lines=0.6,
        contrast=0.5,
        saturation=0.98,
        value=0.58,
        wash=(1.0, 0.95, 0.8),
        wash_share=0.08,
        mood=0.45,
    ),
    "bold": Style(),  # an action series: thick, swelling, almost black lines, strong shadows
    "flat": Style(  # a comedy series: even black lines around single bright colours, hardly a line within a thing
        line_width=2.2,
        line_swing=0.1,
        ink=(0.02, 0.02, 0.02),
        ink_tint=0.0,
        inner_lines=0.5,
        tones=1,
        contrast=0.0,
        saturation=1.6,
        value=0.52,
        hue_shift=-0.015,
        wash=(1.0, 0.9, 0.5),
        wash_share=0.07,
        mood=0.12,
    ),
}


def _own(value: Any) -> Any:
    """Parameters become a style here, so that an error names the parameter."""
    if not isinstance(value, Mapping):
        return value
    try:
        return TypeAdapter(Style).validate_python(value)
    except ValidationError as error:
        wrong = (f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}" for problem in error.errors())
        raise ValueError("; ".join(wrong)) from None


AnyStyle = Annotated[StyleName | Style, BeforeValidator(_own)]


def style_of(style: StyleName | Style) -> Style:
    return style if isinstance(style, Style) else STYLES[style]
