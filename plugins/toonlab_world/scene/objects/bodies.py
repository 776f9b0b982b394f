"""The coordinates that a figure is drawn in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from toonlab_world.scene.curves import ellipse, polygon
from toonlab_world.scene.forms import Ball, Form, Tube
from toonlab_world.scene.scene import Color, Points, Shape, Surface, Texture
from toonlab_world.scene.things import Place


@dataclass(frozen=True, slots=True)
class Body:
    """A figure's own coordinates: x from its axis to the side it looks to, y up from its feet, 1 for its height."""

    place: Place
    height: float
    side: float

    def at(self, x: float, y: float) -> tuple[float, float]:
        return self.place.x + self.side * self.height * x, self.place.y - self.height * y

    def face(self, *corners: tuple[float, float]) -> Points:
        return polygon(*(self.at(*corner) for corner in corners))

    def round(self, x: float, y: float, rx: float, ry: float, samples: int = 24) -> Points:
        return ellipse(*self.at(x, y), rx * self.height, ry * self.height, samples)

    def ball(self, x: float, y: float, rx: float, ry: float) -> Ball:
        return Ball(*self.at(x, y), rx * self.height, ry * self.height)

    def tube(self, x: float, top: float, bottom: float, wide: float) -> Tube:
        (middle, y0), (_, y1) = self.at(x, top), self.at(x, bottom)
        return Tube(middle, y0, y1, wide * self.height, wide * self.height)

    def limb(self, start: tuple[float, float], end: tuple[float, float], thick: float, thin: float) -> Points:
        """A tapering bar with a blunt end."""
        along = np.subtract(end, start)
        across = np.array([-along[1], along[0]]) / max(float(np.hypot(*along)), 1e-6)
        (ax, ay), (bx, by) = across * thick / 2, across * thin / 2
        return self.face(
            (start[0] - ax, start[1] - ay), (start[0] + ax, start[1] + ay),
            (end[0] + bx, end[1] + by), (end[0] - bx, end[1] - by),
        )  # fmt: skip

    def shape(self, outlines: list[Points], color: Color, texture: Texture, form: Form, line: float = 0.8) -> Shape:
        return Shape(outlines[0], Surface(color, texture), form, self.place.depth, line, outlines[1:])
