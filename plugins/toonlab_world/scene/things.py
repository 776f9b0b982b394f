"""What stands in a scene, where, and under which sky."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .forms import Form
from .palette import Season
from .scene import Air, Points, Shape, Surface


@dataclass(frozen=True, slots=True)
class Setting:
    """What all of a scene shares: `horizon` is the eye level, `theme` how often each thing stands in it."""

    season: Season
    air: Air
    theme: Mapping[str, float]
    horizon: float
    scale: float


@dataclass(frozen=True, slots=True)
class Place:
    """A spot on the ground: `size` is about the height of a tree that stands there, in picture sides."""

    x: float
    y: float
    size: float
    depth: float

    def shape(
        self, outline: Points, surface: Surface, form: Form, line: float = 1.0, more: Sequence[Points] = ()
    ) -> Shape:
        """A shape that stands here."""
        return Shape(outline, surface, form, self.depth, line, more)


@dataclass(frozen=True, slots=True)
class Thing:
    """Shapes that stand together on the ground at `base`, from back to front, and the outlines that cast shadows."""

    base: float
    shapes: Sequence[Shape]
    casting: Sequence[Points] = ()
