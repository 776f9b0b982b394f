"""Closed curves and polygons, in scene coordinates."""

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from .forms import Ball, Direction
from .scene import Layer, Points, Shape, Thing


@cache
def _turn(samples: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    angle = np.linspace(0, 2 * np.pi, samples, endpoint=False)
    return np.cos(angle).astype(np.float32), np.sin(angle).astype(np.float32)


def polygon(*points: tuple[float, float]) -> Points:
    return np.array(points, np.float32)


def box(left: float, top: float, right: float, bottom: float) -> Points:
    return polygon((left, top), (right, top), (right, bottom), (left, bottom))


def taper(x: float, y0: float, half0: float, y1: float, half1: float) -> Points:
    """A trapezoid around an upright axis: half as wide as `half0` at `y0` and as `half1` at `y1`."""
    return polygon((x - half0, y0), (x + half0, y0), (x + half1, y1), (x - half1, y1))


def ellipse(x: float, y: float, rx: float, ry: float, samples: int = 48) -> Points:
    cos, sin = _turn(samples)
    return np.stack([x + rx * cos, y + ry * sin], axis=1)


def union(balls: Sequence[Ball], center: tuple[float, float], samples: int = 96) -> Points:
    """The outline of overlapping ellipses, as seen from a centre that lies within all of their union's rays."""
    cos, sin = _turn(samples)
    x, y, rx, ry = np.array([(ball.x, ball.y, ball.rx, ball.ry) for ball in balls], np.float32).T[..., None]  # (n, 1)
    dx, dy = (x - np.float32(center[0])) / rx, (y - np.float32(center[1])) / ry
    ux, uy = cos / rx, sin / ry
    # a ray from the centre meets an ellipse where a t^2 - 2 b t + c = 0
    a, b, c = ux * ux + uy * uy, ux * dx + uy * dy, dx * dx + dy * dy - 1
    root = b * b - a * c
    reach = np.where(root > 0, (b + np.sqrt(np.maximum(root, 0))) / a, 0).max(axis=0).clip(0)
    return np.stack([center[0] + reach * cos, center[1] + reach * sin], axis=1)


def shadow(outline: Points, base: float, sun: Direction) -> Points:
    """Where a standing outline's shadow falls on level ground whose contact line is at `base`."""
    height = np.maximum(base - outline[:, 1], 0)
    sideways = -sun[0] / max(0.35, -sun[1])
    return np.stack([outline[:, 0] + height * sideways * 0.8, base + height * 0.16], axis=1).astype(np.float32)


def stand(
    things: Sequence[Thing], sun: Direction, ground: Sequence[Shape] = (), hung: Sequence[Sequence[Shape]] = ()
) -> Layer:
    """A layer of things from back to front, with their shadows on the ground, in front of what hangs on walls."""
    ordered = sorted(things, key=lambda thing: thing.base)
    shadows = [shadow(outline, thing.base, sun) for thing in ordered for outline in thing.casting]
    shadows += [outline for thing in ordered for outline in thing.fallen]
    return Layer(ground, [*hung, *(thing.shapes for thing in ordered)], shadows)
