"""What people leave about: fences and balls."""

from __future__ import annotations

import numpy as np

from .curves import box, ellipse, polygon
from .forms import Ball, Plane
from .palette import hsv
from .scene import Points, Shape, Surface, Texture
from .things import Place, Setting, Thing

WOOD = Texture(grain=0.2, streak=0.45)


def fence(draw: np.random.Generator, setting: Setting, place: Place) -> Thing:
    """Posts and two rails."""
    height, posts = place.size * draw.uniform(0.13, 0.18), int(draw.integers(4, 9))
    gap, width = height * draw.uniform(0.7, 1.0), height * 0.14
    color = hsv(draw.uniform(0.05, 0.11), draw.uniform(0.05, 0.5), draw.uniform(0.45, 0.9))
    left = place.x - gap * posts / 2

    def plank(outline: Points) -> Shape:
        return Shape(outline, Surface(color, WOOD), Plane((0, -0.2, 0.95)), place.depth, 0.7)

    rails = [
        plank(
            box(
                left, place.y - height * at - width * 0.4, left + gap * (posts - 1), place.y - height * at + width * 0.4
            )
        )
        for at in (0.38, 0.72)
    ]
    uprights = []
    for post in range(posts):
        x, top = left + gap * post, place.y - height * draw.uniform(0.95, 1.08)
        uprights.append(
            plank(
                polygon(
                    (x - width / 2, place.y),
                    (x - width / 2, top),
                    (x, top - width / 2),
                    (x + width / 2, top),
                    (x + width / 2, place.y),
                )
            )
        )
    return Thing(place.y, rails + uprights, [shape.outline for shape in rails + uprights])


def ball(draw: np.random.Generator, setting: Setting, place: Place) -> Thing:
    """A ball, plain or with a stripe."""
    radius = place.size * draw.uniform(0.08, 0.22)
    x, y = place.x, place.y - radius
    form, hue = Ball(x, y, radius, radius), draw.uniform()
    shapes = [
        Shape(
            ellipse(x, y, radius, radius),
            Surface(hsv(hue, draw.uniform(0.4, 0.8), draw.uniform(0.5, 0.85))),
            form,
            place.depth,
        )
    ]
    if draw.uniform() < 0.5:
        shapes.append(
            Shape(
                _stripe(draw, x, y, radius),
                Surface(hsv(hue + draw.uniform(0.2, 0.8), draw.uniform(0, 0.6), 0.88)),
                form,
                place.depth,
                0.6,
            )
        )
    return Thing(place.y, shapes, [shapes[0].outline])


def _stripe(draw: np.random.Generator, x: float, y: float, radius: float) -> Points:
    turn, low, high = draw.uniform(0, np.pi), draw.uniform(-0.45, -0.1), draw.uniform(0.15, 0.5)
    across = np.linspace(-1, 1, 17)
    edge = np.sqrt(1 - across**2)
    upper = np.stack([across, high * edge], axis=1)
    lower = np.stack([across[::-1], low * edge[::-1]], axis=1)
    rotate = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    return (np.concatenate([upper, lower]) @ rotate * radius * 0.985 + (x, y)).astype(np.float32)
