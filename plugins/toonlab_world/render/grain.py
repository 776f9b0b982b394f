"""The textures of the photo: noises that are embossed by the sun."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from toonlab_world.scene.noise import fractal_noise
from toonlab_world.scene.scene import Scene

from .pixels import Plane

NOISES: dict[str, tuple[tuple[int, int], int, float]] = {  # cells, octaves, gain
    "grain": ((60, 60), 3, 0.9),
    "blotch": ((7, 6), 5, 0.6),
    "streak": ((36, 130), 2, 0.8),
    "leaf": ((36, 36), 4, 0.85),
}
STEP = 0.007  # from a point of a height field to the one that it is compared with, in picture sides


def relief(amplitudes: NDArray[np.float32], scene: Scene, area: float = 1.0) -> Plane:
    """The textures of all surfaces, as logarithms of brightness, `(size, size)`.

    Args:
        amplitudes: of grain, blotches, upright streaks and leaves, `(size, size, 4)` in [0, 1].
        scene: whose noises these are, and whose sun embosses them.
        area: share of the picture that has textures at all.
    """
    size = amplitudes.shape[0]
    total = np.zeros((size, size), np.float32)
    for amplitude, (name, (cells, octaves, gain)) in zip(cv2.split(amplitudes), NOISES.items(), strict=True):
        if amplitude.any():
            total += amplitude * _embossed(fractal_noise((*scene.key, name), size, cells, octaves, gain), scene)
    return total if area == 1 else total * _where(scene, size, area)


def _embossed(field: Plane, scene: Scene) -> Plane:
    """Light a height field from the sun's side, by its difference to itself a small step further."""
    step = STEP * field.shape[0]
    shift = np.array([[1, 0, step * scene.air.sun[0]], [0, 1, step * scene.air.sun[1]]])
    shifted = cv2.warpAffine(field, shift, field.shape, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return cv2.addWeighted(field, -0.2, shifted, 0.6, 0)


def _where(scene: Scene, size: int, area: float) -> Plane:
    """A few patches that together cover this share of the picture: 1 there, 0 elsewhere."""
    field = fractal_noise((*scene.key, "textured"), size, (4, 4), octaves=2)
    level = np.quantile(fractal_noise((*scene.key, "textured"), 64, (4, 4), octaves=2), 1 - area)
    return np.clip((field - np.float32(level)) * 12 + np.float32(0.5), 0, 1)
