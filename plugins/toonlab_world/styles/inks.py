"""The cartoonist's palette: the flat colour of each tone of each shape."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from toonlab_world.scene.scene import Scene

from .style import MAX_TONES, Style

Colors = NDArray[np.float32]  # (..., 3), sRGB in [0, 1]
SHADOW = np.array((0.18, 0.16, 0.3), np.float32)  # what the shaded tones turn to
BRIGHT = np.array((1, 1, 0.9), np.float32)


def palette(scene: Scene, style: Style) -> NDArray[np.uint8]:
    """The colour of each region, `(shapes * MAX_TONES, 4)` sRGB; the fourth channel is empty."""
    lights = ((np.arange(MAX_TONES, dtype=np.float32) + np.float32(0.5)) / np.float32(style.tones))[
        :, None
    ]  # (tones, 1)
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
