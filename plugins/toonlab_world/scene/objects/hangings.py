"""What hangs on the walls of a room: pictures, posters with writing, clocks; and doors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from toonlab_world.scene.curves import ellipse
from toonlab_world.scene.forms import Plane
from toonlab_world.scene.palette import hsv, mix
from toonlab_world.scene.scene import Shape, Surface
from toonlab_world.scene.space import Face

from .belongings import PLASTER
from .furniture import WOOD, wood
from .marks import text


def hang(draw: np.random.Generator, walls: Sequence[Face]) -> list[list[Shape]]:
    """A few things on each wall."""
    things = []
    for wall in walls:
        for left in (0.12, 0.42, 0.7):
            if draw.uniform() < 0.45:
                build = (_picture, _picture, _poster, _clock, _door)[int(draw.integers(5))]
                things.append(build(draw, wall, left))
    return things


def _picture(draw: np.random.Generator, wall: Face, left: float) -> list[Shape]:
    low, wide, tall = draw.uniform(0.5, 0.58), draw.uniform(0.12, 0.22), draw.uniform(0.16, 0.26)
    split = low + tall * draw.uniform(0.35, 0.6)
    sky, land = hsv(draw.uniform(0.5, 0.65), 0.4, 0.85), hsv(draw.uniform(), 0.55, 0.6)
    return [
        wall.shape(wood(draw), (left, low, left + wide, low + tall), line=0.8),
        wall.shape(Surface(sky), (left + 0.015, low + 0.015, left + wide - 0.015, low + tall - 0.015), line=0.4),
        wall.shape(Surface(land, PLASTER), (left + 0.015, low + 0.015, left + wide - 0.015, split), line=0.4),
    ]


def _poster(draw: np.random.Generator, wall: Face, left: float) -> list[Shape]:
    low, wide, tall = draw.uniform(0.48, 0.55), draw.uniform(0.12, 0.2), draw.uniform(0.2, 0.32)
    paper = mix(hsv(draw.uniform(), draw.uniform(0.2, 0.7), 0.85), (1, 1, 1), draw.choice((0.0, 0.7)))
    box = (left + 0.02, low + 0.03, left + wide - 0.02, low + tall - 0.03)
    ink = (0.3, 0.3, 0.38) if sum(paper) > 1.8 else (0.97, 0.96, 0.9)
    return [
        wall.shape(Surface(paper, PLASTER), (left, low, left + wide, low + tall), line=0.7),
        text(draw, wall, box, ink, lines=int(draw.integers(2, 5)), count=int(draw.integers(4, 7))),
    ]


def _clock(draw: np.random.Generator, wall: Face, left: float) -> list[Shape]:
    ((x, y),) = wall.see(np.array([[left + 0.08, 0.72]], np.float32)).tolist()
    edge = wall.see(np.array([[left + 0.08, 0.66], [left + 0.13, 0.72]], np.float32))
    ry, rx = abs(float(edge[0, 1]) - y), abs(float(edge[1, 0]) - x)
    hour, minute = draw.uniform(0, 2 * np.pi, 2).tolist()
    hands = [
        np.array([[x, y], [x + long * rx * np.cos(a), y + long * ry * np.sin(a)]], np.float32)
        for a, long in ((hour, 0.45), (minute, 0.75))
    ]
    rim, dial = (
        Shape(ellipse(x, y, rx * r, ry * r), s, Plane(wall.normal), wall.depth, 0.7)
        for r, s in ((1.0, wood(draw)), (0.82, Surface((0.95, 0.94, 0.9))))
    )
    return [rim, replace(dial, strokes=hands)]


def _door(draw: np.random.Generator, wall: Face, left: float) -> list[Shape]:
    surface = wood(draw)
    panels = [(left + 0.03, 0.08, left + 0.17, 0.34), (left + 0.03, 0.42, left + 0.17, 0.7)]
    return [
        wall.shape(
            Surface(mix(surface.color, (1, 1, 1), 0.4), WOOD), (left - 0.015, 0.0, left + 0.215, 0.79), line=0.7
        ),
        wall.shape(surface, (left, 0.0, left + 0.2, 0.77), line=0.6),
        wall.shape(Surface(mix(surface.color, (0, 0, 0), 0.15), WOOD), *panels, line=0.5),
    ]
