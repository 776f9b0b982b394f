"""A scene's setting: seasons colour the ground and the leaves, the time of day lights them."""

import colorsys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from .forms import Direction
from .noise import Draw
from .scene import Air, Color

Span = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Tint:
    """A box of colours in hue (in turns), saturation and value, to draw from."""

    hue: Span
    saturation: Span
    value: Span

    def draw(self, draw: Draw) -> Color:
        return hsv(draw.uniform(*self.hue), draw.uniform(*self.saturation), draw.uniform(*self.value))


@dataclass(frozen=True, slots=True)
class Season:
    """Colours of what grows and lies about; `flowers` is how much they bloom, in [0, 1]."""

    meadow: Tint
    leaves: Tint
    needles: Tint
    rock: Tint
    flowers: float


@dataclass(frozen=True, slots=True)
class Setting:
    """What all of a scene shares: `horizon` is the eye level, `theme` how often each thing stands in it."""

    season: Season
    air: Air
    theme: Mapping[str, float]
    horizon: float
    scale: float


SEASONS = {
    "spring": Season(
        meadow=Tint((0.22, 0.3), (0.45, 0.62), (0.55, 0.68)),
        leaves=Tint((0.2, 0.33), (0.45, 0.7), (0.5, 0.68)),
        needles=Tint((0.34, 0.42), (0.4, 0.6), (0.32, 0.45)),
        rock=Tint((0.55, 0.72), (0.08, 0.25), (0.45, 0.62)),
        flowers=1.0,
    ),
    "summer": Season(
        meadow=Tint((0.2, 0.36), (0.42, 0.66), (0.42, 0.6)),
        leaves=Tint((0.25, 0.38), (0.45, 0.7), (0.35, 0.55)),
        needles=Tint((0.36, 0.46), (0.4, 0.6), (0.28, 0.4)),
        rock=Tint((0.05, 0.1), (0.12, 0.3), (0.45, 0.6)),
        flowers=0.7,
    ),
    "autumn": Season(
        meadow=Tint((0.1, 0.19), (0.45, 0.6), (0.52, 0.66)),
        leaves=Tint((0.0, 0.13), (0.6, 0.8), (0.58, 0.78)),
        needles=Tint((0.3, 0.4), (0.35, 0.5), (0.32, 0.42)),
        rock=Tint((0.02, 0.1), (0.15, 0.3), (0.42, 0.56)),
        flowers=0.2,
    ),
    "winter": Season(
        meadow=Tint((0.55, 0.64), (0.04, 0.12), (0.82, 0.92)),
        leaves=Tint((0.5, 0.6), (0.06, 0.2), (0.66, 0.84)),
        needles=Tint((0.4, 0.5), (0.25, 0.4), (0.38, 0.5)),
        rock=Tint((0.58, 0.66), (0.12, 0.22), (0.5, 0.66)),
        flowers=0.0,
    ),
    "dry": Season(
        meadow=Tint((0.08, 0.13), (0.42, 0.58), (0.68, 0.8)),
        leaves=Tint((0.17, 0.26), (0.3, 0.5), (0.42, 0.55)),
        needles=Tint((0.26, 0.36), (0.3, 0.5), (0.32, 0.42)),
        rock=Tint((0.02, 0.08), (0.35, 0.55), (0.55, 0.68)),
        flowers=0.25,
    ),
}


class Hour(NamedTuple):
    """A time of day, and how `often` it is (a probability): sRGB colours of sky and light, and ranges in [0, 1] of the
    haze and of the sun's height."""

    often: float
    zenith: Color
    horizon: Color
    sunlight: Color
    ambient: Color
    haze: Span
    height: Span


HOURS = {
    "noon": Hour(
        0.25, (0.2, 0.46, 0.84), (0.7, 0.86, 0.95), (1.0, 0.97, 0.9), (0.5, 0.58, 0.7), (0.15, 0.4), (0.6, 0.9)
    ),
    "morning": Hour(
        0.14, (0.42, 0.66, 0.86), (0.96, 0.9, 0.8), (1.0, 0.93, 0.8), (0.5, 0.57, 0.68), (0.4, 0.75), (0.35, 0.6)
    ),
    "afternoon": Hour(
        0.2, (0.3, 0.52, 0.82), (0.88, 0.88, 0.86), (1.0, 0.92, 0.76), (0.5, 0.55, 0.66), (0.2, 0.5), (0.4, 0.65)
    ),
    "sunset": Hour(
        0.15, (0.36, 0.34, 0.6), (0.98, 0.62, 0.4), (1.0, 0.74, 0.5), (0.46, 0.42, 0.58), (0.3, 0.65), (0.2, 0.4)
    ),
    "overcast": Hour(
        0.1, (0.58, 0.63, 0.7), (0.82, 0.85, 0.88), (0.78, 0.8, 0.83), (0.66, 0.69, 0.74), (0.4, 0.8), (0.7, 0.95)
    ),
    "teal": Hour(
        0.08, (0.2, 0.58, 0.66), (0.85, 0.93, 0.8), (1.0, 0.96, 0.84), (0.46, 0.6, 0.64), (0.2, 0.5), (0.45, 0.75)
    ),
    "night": Hour(
        0.08, (0.06, 0.09, 0.24), (0.22, 0.3, 0.5), (0.5, 0.6, 0.85), (0.2, 0.26, 0.44), (0.2, 0.5), (0.5, 0.8)
    ),
}


def hsv(hue: float, saturation: float, value: float) -> Color:
    return colorsys.hsv_to_rgb(hue % 1.0, saturation, value)


def mix(a: Color, b: Color, share: float) -> Color:
    """`a` with a share of `b`."""
    return (a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share, a[2] + (b[2] - a[2]) * share)


def draw_air(draw: Draw, horizon: float) -> Air:
    """A time of day, never the same twice: its colours wander, and the sun stands somewhere in its range."""
    name = str(draw.choice(list(HOURS), p=[hour.often for hour in HOURS.values()]))
    hour = HOURS[name]
    side = draw.choice((-1.0, 1.0))
    height = draw.uniform(*hour.height)
    jitter = hsv(draw.uniform(), 0.5, 1.0)
    return Air(
        zenith=mix(hour.zenith, jitter, draw.uniform(0, 0.12)),
        horizon=mix(hour.horizon, jitter, draw.uniform(0, 0.12)),
        sunlight=hour.sunlight,
        ambient=hour.ambient,
        haze=draw.uniform(*hour.haze),
        sun=_direction(side * draw.uniform(0.45, 0.9), -height, draw.uniform(0.35, 0.7)),
        sun_at=(0.5 + side * draw.uniform(0.1, 0.42), horizon * (1 - height) + draw.uniform(-0.05, 0.05)),
        night=name == "night",
    )


def _direction(x: float, y: float, z: float) -> Direction:
    length = (x * x + y * y + z * z) ** 0.5
    return x / length, y / length, z / length
