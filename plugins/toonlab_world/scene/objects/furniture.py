"""What stands in a room."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from toonlab_world.scene.forms import Even
from toonlab_world.scene.palette import hsv, mix
from toonlab_world.scene.scene import Points, Shape, Surface, Texture
from toonlab_world.scene.space import Box, Camera, Span
from toonlab_world.scene.things import Setting, Thing

from .belongings import DARK, cloth, floor_lamp, on_table, plant, screen

WOOD = Texture(grain=0.15, streak=0.4)


def thing_of(boxes: list[Box], shapes: list[Shape], setting: Setting) -> Thing:
    """A piece of furniture that stands on the floor where its boxes do."""
    base = max(float(box.front.outlines((0, 0, 1, 1))[0][0, 1]) for box in boxes)
    return Thing(base, shapes, [box.shadow(setting.air.sun) for box in boxes])


def wood(draw: np.random.Generator) -> Surface:
    return Surface(hsv(draw.uniform(0.04, 0.1), draw.uniform(0.25, 0.65), draw.uniform(0.45, 0.8)), WOOD)


def table(draw: np.random.Generator, setting: Setting, camera: Camera, x: float, z: float) -> Thing:
    """A top on four legs, with a few things on it."""
    wide, deep, tall = draw.uniform(0.9, 1.5), draw.uniform(0.6, 0.9), draw.uniform(0.55, 0.75)
    surface = wood(draw)
    legs = _legs(camera, (x - wide / 2, x + wide / 2), (z, z + deep), tall, surface)
    top = Box(camera, (x - wide / 2, x + wide / 2), (tall, tall + 0.06), (z, z + deep))
    shapes = [*legs, *top.shapes(surface)]
    for _ in range(int(draw.integers(1, 4))):
        shapes += on_table(
            draw, camera, x + draw.uniform(-0.4, 0.4) * wide, tall + 0.06, z + deep * draw.uniform(0.2, 0.7)
        )
    return thing_of([Box(camera, top.x, (0, tall), top.z)], shapes, setting)


def chair(draw: np.random.Generator, setting: Setting, camera: Camera, x: float, z: float) -> Thing:
    surface, seat = wood(draw), cloth(draw)
    span, tall = (x - 0.22, x + 0.22), 0.46
    back = Box(camera, span, (tall, tall + draw.uniform(0.4, 0.55)), (z + 0.4, z + 0.45))
    board = Box(camera, span, (tall - 0.05, tall), (z, z + 0.45))
    shapes = [*_legs(camera, span, (z, z + 0.45), tall, surface), *back.shapes(surface), *board.shapes(seat)]
    return thing_of([Box(camera, span, (0, tall), (z, z + 0.45))], shapes, setting)


def sofa(draw: np.random.Generator, setting: Setting, camera: Camera, x: float, z: float) -> Thing:
    """Seats between two arms, and cushions."""
    wide, surface = draw.uniform(1.4, 2.1), cloth(draw)
    left, right = x - wide / 2, x + wide / 2
    back = Box(camera, (left, right), (0.1, draw.uniform(0.75, 0.95)), (z + 0.6, z + 0.85))
    seat = Box(camera, (left + 0.15, right - 0.15), (0.1, 0.42), (z + 0.05, z + 0.6))
    arms = [Box(camera, span, (0.05, 0.6), (z, z + 0.85)) for span in ((left, left + 0.18), (right - 0.18, right))]
    shapes = [*back.shapes(surface), *seat.shapes(surface), *(s for arm in arms for s in arm.shapes(surface))]
    pillow = cloth(draw)
    for at in draw.uniform(left + 0.4, right - 0.4, int(draw.integers(1, 3))).tolist():
        shapes.append(Box(camera, (at - 0.2, at + 0.2), (0.42, 0.78), (z + 0.5, z + 0.6)).front.shape(pillow, line=0.7))
    return thing_of([Box(camera, (left, right), (0, 0.8), (z, z + 0.85))], shapes, setting)


def shelf(draw: np.random.Generator, setting: Setting, camera: Camera, x: float, z: float) -> Thing:
    """Boards full of books and a few other things."""
    wide, tall, rows = draw.uniform(0.8, 1.5), draw.uniform(1.2, 2.1), int(draw.integers(3, 6))
    case = Box(camera, (x - wide / 2, x + wide / 2), (0.0, tall), (z, z + 0.35))
    surface = wood(draw)
    inside = Surface(mix(surface.color, DARK, 0.5), WOOD)
    gaps = [(0.05, (row + 0.1) / rows, 0.95, (row + 0.92) / rows) for row in range(rows)]
    shapes = [*case.shapes(surface), case.front.shape(inside, *gaps, line=0.6, form=Even(0.45))]
    covers = [cloth(draw) for _ in range(4)]
    books: list[list[tuple[float, float, float, float]]] = [[] for _ in covers]
    for row in range(rows):
        u = 0.07
        while u < 0.88 and draw.uniform() < 0.94:
            thick = draw.uniform(0.03, 0.075)
            top = (row + 0.1 + draw.uniform(0.5, 0.78)) / rows
            books[int(draw.integers(len(covers)))].append((u, (row + 0.1) / rows, u + thick, top))
            u += thick + 0.006
    shapes += [
        case.front.shape(cover, *spines, line=0.4) for cover, spines in zip(covers, books, strict=True) if spines
    ]
    return thing_of([case], shapes, setting)


def cupboard(draw: np.random.Generator, setting: Setting, camera: Camera, x: float, z: float) -> Thing:
    """Doors or drawers, and perhaps a screen on top."""
    wide, tall = draw.uniform(0.8, 1.5), draw.uniform(0.5, 0.95)
    case = Box(camera, (x - wide / 2, x + wide / 2), (0.0, tall), (z, z + 0.45))
    surface = wood(draw)
    doors = [(0.04, 0.08, 0.48, 0.94), (0.52, 0.08, 0.96, 0.94)]
    if draw.uniform() < 0.5:
        doors = [(0.05, 0.06 + 0.31 * row, 0.95, 0.33 + 0.31 * row) for row in range(3)]
    knobs = [((a + c) / 2 - 0.02, (b + d) / 2 - 0.03, (a + c) / 2 + 0.02, (b + d) / 2 + 0.03) for a, b, c, d in doors]
    light = Surface(mix(surface.color, (1, 1, 1), 0.15), WOOD)
    shapes = [*case.shapes(surface), case.front.shape(light, *doors, line=0.6)]
    shapes.append(case.front.shape(Surface(DARK), *knobs, line=0.0))
    if draw.uniform() < 0.6:
        shapes += screen(draw, camera, x, tall, z + 0.15)
    return thing_of([case], shapes, setting)


PIECES: dict[str, Callable[[np.random.Generator, Setting, Camera, float, float], Thing]] = {
    "table": table,
    "chair": chair,
    "sofa": sofa,
    "shelf": shelf,
    "cupboard": cupboard,
    "lamp": floor_lamp,
    "plant": plant,
}


def _legs(camera: Camera, x: Span, z: Span, tall: float, surface: Surface) -> list[Shape]:
    boxes = [
        Box(camera, (at, at + 0.06), (0, tall), (away, away + 0.06))
        for away in (z[1] - 0.06, z[0])
        for at in (x[0], x[1] - 0.06)
    ]
    outlines: list[Points] = [box.front.outlines((0, 0, 1, 1))[0] for box in boxes]
    return [Shape(outlines[0], surface, Even(0.5), camera.depth(z[0]), 0.7, outlines[1:])]
