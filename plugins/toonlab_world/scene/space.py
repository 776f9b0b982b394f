"""Perspective: a camera in a world of metres, and the faces and boxes that it sees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from .forms import Direction, Form, Plane
from .scene import TREE, Frame, Place, Points, Shape, Surface

Vector = tuple[float, float, float]  # metres: right, up, away from the viewer
Span = tuple[float, float]
Rect = tuple[float, float, float, float]  # u0, v0, u1, v1 on a face
NEAREST = 0.35  # metres; nothing is drawn nearer to the eye
HAZY = 25.0  # metres at which half of the depth is reached


@dataclass(frozen=True, slots=True)
class Camera:
    """Looks straight ahead from `eye` metres above the ground, over x = 0; `zoom` is picture sides per metre at 1 m."""

    vanishing: float
    horizon: float
    eye: float
    zoom: float

    def see(self, points: NDArray[np.float32] | Sequence[Vector]) -> Points:
        """Where points, `(n, 3)` in metres, are in the picture."""
        points = np.asarray(points, np.float32)
        scale = self.zoom / np.maximum(points[:, 2], NEAREST)
        x = self.vanishing + points[:, 0] * scale
        return np.stack([x, self.horizon + (self.eye - points[:, 1]) * scale], axis=1).astype(np.float32)

    def depth(self, z: float) -> float:
        return max(z, 0.0) / (max(z, 0.0) + HAZY)

    def place(self, x: float, z: float, y: float = 0.0) -> Place:
        """A spot on the ground, or on a floor at height `y`."""
        ((left, top),) = self.see([(x, y, z)]).tolist()
        return Place(left, top, TREE * self.zoom / max(z, NEAREST), self.depth(z))

    def half_width(self, z: float) -> float:
        """Metres from the middle of the picture to its farther side, at a distance."""
        return max(self.vanishing, 1 - self.vanishing) * z / self.zoom

    def level(self, x: Span, z: Span, y: float = 0.0, up: float = -1.0) -> Face:
        """A level rectangle at height `y` that looks up (-1) or down (1)."""
        return Face(self, (x[0], y, z[0]), (x[1] - x[0], 0, 0), (0, 0, z[1] - z[0]), (0, up, 0))


@dataclass(frozen=True)
class Face:
    """A parallelogram in space: `u` and `v` run from 0 to 1 along two of its sides from `corner`."""

    camera: Camera
    corner: Vector
    u: Vector
    v: Vector
    normal: Direction

    @cached_property
    def depth(self) -> float:
        return self.camera.depth(self.corner[2] + (self.u[2] + self.v[2]) / 2)

    @cached_property
    def frame(self) -> Frame:
        camera, (x, y, z) = self.camera, self.corner
        down = (-self.v[0], -self.v[1], -self.v[2])
        sides = ([part / sum(part * part for part in side) ** 0.5 for part in side] for side in (self.u, down))
        across, up, away = zip(*sides, (x, y - camera.eye, z), strict=True)
        x_row = (camera.zoom * a + camera.vanishing * b for a, b in zip(across, away, strict=True))
        y_row = (camera.horizon * b - camera.zoom * a for a, b in zip(up, away, strict=True))
        return (*x_row, *y_row, *away)

    def see(self, points: NDArray[np.float32] | Sequence[Span]) -> Points:
        """Points on the face, `(n, 2)` as u and v, in the picture."""
        points = np.asarray(points, np.float32)
        corner, u, v = (np.array(vector, np.float32) for vector in (self.corner, self.u, self.v))
        return self.camera.see(corner + points[:, :1] * u + points[:, 1:] * v)

    def outlines(self, *rects: Rect) -> list[Points]:
        corners = np.array(rects, np.float32)[:, [0, 1, 2, 1, 2, 3, 0, 3]].reshape(-1, 2)
        return [*self.see(corners).reshape(-1, 4, 2)]

    def shape(
        self, surface: Surface, *rects: Rect, line: float = 1.0, form: Form | None = None, strokes: Sequence[Rect] = ()
    ) -> Shape:
        """Rectangles on the face as one shape; without any, the whole face.

        `strokes` are straight lines on it, from (u0, v0) to (u1, v1).
        """
        outline, *more = self.outlines(*(rects or ((0, 0, 1, 1),)))
        lines = [*self.see(np.reshape(strokes, (-1, 2))).reshape(-1, 2, 2)] if strokes else []
        return Shape(outline, surface, form or Plane(self.normal), self.depth, line, more, lines, self.frame)


@dataclass(frozen=True)
class Box:
    """A box that stands square to the view; the camera stands at x = 0."""

    camera: Camera
    x: Span
    y: Span
    z: Span

    @cached_property
    def front(self) -> Face:
        (x0, x1), (y0, y1), z = self.x, self.y, self.z[0]
        return Face(self.camera, (x0, y0, z), (x1 - x0, 0, 0), (0, y1 - y0, 0), (0, 0, 1))

    @cached_property
    def side(self) -> Face:
        """The one that looks to the middle of the picture."""
        (y0, y1), (z0, z1) = self.y, self.z
        x, way = (self.x[0], -1.0) if sum(self.x) > 0 else (self.x[1], 1.0)
        return Face(self.camera, (x, y0, z0), (0, 0, z1 - z0), (0, y1 - y0, 0), (0.95 * way, 0, 0.3))

    def faces(self) -> list[Face]:
        """Those that can be seen, the front last."""
        seen = [self.side] if self.x[0] > 0 or self.x[1] < 0 else []
        if self.y[1] < self.camera.eye:
            seen.append(self.camera.level(self.x, self.z, self.y[1]))
        elif self.y[0] > self.camera.eye:
            seen.append(self.camera.level(self.x, self.z, self.y[0], up=1.0))
        return [*seen, self.front]

    def shapes(self, surface: Surface, line: float = 1.0) -> list[Shape]:
        return [face.shape(surface, line=line) for face in self.faces()]

    def shadow(self, sun: Direction) -> Points:
        """On the ground: the footprint and where the top's shadow falls, together."""
        reach = (self.y[1] - self.y[0]) * 0.5
        (x0, x1), (z0, z1) = self.x, self.z
        shift = -reach * float(np.sign(sun[0]))
        low, high = min(x0, x0 + shift), max(x1, x1 + shift)
        return self.camera.see([(low, 0, z0 - 0.1), (high, 0, z0 - 0.1), (high, 0, z1), (low, 0, z1)])
