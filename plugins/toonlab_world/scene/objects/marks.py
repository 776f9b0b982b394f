"""Marks that look like writing, in no alphabet."""

from __future__ import annotations

import numpy as np

from toonlab_world.scene.scene import Color, Shape, Surface
from toonlab_world.scene.space import Face, Rect

# the bars of a glyph in a unit cell, thinner than a third, none touching another
BARS: tuple[Rect, ...] = (
    (0.1, 0.0, 0.32, 1.0), (0.68, 0.0, 0.9, 1.0), (0.36, 0.78, 0.64, 1.0), (0.36, 0.4, 0.64, 0.62),
    (0.36, 0.0, 0.64, 0.22), (0.1, 0.0, 0.32, 0.45), (0.68, 0.52, 0.9, 1.0), (0.1, 0.55, 0.32, 1.0),
)  # fmt: skip


def line_of_marks(draw: np.random.Generator, count: int, box: Rect) -> list[Rect]:
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


def text(draw: np.random.Generator, face: Face, box: Rect, color: Color, lines: int = 1, count: int = 6) -> Shape:
    """Lines of marks on a face, as one shape without an outline."""
    left, low, right, high = box
    step = (high - low) / lines
    rects: list[Rect] = []
    for index in range(lines):
        top = high - step * index
        end = right if index < lines - 1 or lines == 1 else left + (right - left) * draw.uniform(0.4, 0.9)
        rects += line_of_marks(
            draw, max(2, round(count * (end - left) / (right - left))), (left, top - 0.7 * step, end, top)
        )
    return face.shape(Surface(color), *rects, line=0.0)
