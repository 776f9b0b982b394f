"""From a scene to pixels: which shape is where, and how the light falls on it. Both renderings start from this."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from .forms import Window
from .scene import Layer, Points, Scene, Shape

SUPERSAMPLING = 2
SHADED = 0.3  # light that is left in a cast shadow
_BITS = 8  # of subpixel precision in OpenCV's polygons


@dataclass(frozen=True, slots=True)
class Raster:
    """What is seen at each pixel, supersampled: `(s, s)` with s = `SUPERSAMPLING` times the picture's side.

    `shapes` indexes `scene.shapes`; `light` is in [0, 1], of the forms alone; `shadow` and `clouds` are 0 or 255
    (clouds also where the ground hides them).
    """

    scene: Scene
    size: int
    shapes: NDArray[np.uint16]
    light: NDArray[np.float32]
    shadow: NDArray[np.uint8]
    clouds: NDArray[np.uint8]


def rasterise(scene: Scene, size: int) -> Raster:
    """Paint a scene from back to front for a picture of `size` pixels a side."""
    canvas = Canvas(size * SUPERSAMPLING)
    canvas.paint_layer(scene.sky, scene)
    clouds = (canvas.shapes >= len(scene.sky.ground)).astype(np.uint8) * 255
    for layer in scene.layers:
        canvas.paint_layer(layer, scene)
    return Raster(scene, size, canvas.shapes, canvas.light, canvas.shadow, clouds)


class Canvas:
    """The buffers that painting fills in."""

    def __init__(self, side: int) -> None:
        self.side = side
        self.shapes = np.zeros((side, side), np.uint16)
        self.light = np.zeros((side, side), np.float32)
        self.shadow = np.zeros((side, side), np.uint8)
        self.count = 0

    def paint_layer(self, layer: Layer, scene: Scene) -> None:
        first = self.count
        for shape in layer.ground:
            self.paint(shape, scene)
        for outline in layer.shadows:
            self.cast(outline, first)
        for shape in layer.objects:
            self.paint(shape, scene)

    def paint(self, shape: Shape, scene: Scene) -> None:
        label, self.count = self.count, self.count + 1
        if (window := self.window(shape.outline)) is None:
            return
        points = self.pixels(shape.outline)
        cv2.fillPoly(self.shapes, [points], (label,), cv2.LINE_8, _BITS)
        cv2.fillPoly(self.shadow, [points], (0,), cv2.LINE_8, _BITS)
        light = shape.form.light(window, scene.air.sun)
        np.copyto(self.light[window.slices], light, where=self.shapes[window.slices] == label)

    def cast(self, outline: Points, ground: int) -> None:
        """A shadow falls on what was painted of this layer's ground, not on what lies behind its ridge."""
        if (window := self.window(outline)) is None:
            return
        shadow = self.shadow[window.slices]
        fallen = np.zeros_like(shadow)
        points = self.pixels(outline) - (np.array([window.left, window.top], np.int32) << _BITS)
        cv2.fillPoly(fallen, [points], (255,), cv2.LINE_8, _BITS)
        np.copyto(shadow, fallen, where=(fallen > 0) & (self.shapes[window.slices] >= ground))

    def pixels(self, outline: Points) -> NDArray[np.int32]:
        """Fixed-point pixel coordinates; OpenCV's pixel centres are at integers."""
        return np.rint((outline * self.side - 0.5) * (1 << _BITS)).astype(np.int32)

    def window(self, outline: Points) -> Window | None:
        """The pixels that an outline may touch, or None where it is outside of the picture."""
        left, top = np.floor(outline.min(axis=0) * self.side).astype(int) - 1
        right, bottom = np.ceil(outline.max(axis=0) * self.side).astype(int) + 1
        top, left = max(int(top), 0), max(int(left), 0)
        bottom, right = min(int(bottom), self.side), min(int(right), self.side)
        return Window(top, bottom, left, right, self.side) if bottom > top and right > left else None
