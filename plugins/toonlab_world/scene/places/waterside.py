"""Lakes and seas: the far shore, water that mirrors it, boats, and the shore where the viewer stands."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from toonlab_world.scene.fields import Water
from toonlab_world.scene.keys import Key
from toonlab_world.scene.objects.vehicles import boat
from toonlab_world.scene.palette import hsv, mix
from toonlab_world.scene.scene import Layer, Scene, Shape, Surface, Texture
from toonlab_world.scene.things import Place, Setting

from .landscape import ground_layer
from .terrain import mountains, sky


def waterside(draw: np.random.Generator, setting: Setting, key: Key) -> Scene:
    """The scene of a key."""
    setting = replace(setting, scale=setting.scale * 0.8)
    horizon = setting.horizon
    line = horizon + draw.uniform(0.012, 0.06)
    layers = []
    if draw.uniform() < 0.6:
        layers.append(Layer([mountains(draw, setting.season, (*key, "range"), horizon + 0.02, 0.95)]))
    if draw.uniform() < 0.75:
        layers.append(
            ground_layer(draw, setting, (*key, "far"), draw.uniform(0.55, 0.85), line - draw.uniform(0.005, 0.03))
        )
    layers.append(_water(draw, setting, (*key, "water"), line))
    layers.append(ground_layer(draw, setting, (*key, "near"), 0.05, draw.uniform(0.76, 1.0)))
    spot = (draw.uniform(0.3, 0.7), line + draw.uniform(0.05, 0.3))
    above = sky(draw, setting.air, horizon)
    focus, blur = draw.uniform(0.1, 0.6), draw.uniform(0.2, 1.0)
    return Scene(key, setting.air, horizon, above, layers, focus, blur, waterline=line, spot=spot)


def _water(draw: np.random.Generator, setting: Setting, key: Key, line: float) -> Layer:
    """Level water from the far shore to the viewer, with boats on it."""
    corners = np.array([[-0.1, line], [1.1, line], [1.1, 1.1], [-0.1, 1.1]], np.float32)
    blue = mix(hsv(draw.uniform(0.46, 0.6), draw.uniform(0.4, 0.65), draw.uniform(0.4, 0.6)), setting.air.zenith, 0.35)
    surface = Surface(blue, Texture(blotch=0.1), mirror=draw.uniform(0.4, 0.8))
    water = Shape(corners, surface, Water(key, line, waves=draw.uniform(0.25, 0.5)), depth=0.35, line=0.7)
    boats = []
    for y in sorted(line + 0.3 * draw.uniform(0.02, 1, int(draw.integers(0, 4))) ** 1.3):
        size = setting.scale * (0.1 + 0.9 * (y - setting.horizon))
        boats.append(
            boat(draw, setting, Place(draw.uniform(0.08, 0.92), float(y), size, 0.5 - 0.8 * (float(y) - line)))
        )
    return Layer([water], [thing.shapes for thing in boats])
