"""How the surface of a shape bends, and so how light falls on it.

A form gives the light on its surface, in [0, 1], at the pixels of a window. It is smooth: the photo multiplies
texture onto it, and the cartoon cuts it into tones, so both renderings are lit alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

Direction = tuple[float, float, float]  # towards the light: right, down, to the viewer; of length 1
WRAP = 0.45  # a soft sky lights some of the side that is turned away from the sun


class Window(NamedTuple):
    """A rectangle of pixels of a square picture of `size` pixels."""

    top: int
    bottom: int
    left: int
    right: int
    size: int

    def within(self, left: float, top: float, right: float, bottom: float) -> Window:
        """The part of this window that may see a rectangle in scene coordinates; perhaps empty."""
        low, high = max(self.top, int(top * self.size)), min(self.bottom, int(bottom * self.size) + 1)
        first, last = max(self.left, int(left * self.size)), min(self.right, int(right * self.size) + 1)
        return Window(low, high, first, last, self.size)

    @property
    def slices(self) -> tuple[slice, slice]:
        return slice(self.top, self.bottom), slice(self.left, self.right)

    @property
    def y(self) -> NDArray[np.float32]:
        """Scene coordinates of the rows' centres, `(h, 1)`."""
        return _centres(self.top, self.bottom, self.size)[:, None]

    @property
    def x(self) -> NDArray[np.float32]:
        """Scene coordinates of the columns' centres, `(1, w)`."""
        return _centres(self.left, self.right, self.size)[None]


def _centres(first: int, last: int, size: int) -> NDArray[np.float32]:
    return (np.arange(first, last, dtype=np.float32) + np.float32(0.5)) / np.float32(size)


class Form(Protocol):
    def light(self, window: Window, sun: Direction) -> NDArray[np.float32] | float:
        """The light on the surface, in [0, 1], `(h, w)` or one number."""


def lit(cosine: NDArray[np.float32] | float) -> NDArray[np.float32]:
    """Wrapped Lambert shading: light from the cosine between normal and sun."""
    wrapped = (np.asarray(cosine, np.float32) + WRAP) / (1 + WRAP)
    return np.minimum(np.maximum(wrapped, 0), 1)


@dataclass(frozen=True, slots=True)
class Plane:
    """A flat face: a wall, a roof."""

    normal: Direction = (0.0, 0.0, 1.0)

    def light(self, window: Window, sun: Direction) -> float:
        return float(lit(sum(n * s for n, s in zip(self.normal, sun, strict=True))))


@dataclass(frozen=True, slots=True)
class Even:
    """The same light for every position of the sun: for small things, and things that shine."""

    value: float = 0.7

    def light(self, window: Window, sun: Direction) -> float:
        return self.value


@dataclass(frozen=True, slots=True)
class Ball:
    """An ellipsoid with its centre in the picture plane."""

    x: float
    y: float
    rx: float
    ry: float

    def light(self, window: Window, sun: Direction) -> NDArray[np.float32]:
        return lit(self.cosine(window, sun)[0])

    def cosine(self, window: Window, sun: Direction) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Between normal and sun; and where the ball is. Beyond its edge the normal leans no further back."""
        u, v = (window.x - self.x) / self.rx, (window.y - self.y) / self.ry
        height = 1 - (u * u + v * v)  # squared, over the picture plane
        return u * sun[0] + v * sun[1] + np.sqrt(np.maximum(height, 0)) * sun[2], height > 0


@dataclass(frozen=True, slots=True)
class Lobes:
    """Many balls, each in front of those before it: a crown, a bush, a cloud. The whole is lit as a ball, too."""

    balls: Sequence[Ball]
    whole: Ball
    relief: float = 0.55  # the lobes' share of the light

    def light(self, window: Window, sun: Direction) -> NDArray[np.float32]:
        whole, _ = self.whole.cosine(window, sun)
        lobes = whole.copy()
        for ball in self.balls:
            part = window.within(ball.x - ball.rx, ball.y - ball.ry, ball.x + ball.rx, ball.y + ball.ry)
            if part.bottom > part.top and part.right > part.left:
                cosine, inside = ball.cosine(part, sun)
                rows = slice(part.top - window.top, part.bottom - window.top)
                np.copyto(lobes[rows, part.left - window.left : part.right - window.left], cosine, where=inside)
        return lit(whole) * (1 - self.relief) + lit(lobes) * self.relief


@dataclass(frozen=True, slots=True)
class Tube:
    """An upright cone or cylinder: half as wide as `top` at `y0` and as `bottom` at `y1`."""

    x: float
    y0: float
    y1: float
    top: float
    bottom: float

    def light(self, window: Window, sun: Direction) -> NDArray[np.float32]:
        along = np.clip((window.y - self.y0) / (self.y1 - self.y0), 0, 1)
        u = np.clip((window.x - self.x) / (self.top + (self.bottom - self.top) * along), -1, 1)
        return lit(u * sun[0] + np.sqrt(1 - u * u) * sun[2])
