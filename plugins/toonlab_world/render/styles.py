"""Cartoon styles: how a scene is drawn, and the flat colour of each tone of each shape."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError

from toonlab_world.scene.scene import Scene

StyleName = Literal["soft", "bold", "flat"]
Unit = Annotated[float, Field(ge=0, le=1)]
Rgb = tuple[Unit, Unit, Unit]

REFERENCE = 256  # widths are pixels of a picture of this side
MAX_TONES = 4
Colors = NDArray[np.float32]  # (..., 3), sRGB in [0, 1]
SHADOW = np.array((0.18, 0.16, 0.3), np.float32)  # what the shaded tones turn to
BRIGHT = np.array((1, 1, 0.9), np.float32)


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


def palette(scene: Scene, style: Style) -> NDArray[np.uint8]:
    """The colour of each region, `(shapes * MAX_TONES, 4)` sRGB; the fourth channel is empty."""
    lights = (np.arange(MAX_TONES, dtype=np.float32)[:, None] + np.float32(0.5)) / np.float32(style.tones)  # (tones, 1)
    rest = _surfaces(scene, style, lights)
    zenith, horizon = _vivid(np.array([scene.air.zenith, scene.air.horizon], np.float32), style)
    rest[0] = _mix(zenith, horizon, lights * np.float32(style.contrast))
    washed = _mix(rest, np.array(style.wash, np.float32), np.float32(style.wash_share))
    colors = np.rint(np.clip(washed, 0, 1) * 255).astype(np.uint8).reshape(-1, 3)
    return np.pad(colors, ((0, 0), (0, 1)))


def _surfaces(scene: Scene, style: Style, lights: Colors) -> Colors:
    """Surfaces under each amount of light, tinted by the hour and faded by distance: `(shapes, tones, 3)`."""
    air, shapes = scene.air, scene.shapes
    known = np.array([(*s.surface.color, s.surface.glow, s.depth) for s in shapes], np.float32)
    glow, depth = known[:, 3, None, None], known[:, 4, None, None]
    color = _vivid(known[:, :3], style)[:, None]
    shade = np.float32(style.contrast) * (np.float32(0.62) - lights) * (1 - glow)
    dark = _mix(color, _mix(SHADOW, np.array(air.ambient, np.float32), np.float32(0.2)), shade)
    color = np.where(shade > 0, dark, _mix(color, BRIGHT, np.float32(-0.8) * shade))
    mood = np.float32(style.mood) + np.float32(0.4 * air.night) * (glow == 0)
    color = _mix(color, color * np.array(air.sunlight, np.float32), mood)
    haze = np.float32(0.55 * air.haze) * depth * np.sqrt(depth) * (depth < 1)
    return _mix(color, _vivid(np.array([air.horizon], np.float32), style)[0], haze)


def _mix(a: Colors, b: Colors, share: Colors | np.float32) -> Colors:
    return a + (b - a) * share


def _vivid(colors: Colors, style: Style) -> Colors:
    """Colours in the style's saturation, value and hue, `(n, 3)`."""
    hue, saturation, value = cv2.split(cv2.cvtColor(colors[None], cv2.COLOR_RGB2HSV))  # degrees, [0, 1], [0, 1]
    turned = (hue + np.float32(360 * (1 + style.hue_shift))) % np.float32(360)
    stronger = np.minimum(saturation * np.float32(style.saturation), np.float32(0.95))
    return np.asarray(cv2.cvtColor(cv2.merge([turned, stronger, cv2.pow(value, style.value)]), cv2.COLOR_HSV2RGB))[0]
