"""From a scene to pixels: which shape is where, and how the light falls on it. Both renderings start from this."""

from collections.abc import Sequence
from itertools import accumulate

import cv2
import numpy as np
from numpy.typing import NDArray

from toonlab_world.scene.forms import Even, Plane, Window
from toonlab_world.scene.scene import Layer, Points, Scene, Shape

SUPERSAMPLING = 2
SHADED = 0.3  # light that is left in a cast shadow
_BITS = 8  # of subpixel precision in OpenCV's polygons
Contours = list[NDArray[np.int32]]  # in fixed-point pixels


class Raster:
    """A scene painted from back to front, for a picture of `size` pixels a side.

    What is seen at each pixel is supersampled: `(side, side)` with side = `SUPERSAMPLING` * `size`.

    Attributes:
        shapes: indices into `scene.shapes`.
        light: of the forms alone, in [0, 1].
        shadow, clouds, strokes: 0 or 255; clouds also where the ground hides them.
    """

    def __init__(self, scene: Scene, size: int) -> None:
        self.scene, self.size, self.side = scene, size, size * SUPERSAMPLING
        self.shapes = np.zeros((self.side, self.side), np.uint16)
        self.shadow, self.strokes = np.zeros((2, self.side, self.side), np.uint8)
        self._covered: list[NDArray[np.uint8]] = []  # what a new shape hides besides older shapes
        self._windows: list[Window | None] = []  # of each shape so far
        self._paint(scene.sky)
        self.clouds = (self.shapes >= len(scene.sky.ground)).astype(np.uint8) * 255
        for layer in scene.layers:
            self._paint(layer)
        self.light = self._light()

    def _paint(self, layer: Layer) -> None:
        first = len(self._windows)
        for shape in layer.ground:
            self._fill(shape)
        for outline in layer.shadows:
            self._cast(outline, first)
        for shape in layer.objects:
            self._fill(shape)

    def _light(self) -> NDArray[np.float32]:
        """The light on what can be seen of each shape."""
        corner, sun, shapes = Window(0, 1, 0, 1, self.side), self.scene.air.sun, self.scene.shapes
        even = {label: shape for label, shape in enumerate(shapes) if isinstance(shape.form, Even | Plane)}
        table = np.zeros(len(shapes), np.float32)
        table[list(even)] = [shape.form.light(corner, sun) for shape in even.values()]
        light = table.take(self.shapes)
        for label, (shape, window) in enumerate(zip(shapes, self._windows, strict=True)):
            if label in even or not window:
                continue
            rows = (self.shapes[window.slices] == label).any(axis=1).nonzero()[0]  # in which it was not painted over
            if len(rows):
                seen = window._replace(top=window.top + int(rows[0]), bottom=window.top + int(rows[-1]) + 1)
                where = self.shapes[seen.slices] == label
                np.copyto(light[seen.slices], shape.form.light(seen, sun), where=where)
        return light

    def _fill(self, shape: Shape) -> None:
        contours, window = self._locate((shape.outline, *shape.more))
        if window:
            for contour in contours:  # one by one: overlapping contours would cut holes into each other
                cv2.fillPoly(self.shapes, [contour], (len(self._windows),), cv2.LINE_8, _BITS)
                for buffer in self._covered:
                    cv2.fillPoly(buffer, [contour], (0,), cv2.LINE_8, _BITS)
            if shape.strokes:
                self._cover(self.strokes)
                lines, _ = self._locate(shape.strokes)
                cv2.polylines(self.strokes, lines, False, (255,), 1, cv2.LINE_8, _BITS)
        self._windows.append(window)

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
        if not any(buffer is covered for covered in self._covered):
            self._covered.append(buffer)

    def _locate(self, outlines: Sequence[Points]) -> tuple[Contours, Window | None]:
        """Fixed-point pixels of outlines, and the window that they may touch, None where it is out of the picture."""
        whole = outlines[0] if len(outlines) == 1 else np.concatenate(outlines)
        points = np.rint((whole * self.side - 0.5) * (1 << _BITS)).astype(np.int32)  # OpenCV's centres are integers
        left, top, width, height = cv2.boundingRect(points)
        right, bottom = min((left + width >> _BITS) + 2, self.side), min((top + height >> _BITS) + 2, self.side)
        left, top = max(left >> _BITS, 0), max(top >> _BITS, 0)
        ends = accumulate(map(len, outlines))
        contours = [points[end - len(outline) : end] for outline, end in zip(outlines, ends, strict=True)]
        return contours, Window(top, bottom, left, right, self.side) if bottom > top and right > left else None
