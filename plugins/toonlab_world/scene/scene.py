"""A scene: shapes in the unit square, x to the right and y down, painted from back to front."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from .forms import Direction, Form
from .noise import Key

Color = tuple[float, float, float]  # sRGB in [0, 1]
Points = NDArray[np.float32]  # (n, 2): x, y in the unit square, or beyond it
Frame = tuple[float, ...]  # (9,): the projective map from metres on a surface to the picture, row by row
Material = Literal[
    "plaster", "brick", "concrete", "paving", "tiles", "wood", "asphalt", "earth", "grass", "leaves", "needles",
    "forest", "bark", "stone", "rock", "cloth", "paper", "hair", "water", "glass", "print", "shade",
]  # fmt: skip
UPRIGHT = 1.8  # how far the material of level ground is drawn out in depth
TREE = 6.0  # metres: the height that `Place.size` speaks of


@dataclass(frozen=True, slots=True)
class Texture:
    """Amplitudes in [0, 1] of the noises that the photo puts on a surface, and what it is made of, for hard photos."""

    grain: float = 0.0
    blotch: float = 0.0
    streak: float = 0.0
    leaf: float = 0.0
    material: Material | None = None


@dataclass(frozen=True, slots=True)
class Surface:
    """What a shape is made of: its unlit colour, and what only the photo shows of it.

    `ragged` is how far the photo's edges stray from the polygon, in picture sides: leaves and grass, not walls.
    `glow` in [0, 1] is light of its own: lit windows, the sun. `mirror` in [0, 1] is how much of what stands beyond it
    is seen in it: water.
    """

    color: Color
    texture: Texture = Texture()
    ragged: float = 0.0
    glow: float = 0.0
    mirror: float = 0.0


@dataclass(frozen=True, slots=True)
class Shape:
    """A filled polygon, or several of one kind: all panes of a wall.

    `line` is the weight of its outline in the cartoon, 0 for none; `depth` is 0 near, 1 far. `more` are further
    polygons, `strokes` open lines that only the cartoon draws on it: a mouth, a fold. `frame` lays out its material.
    """

    outline: Points
    surface: Surface
    form: Form
    depth: float = 0.5
    line: float = 1.0
    more: Sequence[Points] = ()
    strokes: Sequence[Points] = ()
    frame: Frame | None = None


def upright(x: float, y: float, metre: float) -> Frame:
    """Of a surface that faces the viewer, from a point in the picture; a metre is so many picture sides."""
    return (metre, 0, x, 0, metre, y, 0, 0, 1)


def level(horizon: float, eye: float) -> Frame:
    """Of level ground, seen from `eye` metres above it; its material is drawn out in depth, as if it grew."""
    return (1, 0.5 * UPRIGHT, 0, 0, horizon * UPRIGHT, eye, 0, UPRIGHT, 0)


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
        return Shape(outline, surface, form, self.depth, line, more, frame=upright(self.x, self.y, self.size / TREE))


@dataclass(frozen=True, slots=True)
class Thing:
    """Shapes that stand together on the ground at `base`, from back to front.

    Their shadows are those that the upright outlines `casting` throw, and `fallen`, outlines on the ground itself.
    """

    base: float
    shapes: Sequence[Shape]
    casting: Sequence[Points] = ()
    fallen: Sequence[Points] = ()


@dataclass(frozen=True, slots=True)
class Layer:
    """A stretch of ground, the shadows that fall on it (polygons), and the things that stand on it, each of shapes."""

    ground: Sequence[Shape]
    things: Sequence[Sequence[Shape]] = ()
    shadows: Sequence[Points] = ()

    @property
    def objects(self) -> list[Shape]:
        return [shape for thing in self.things for shape in thing]


@dataclass(frozen=True, slots=True)
class Air:
    """Light and weather. `haze` in [0, 1]; `sun` points towards the light, `sun_at` is where its disc stands."""

    zenith: Color
    horizon: Color
    sunlight: Color
    ambient: Color
    haze: float
    sun: Direction
    sun_at: tuple[float, float]
    night: bool = False


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything that both renderings need.

    `key` seeds the noises of the photo; `horizon` is the eye level, `focus` the depth that the camera is focused on,
    `blur` in [0, 1] how much is lost away from it. The sky's ground is the sky itself and perhaps the sun or moon;
    its things are clouds. `waterline` is where a level mirror turns what it shows upside down, `spot` where a viewer
    looks first.
    """

    key: Key
    air: Air
    horizon: float
    sky: Layer
    layers: Sequence[Layer]
    focus: float
    blur: float
    waterline: float = 1.0
    spot: tuple[float, float] = (0.5, 0.6)

    @property
    def groups(self) -> list[int]:
        """For each shape, a number of the thing that it is a part of."""
        groups, number = [], 0
        for layer in (self.sky, *self.layers):
            for part in (*((shape,) for shape in layer.ground), *layer.things):
                groups += [number] * len(part)
                number += 1
        return groups

    @property
    def shapes(self) -> list[Shape]:
        """All shapes, from back to front; a shape's label is its index."""
        return [shape for layer in (self.sky, *self.layers) for shape in (*layer.ground, *layer.objects)]
