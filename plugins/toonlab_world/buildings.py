"""Houses, as boxes seen a little from the side."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .curves import polygon
from .forms import Direction, Even, Plane
from .palette import hsv, mix
from .scene import Color, Points, Shape, Surface, Texture
from .things import Place, Setting, Thing

PLASTER = Texture(grain=0.16, blotch=0.3)
TILES = Texture(grain=0.3, streak=0.4)
WOOD = Texture(grain=0.2, streak=0.45)
BRICK = Texture(grain=0.4, blotch=0.3)


@dataclass(frozen=True, slots=True)
class Block:
    """A box seen a little from the side: `side` is +1 if its side wall shows on the right, -1 on the left.

    Local coordinates: x from 0 to 1 across the front wall, y from 0 at the ground to 1 at the eaves, z from 0 at the
    front to 1 at the back.
    """

    place: Place
    width: float
    height: float
    side: float
    deep: float

    def at(self, x: float, y: float, z: float = 0.0) -> tuple[float, float]:
        right = (x - 0.5) * self.width + z * self.deep
        return self.place.x + self.side * right, self.place.y - y * self.height - z * self.deep * 0.28

    def face(self, *corners: tuple[float, ...]) -> Points:
        return polygon(*(self.at(*corner) for corner in corners))

    def shape(self, outline: Points, color: Color, texture: Texture, normal: Direction, line: float = 1.0) -> Shape:
        toward = (normal[0] * self.side, normal[1], normal[2])
        return Shape(outline, Surface(color, texture), Plane(toward), self.place.depth, line)


def house(draw: np.random.Generator, setting: Setting, place: Place) -> Thing:
    """Four walls under a gable roof that shows its gable or its slope, with chimney, windows and a door."""
    wall = hsv(draw.choice((0.08, 0.11, 0.13, 0.02, 0.55, 0.95)), draw.uniform(0.03, 0.4), draw.uniform(0.7, 0.92))
    roof = hsv(
        draw.choice((0.0, 0.02, 0.04, 0.07, 0.58, 0.62, 0.42)), draw.uniform(0.35, 0.75), draw.uniform(0.38, 0.66)
    )
    height = place.size * draw.uniform(0.3, 0.48)
    block = Block(
        place, height * draw.uniform(0.9, 1.5), height, draw.choice((-1.0, 1.0)), height * draw.uniform(0.5, 1.0)
    )
    shapes = _walls(block, wall)
    rise = draw.uniform(0.5, 0.85)
    shapes += _gable(block, wall, roof, rise) if draw.uniform() < 0.5 else _slope(block, wall, roof, rise)
    shapes += _openings(draw, block, setting.air.night)
    if draw.uniform() < 0.6:
        shapes.append(_chimney(draw, block, rise))
    return Thing(place.y, shapes, [_silhouette(block, rise)])


def _walls(block: Block, wall: Color) -> list[Shape]:
    front = block.face((0, 0), (1, 0), (1, 1), (0, 1))
    side = block.face((1, 0, 0), (1, 0, 1), (1, 1, 1), (1, 1, 0))
    return [block.shape(side, wall, PLASTER, (0.95, 0, 0.3)), block.shape(front, wall, PLASTER, (-0.1, 0, 0.99))]


def _gable(block: Block, wall: Color, roof: Color, rise: float) -> list[Shape]:
    top, over, thick = 1 + rise, 0.12, 0.11
    low = 1 - over * rise
    gable = block.face((0, 1), (1, 1), (0.5, top))
    slab = block.face(
        (0.5, top + thick, -0.08),
        (0.5, top + thick, 1.08),
        (1 + over, low + thick, 1.08),
        (1 + over, low + thick, -0.08),
    )
    verge = block.face(
        (-over, low, -0.08), (-over, low + thick, -0.08), (0.5, top + thick, -0.08), (1 + over, low + thick, -0.08),
        (1 + over, low, -0.08), (0.5, top - 0.02, -0.08),
    )  # fmt: skip
    trim = mix(roof, (0.2, 0.1, 0.1), 0.25)
    return [
        block.shape(gable, wall, PLASTER, (-0.1, 0, 0.99), 0.6),
        block.shape(slab, roof, TILES, (0.6, -0.7, 0.3)),
        block.shape(verge, trim, WOOD, (0, -0.3, 0.9)),
    ]


def _slope(block: Block, wall: Color, roof: Color, rise: float) -> list[Shape]:
    top, over = 1 + rise * 0.9, 0.1
    gable = block.face((1, 1, 0), (1, 1, 1), (1, top, 0.5))
    slab = block.face(
        (-over, 0.94, -0.12), (1 + over, 0.94, -0.12), (1 + over, top + 0.05, 0.5), (-over, top + 0.05, 0.5)
    )
    back = block.face(
        (1 + over, top + 0.05, 0.5), (1 + over, 0.99, 1.03), (1 + over, 0.93, 1.03), (1 + over, top - 0.03, 0.5)
    )
    return [
        block.shape(gable, wall, PLASTER, (0.95, 0, 0.3), 0.6),
        block.shape(back, mix(roof, (0.2, 0.1, 0.1), 0.25), WOOD, (0.3, -0.3, 0.5)),
        block.shape(slab, roof, TILES, (-0.05, -0.75, 0.65)),
    ]


def _openings(draw: np.random.Generator, block: Block, night: bool) -> list[Shape]:
    columns = 2 if block.width < 1.15 * block.height else 3
    door = int(draw.integers(columns))
    frame = hsv(0.1, draw.uniform(0, 0.3), draw.choice((0.35, 0.95)))
    glass = (
        hsv(0.12, 0.6, 1.0)
        if night
        else hsv(draw.uniform(0.53, 0.62), draw.uniform(0.25, 0.5), draw.uniform(0.35, 0.6))
    )
    glow = 0.9 if night and draw.uniform() < 0.8 else 0.0
    glass = glass if glow or not night else (0.15, 0.2, 0.32)
    paint = hsv(draw.uniform(), draw.uniform(0.3, 0.6), draw.uniform(0.35, 0.65))
    shapes: list[Shape] = []
    for column in range(columns):
        x, half = (column + 0.5) / columns, 0.32 / columns
        if column == door:
            outline = block.face((x - half, 0), (x + half, 0), (x + half, 0.66), (x - half, 0.66))
            shapes.append(block.shape(outline, paint, WOOD, (-0.1, 0, 0.99), 0.8))
        else:
            shapes += _window(block, x, half, frame, glass, glow)
    return shapes


def _window(block: Block, x: float, half: float, frame: Color, glass: Color, glow: float) -> list[Shape]:
    low, high, bar = 0.36, 0.76, 0.14
    shapes = [
        block.shape(
            block.face((x - half, low), (x + half, low), (x + half, high), (x - half, high)),
            frame,
            WOOD,
            (0, 0, 1),
            0.8,
        )
    ]
    for side in (-1, 1):
        inner, outer = x + side * half * bar, x + side * half * (1 - 1.2 * bar)
        pane = block.face((inner, low + 0.05), (outer, low + 0.05), (outer, high - 0.05), (inner, high - 0.05))
        shapes.append(Shape(pane, Surface(glass, glow=glow), Even(0.8), block.place.depth, 0.5))
    return shapes


def _chimney(draw: np.random.Generator, block: Block, rise: float) -> Shape:
    x, z = draw.uniform(0.62, 0.8), 0.5
    foot, top = 1 + rise * 0.45, 1 + rise * 1.15
    brick = hsv(draw.uniform(0.0, 0.05), 0.45, 0.5)
    return block.shape(
        block.face((x, foot, z), (x + 0.13, foot, z), (x + 0.13, top, z), (x, top, z)),
        brick,
        BRICK,
        (-0.2, 0, 0.95),
        0.8,
    )


def _silhouette(block: Block, rise: float) -> Points:
    return block.face((0, 0), (0, 1), (0.5, 1 + rise), (0.5, 1 + rise, 1), (1, 1, 1), (1, 0, 1))
