"""What is on the walls of a room: windows with their view, pictures, posters, clocks, doors; and writing."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from toonlab_world.scene.curves import ellipse
from toonlab_world.scene.forms import Even, Plane
from toonlab_world.scene.noise import Draw, ridge_line
from toonlab_world.scene.palette import Setting, hsv, mix
from toonlab_world.scene.scene import Color, Shape, Surface, Texture
from toonlab_world.scene.space import Face, Rect

from .furniture import PLASTER, WOOD, cloth, wood

PRINT = Texture(material="print")
NIGHT: Color = (0.12, 0.15, 0.32)
FRAME = Surface((0.93, 0.92, 0.89))
# the bars of a glyph of no alphabet in a unit cell, thinner than a third, none touching another
BARS: tuple[Rect, ...] = (
    (0.1, 0.0, 0.32, 1.0), (0.68, 0.0, 0.9, 1.0), (0.36, 0.78, 0.64, 1.0), (0.36, 0.4, 0.64, 0.62),
    (0.36, 0.0, 0.64, 0.22), (0.1, 0.0, 0.32, 0.45), (0.68, 0.52, 0.9, 1.0), (0.1, 0.55, 0.32, 1.0),
)  # fmt: skip


def inset(rect: Rect, u: float, v: float) -> Rect:
    """A rectangle without a margin on each side."""
    return rect[0] + u, rect[1] + v, rect[2] - u, rect[3] - v


def line_of_marks(draw: Draw, count: int, box: Rect) -> list[Rect]:
    """`count` glyphs and gaps in a row, within a box."""
    left, low, right, high = box
    step = (right - left) / count
    rects = []
    for index in range(count):
        if index and index < count - 1 and draw.uniform() < 0.12:
            continue  # the end of a word
        for number in draw.choice(len(BARS), size=int(draw.integers(2, 5)), replace=False):
            u0, v0, u1, v1 = BARS[int(number)]
            x, width, height = left + step * (index + 0.06), step * 0.88, high - low
            rects.append((x + u0 * width, low + v0 * height, x + u1 * width, low + v1 * height))
    return rects


def text(draw: Draw, face: Face, box: Rect, color: Color, lines: int = 1, count: int = 6) -> Shape:
    """Lines of marks on a face, as one shape without an outline."""
    left, low, right, high = box
    step = (high - low) / lines
    rects: list[Rect] = []
    for index in range(lines):
        top = high - step * index
        end = right if index < lines - 1 or lines == 1 else left + (right - left) * draw.uniform(0.4, 0.9)
        glyphs = max(2, round(count * (end - left) / (right - left)))
        rects += line_of_marks(draw, glyphs, (left, top - 0.7 * step, end, top))
    return face.shape(Surface(color), *rects, line=0.0)


def window(draw: Draw, wall: Face, setting: Setting) -> list[Shape]:
    """A frame with a view of the sky and a hill, a cross of bars, and perhaps curtains."""
    left, wide = draw.uniform(0.2, 0.4), draw.uniform(0.25, 0.4)
    low, high = draw.uniform(0.34, 0.42), draw.uniform(0.78, 0.86)
    right = left + wide
    pane = inset((left, low, right, high), 0.015, 0.02)
    middle, half = (left + right) / 2, 0.006
    bars = [(middle - half, pane[1], middle + half, pane[3]), (pane[0], 0.6, pane[2], 0.615)]
    shapes = [wall.shape(FRAME, (left, low, right, high), line=0.9), *_outside(draw, wall, pane, setting)]
    shapes.append(wall.shape(FRAME, *bars, line=0.5))
    shapes.append(wall.shape(FRAME, (left - 0.02, low - 0.025, right + 0.02, low), line=0.6))
    if draw.uniform() < 0.6:
        spans = (left - 0.06, left + 0.05), (right - 0.05, right + 0.06)
        curtains = [(u0, low - 0.06, u1, high + 0.03) for u0, u1 in spans]
        folds = [(u, low - 0.05, u, high + 0.02) for u in (left - 0.03, left + 0.015, right - 0.015, right + 0.03)]
        shapes.append(wall.shape(cloth(draw), *curtains, line=0.8, strokes=folds))
    return shapes


def _outside(draw: Draw, wall: Face, pane: Rect, setting: Setting) -> list[Shape]:
    night, (left, low, right, high) = setting.air.night, pane
    sky = Surface(NIGHT if night else setting.air.zenith, glow=0.1 if night else 0.75)
    number = int(draw.integers(2**31))
    ridge = low + (high - low) * (0.4 + 0.2 * ridge_line((number, "view"), 24, 3, 2, 0.5))
    skyline = np.stack([np.linspace(left, right, 24), np.clip(ridge, low, high)], axis=1)
    outline = wall.see(np.concatenate([skyline, [[right, low], [left, low]]]))
    hill = Surface(setting.season.meadow.draw(draw), glow=0.0 if night else 0.35)
    return [wall.shape(sky, pane, line=0.5, form=Even(0.8)), Shape(outline, hill, Even(0.6), wall.depth, 0.5)]


def hang(draw: Draw, walls: Sequence[Face]) -> list[list[Shape]]:
    """A few things on each wall."""
    things = []
    for wall in walls:
        for left in (0.12, 0.42, 0.7):
            if draw.uniform() < 0.45:
                build = (_picture, _picture, _poster, _clock, _door)[int(draw.integers(5))]
                things.append(build(draw, wall, left))
    return things


def _picture(draw: Draw, wall: Face, left: float) -> list[Shape]:
    low, wide, tall = draw.uniform(0.5, 0.58), draw.uniform(0.12, 0.22), draw.uniform(0.16, 0.26)
    split = low + tall * draw.uniform(0.35, 0.6)
    sky, land = hsv(draw.uniform(0.5, 0.65), 0.4, 0.85), hsv(draw.uniform(), 0.55, 0.6)
    whole = (left, low, left + wide, low + tall)
    u0, v0, u1, v1 = inset(whole, 0.015, 0.015)
    return [
        wall.shape(wood(draw), whole, line=0.8),
        wall.shape(Surface(sky, PRINT), (u0, v0, u1, v1), line=0.4),
        wall.shape(Surface(land, replace(PLASTER, material="print")), (u0, v0, u1, split), line=0.4),
    ]


def _poster(draw: Draw, wall: Face, left: float) -> list[Shape]:
    low, wide, tall = draw.uniform(0.48, 0.55), draw.uniform(0.12, 0.2), draw.uniform(0.2, 0.32)
    paper = mix(hsv(draw.uniform(), draw.uniform(0.2, 0.7), 0.85), (1, 1, 1), draw.choice((0.0, 0.7)))
    whole = (left, low, left + wide, low + tall)
    ink = (0.3, 0.3, 0.38) if sum(paper) > 1.8 else (0.97, 0.96, 0.9)
    written = text(draw, wall, inset(whole, 0.02, 0.03), ink, int(draw.integers(2, 5)), int(draw.integers(4, 7)))
    return [wall.shape(Surface(paper, PLASTER), whole, line=0.7), written]


def _clock(draw: Draw, wall: Face, left: float) -> list[Shape]:
    (x, y), (_, top), (right, _) = wall.see([(left + 0.08, 0.72), (left + 0.08, 0.66), (left + 0.13, 0.72)]).tolist()
    rx, ry = abs(right - x), abs(top - y)
    turns = zip(draw.uniform(0, 2 * np.pi, 2).tolist(), (0.45, 0.75), strict=True)  # hour, minute
    hands = [np.array([[x, y], [x + r * rx * np.cos(a), y + r * ry * np.sin(a)]], np.float32) for a, r in turns]
    form, paper = Plane(wall.normal), Surface((0.95, 0.94, 0.9))
    return [
        Shape(ellipse(x, y, rx, ry), wood(draw), form, wall.depth, 0.7),
        Shape(ellipse(x, y, rx * 0.82, ry * 0.82), paper, form, wall.depth, 0.7, strokes=hands),
    ]


def _door(draw: Draw, wall: Face, left: float) -> list[Shape]:
    surface = wood(draw)
    panels = [(left + 0.03, 0.08, left + 0.17, 0.34), (left + 0.03, 0.42, left + 0.17, 0.7)]
    frame, carved = (Surface(mix(surface.color, *way), WOOD) for way in (((1, 1, 1), 0.4), ((0, 0, 0), 0.15)))
    return [
        wall.shape(frame, (left - 0.015, 0.0, left + 0.215, 0.79), line=0.7),
        wall.shape(surface, (left, 0.0, left + 0.2, 0.77), line=0.6),
        wall.shape(carved, *panels, line=0.5),
    ]
