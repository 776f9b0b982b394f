"""From a scene to pixels: which shape is where, and how the light falls on it. Both renderings start from this."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from toonlab_world.scene.forms import Even, Plane, Window
from toonlab_world.scene.scene import Layer, Points, Scene, Shape

SUPERSAMPLING = 2
SHADED = 0.3  # light that is left in a cast shadow
_BITS = 8  # of subpixel precision in OpenCV's polygons
Contours = list[NDArray[np.int32]]  # in fixed-point pixels


@dataclass(frozen=True, slots=True)
class Raster:
    """What is seen at each pixel, supersampled: `(s, s)` with s = `SUPERSAMPLING` times the picture's side.

    `shapes` indexes `scene.shapes`; `light` is in [0, 1], of the forms alone; `shadow`, `clouds` and `strokes` are 0 or
    255 (clouds also where the ground hides them).
    """

    scene: Scene
    size: int
    shapes: NDArray[np.uint16]
    light: NDArray[np.float32]
    shadow: NDArray[np.uint8]
    clouds: NDArray[np.uint8]
    strokes: NDArray[np.uint8]


def rasterise(scene: Scene, size: int) -> Raster:
    """Paint a scene from back to front for a picture of `size` pixels a side."""
    canvas = Canvas(size * SUPERSAMPLING)
    canvas.paint(scene.sky)
    clouds = (canvas.shapes >= len(scene.sky.ground)).astype(np.uint8) * 255
    for layer in scene.layers:
        canvas.paint(layer)
    return Raster(scene, size, canvas.shapes, canvas.light(scene), canvas.shadow, clouds, canvas.strokes)


class Canvas:
    """The buffers that painting fills in, `(side, side)`."""

    def __init__(self, side: int) -> None:
        self.side = side
        self.shapes = np.zeros((side, side), np.uint16)
        self.shadow = np.zeros((side, side), np.uint8)
        self.strokes = np.zeros((side, side), np.uint8)
        self.covered: list[NDArray[np.uint8]] = []  # what a new shape hides besides older shapes
        self.windows: list[Window | None] = []  # of each shape so far

    def paint(self, layer: Layer) -> None:
        first = len(self.windows)
        for shape in layer.ground:
            self._fill(shape)
        for outline in layer.shadows:
            self._cast(outline, first)
        for shape in layer.objects:
            self._fill(shape)

    def light(self, scene: Scene) -> NDArray[np.float32]:
        """The light on what can be seen of each shape."""
        corner, sun = Window(0, 1, 0, 1, self.side), scene.air.sun
        even = {label: shape for label, shape in enumerate(scene.shapes) if isinstance(shape.form, Even | Plane)}
        table = np.zeros(len(scene.shapes), np.float32)
        table[list(even)] = [shape.form.light(corner, sun) for shape in even.values()]
        light = table.take(self.shapes)
        for label, (shape, window) in enumerate(zip(scene.shapes, self.windows, strict=True)):
            if label not in even and window and (seen := self._seen(label, window)):
                where = self.shapes[seen.slices] == label
                np.copyto(light[seen.slices], shape.form.light(seen, sun), where=where)
        return light

    def _seen(self, label: int, window: Window) -> Window | None:
        """The rows of a window in which a shape was not painted over."""
        rows = (self.shapes[window.slices] == label).any(axis=1).nonzero()[0]
        if len(rows) == 0:
            return None
        return window._replace(top=window.top + int(rows[0]), bottom=window.top + int(rows[-1]) + 1)

    def _fill(self, shape: Shape) -> None:
        contours, window = self._locate((shape.outline, *shape.more))
        if window:
            for contour in contours:  # one by one: overlapping contours would cut holes into each other
                cv2.fillPoly(self.shapes, [contour], (len(self.windows),), cv2.LINE_8, _BITS)
                for buffer in self.covered:
                    cv2.fillPoly(buffer, [contour], (0,), cv2.LINE_8, _BITS)
            if shape.strokes:
                self._stroke(shape.strokes)
        self.windows.append(window)

    def _stroke(self, strokes: Sequence[Points]) -> None:
        self._cover(self.strokes)
        contours, _ = self._locate(strokes)
        cv2.polylines(self.strokes, contours, False, (255,), 1, cv2.LINE_8, _BITS)

    def _cast(self, outline: Points, ground: int) -> None:
        """A shadow falls on what was painted of this layer's ground, not on what lies behind its ridge."""
        (points,), window = self._locate((outline,))
        if window:
            self._cover(self.shadow)
            fallen = np.zeros((window.bottom - window.top, window.right - window.left), np.uint8)
            corner = np.array([window.left << _BITS, window.top << _BITS], np.int32)
            cv2.fillPoly(fallen, [points - corner], (255,), cv2.LINE_8, _BITS)
            on_ground = self.shapes[window.slices] >= ground
            np.copyto(self.shadow[window.slices], fallen, where=(fallen > 0) & on_ground)

    def _cover(self, buffer: NDArray[np.uint8]) -> None:
        """From its first use on, a buffer is wiped where a new shape covers it."""
        if not any(buffer is covered for covered in self.covered):
            self.covered.append(buffer)

    def _locate(self, outlines: Sequence[Points]) -> tuple[Contours, Window | None]:
        """Fixed-point pixels of outlines, and the window that they may touch, None where it is out of the picture."""
        whole = outlines[0] if len(outlines) == 1 else np.concatenate(outlines)
        points = np.rint((whole * self.side - 0.5) * (1 << _BITS)).astype(np.int32)  # OpenCV's centres are integers
        left, top, width, height = cv2.boundingRect(points)
        right, bottom = min((left + width >> _BITS) + 2, self.side), min((top + height >> _BITS) + 2, self.side)
        left, top = max(left >> _BITS, 0), max(top >> _BITS, 0)
        contours, first = [], 0
        for outline in outlines:
            contours.append(points[first : first + len(outline)])
            first += len(outline)
        return contours, Window(top, bottom, left, right, self.side) if bottom > top and right > left else None
