"""Windows of a room, and what is seen through them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from toonlab_world.scene.forms import Even
from toonlab_world.scene.noise import ridge_line
from toonlab_world.scene.scene import Color, Shape, Surface
from toonlab_world.scene.space import Face, Rect
from toonlab_world.scene.things import Setting

from .belongings import cloth

NIGHT: Color = (0.12, 0.15, 0.32)
FRAME = Surface((0.93, 0.92, 0.89))


def window(draw: np.random.Generator, wall: Face, setting: Setting) -> list[list[Shape]]:
    """A frame with a view of the sky and a hill, a cross of bars, and perhaps curtains."""
    left, wide = draw.uniform(0.2, 0.4), draw.uniform(0.25, 0.4)
    low, high = draw.uniform(0.34, 0.42), draw.uniform(0.78, 0.86)
    right = left + wide
    pane = (left + 0.015, low + 0.02, right - 0.015, high - 0.02)
    middle, half = (left + right) / 2, 0.006
    bars = [(middle - half, pane[1], middle + half, pane[3]), (pane[0], 0.6, pane[2], 0.615)]
    sill = (left - 0.02, low - 0.025, right + 0.02, low)
    shapes = [wall.shape(FRAME, (left, low, right, high), line=0.9), *_outside(draw, wall, pane, setting)]
    shapes.append(wall.shape(FRAME, *bars, line=0.5))
    shapes.append(wall.shape(FRAME, sill, line=0.6))
    if draw.uniform() < 0.6:
        fabric = cloth(draw)
        curtains = [
            (left - 0.06, low - 0.06, left + 0.05, high + 0.03),
            (right - 0.05, low - 0.06, right + 0.06, high + 0.03),
        ]
        folds = [(u, low - 0.05, u, high + 0.02) for u in (left - 0.03, left + 0.015, right - 0.015, right + 0.03)]
        shapes.append(replace(wall.shape(fabric, *curtains, line=0.8), strokes=wall.strokes(*folds)))
    return [shapes]


def _outside(draw: np.random.Generator, wall: Face, pane: Rect, setting: Setting) -> list[Shape]:
    air, season = setting.air, setting.season
    left, low, right, high = pane
    glow = 0.1 if air.night else 0.75
    sky = wall.shape(Surface(NIGHT if air.night else air.zenith, glow=glow), pane, line=0.5, form=Even(0.8))
    number = int(draw.integers(2**31))
    ridge = low + (high - low) * (0.4 + 0.2 * ridge_line((number, "view"), 24, 3, 2, 0.5))
    u = np.linspace(left, right, 24)
    points = np.concatenate([np.stack([u, np.clip(ridge, low, high)], axis=1), [[right, low], [left, low]]])
    hill = Surface(season.meadow.draw(draw), glow=0.0 if air.night else 0.35)
    return [sky, Shape(wall.see(points.astype(np.float32)), hill, Even(0.6), wall.depth, 0.5)]
