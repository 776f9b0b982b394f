"""The materials of surfaces, laid out in perspective: what makes photos hard, since their edges are no outlines."""

import cv2
import numpy as np
from numpy.typing import NDArray

from toonlab_world.scene.noise import fractal_noise, generator
from toonlab_world.scene.scene import Frame, Scene, Shape, upright
from toonlab_world.scene.space import HAZY

from .bank import COUNTS, FIRST, LEVELS, NUMBERS, PERIODS, STEP, atlas
from .pixels import Image, Plane
from .raster import SUPERSAMPLING
from .tiles import TILE

GAIN = 1.42  # of all materials at difficulty 1: Canny finds as much in photos as in real ones
RELIEF = 0.55  # how strongly the sun shows the slopes of a material
GROUND = [NUMBERS[name] for name in ("grass", "earth", "asphalt", "paving")]


class Layout:
    """Where each pixel lies on the surface that is seen there, in metres, and how many of them it covers.

    `labels` are the shapes, `(size, size)`, and `inside` is true for pixels that see one shape only. The surfaces of a
    thing share an origin, which differs from thing to thing, as the tile of their material does.
    """

    def __init__(self, scene: Scene, shapes: NDArray[np.uint16]) -> None:
        step = SUPERSAMPLING
        parts = [shapes[row::step, column::step] for row, column in np.ndindex(step, step)]
        self.labels = np.ascontiguousarray(parts[0])
        self.inside = np.all([part == self.labels for part in parts], axis=0)
        self.size = self.labels.shape[0]
        groups = np.array(scene.groups)
        draw = generator(*scene.key, "materials")
        things = draw.random((groups.max() + 1, 5), dtype=np.float32)
        self.origin, self.vary = things[groups, :2], things[groups, 2:4] - np.float32(0.5)
        self.material = np.array([NUMBERS.get(shape.surface.texture.material or "", 0) for shape in scene.shapes])
        self.tile = FIRST[self.material] + (things[groups, 4] * COUNTS[self.material]).astype(np.int64)
        self._measure(np.array([frame_of(shape) for shape in scene.shapes], np.float64).reshape(-1, 3, 3))

    def _measure(self, frames: NDArray[np.float64]) -> None:
        """Where pixels lie, by the inverse of each frame, up to a factor: a projective map does not depend on it."""
        inverse = np.stack([np.cross(frames[:, i - 2], frames[:, i - 1]) for i in range(3)], axis=2)
        inverse /= np.abs(inverse).max(axis=(1, 2), keepdims=True)
        determinant = (inverse[:, 0] * np.cross(inverse[:, 1], inverse[:, 2])).sum(axis=1)
        table = np.concatenate([inverse.reshape(-1, 9), np.abs(determinant)[:, None]], axis=1).astype(np.float32)
        *a, stretch = (column.take(self.labels) for column in np.ascontiguousarray(table.T))
        at = (np.arange(self.size, dtype=np.float32) + np.float32(0.5)) / self.size
        x, y = at[None], at[:, None]
        w = a[6] * x + a[7] * y + a[8]
        w = np.where(np.abs(w) < 1e-6, np.float32(1e-6), w)
        self.u, self.v = (a[0] * x + a[1] * y + a[2]) / w, (a[3] * x + a[4] * y + a[5]) / w
        self.metres = np.sqrt(np.maximum(stretch / np.abs(w) ** 3, np.float32(1e-12))) / self.size  # of a pixel's side

    def sample(self, coarser: float = 0.0) -> list[Plane]:
        """Brightness, warmth and the slopes of each shape's material; `coarser` by so many levels of detail."""
        return self._sample(PERIODS[self.material], self.tile, coarser)

    def shade(self) -> Plane:
        """Where the leaves of trees out of sight let the sun through to the ground, in [-1, 1]."""
        number, ground = NUMBERS["shade"], np.isin(self.material, GROUND)
        return self._sample(np.where(ground, PERIODS[number], 1), np.where(ground, FIRST[number], 0))[0]

    def _sample(self, periods: NDArray[np.float32], tiles: NDArray[np.int64], coarser: float = 0.0) -> list[Plane]:
        bank = atlas()
        period = (periods * (1 + np.float32(0.5) * self.vary[:, 0])).take(self.labels)
        level = np.log2(self.metres / period * TILE) + np.float32(coarser)
        level = np.clip(np.rint(level), 0, LEVELS - 1).astype(np.int32)
        side = (TILE >> level).astype(np.float32)
        u, v = (plane / period + self.origin[:, axis].take(self.labels) for axis, plane in enumerate((self.u, self.v)))
        x = bank.left.take(level) + (u - np.floor(u)) * side + np.float32(0.5)
        y = (tiles.take(self.labels) * (TILE + 2)).astype(np.float32) + (v - np.floor(v)) * side + np.float32(0.5)
        seen = cv2.remap(bank.texels, x, y.astype(np.float32), cv2.INTER_LINEAR)
        return [(plane.astype(np.float32) - 128) * np.float32(STEP) for plane in cv2.split(seen)]


def frame_of(shape: Shape) -> Frame:
    """Its own, or that of an upright surface as far away as its depth says."""
    return shape.frame or upright(0.5, 0.5, 0.9 * (1.001 - shape.depth) / (HAZY * shape.depth + 1.5))


def textured(layout: Layout, scene: Scene, strength: Plane | float) -> tuple[Plane, Image]:
    """The factor of brightness of all materials, `(size, size)`, and that of their colours, `(size, size, 3)`."""
    bright, warm, right, down = layout.sample()
    own = (GAIN * (1 + layout.vary[:, 1]) * (layout.material > 0)).astype(np.float32)
    gain = own.take(layout.labels) * strength
    sun = np.float32(-RELIEF * scene.air.sun[0]), np.float32(-RELIEF * scene.air.sun[1])
    warm = warm * gain
    color = cv2.merge([cv2.exp(warm), np.ones_like(warm), cv2.exp(-warm)])
    return cv2.exp(gain * (bright + right * sun[0] + down * sun[1])), color


def dappled(layout: Layout, scene: Scene) -> Plane:
    """How much of the sun the leaves of trees out of sight take from the ground, in [0, 1]."""
    trees = fractal_noise((*scene.key, "trees"), layout.size, (4, 3), octaves=3)
    below = np.isin(layout.material, GROUND).take(layout.labels).astype(np.float32)
    return np.clip(layout.shade() * 2 + trees * 2, 0, 1) * below
