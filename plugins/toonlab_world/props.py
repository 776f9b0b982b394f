"""What people leave about: fences and balls."""

from __future__ import annotations

import numpy as np

from .curves import box, ellipse, polygon
from .forms import Ball, Plane
from .palette import hsv
from .scene import Points, Surface, Texture
from .things import Place, Setting, Thing

WOOD = Texture(grain=0.2, streak=0.45)


def fence(draw: np.random.Generator, setting: Setting, place: Place) -> Thing:
    """Posts and two rails."""
    height, posts = place.size * draw.uniform(0.13, 0.18), int(draw.integers(4, 9))
    gap, half = height * draw.uniform(0.7, 1.0), height * 0.07
    wood = Surface(hsv(draw.uniform(0.05, 0.11), draw.uniform(0.05, 0.5), draw.uniform(0.45, 0.9)), WOOD)
    left, right = place.x - gap * posts / 2, place.x + gap * (posts / 2 - 1)
    outlines = []
    for y in (place.y - height * 0.38, place.y - height * 0.72):
        outlines.append(box(left, y - half * 0.8, right, y + half * 0.8))
    for x in left + gap * np.arange(posts):
        top = place.y - height * draw.uniform(0.95, 1.08)
        corners = (x - half, place.y), (x - half, top), (x, top - half), (x + half, top), (x + half, place.y)
        outlines.append(polygon(*corners))
    planks = [place.shape(outline, wood, Plane((0, -0.2, 0.95)), line=0.5) for outline in outlines]
    return Thing(place.y, planks, outlines)


def ball(draw: np.random.Generator, setting: Setting, place: Place) -> Thing:
    """A ball, plain or with a stripe."""
    radius, hue = place.size * draw.uniform(0.08, 0.22), draw.uniform()
    x, y = place.x, place.y - radius
    form, outline = Ball(x, y, radius, radius), ellipse(x, y, radius, radius)
    shapes = [place.shape(outline, Surface(hsv(hue, draw.uniform(0.4, 0.8), draw.uniform(0.5, 0.85))), form)]
    if draw.uniform() < 0.5:
        paint = Surface(hsv(hue + draw.uniform(0.2, 0.8), draw.uniform(0, 0.6), 0.88))
        shapes.append(place.shape(_stripe(draw, x, y, radius), paint, form, line=0.6))
    return Thing(place.y, shapes, [outline])


def _stripe(draw: np.random.Generator, x: float, y: float, radius: float) -> Points:
    turn, low, high = draw.uniform(0, np.pi), draw.uniform(-0.45, -0.1), draw.uniform(0.15, 0.5)
    across = np.linspace(-1, 1, 17)
    edge = np.sqrt(1 - across**2)
    upper = np.stack([across, high * edge], axis=1)
    lower = np.stack([across[::-1], low * edge[::-1]], axis=1)
    rotate = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    return (np.concatenate([upper, lower]) @ rotate * radius * 0.985 + (x, y)).astype(np.float32)
