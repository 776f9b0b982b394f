"""What the camera makes of the light: defocus, vignetting, exposure, gamma, and the noise of its sensor."""

from __future__ import annotations

from statistics import NormalDist

import cv2
import numpy as np
from numpy.typing import NDArray

from toonlab_world.scene.keys import Key, generator

from .pixels import GAMMA, Image, Plane, as_bytes, blend, soften

_NORMAL = np.array([NormalDist().inv_cdf((level + 0.5) / 256) for level in range(256)], np.float32)


def defocus(image: Image, depth: Plane, focus: float, blur: float) -> Image:
    """Blur what is far from the depth of focus; the rest gets the slight softness of a lens."""
    out = np.clip(np.abs(depth - focus) * 1.8 - 0.35, 0, 1) * blur
    sharp = soften(image, 0.0014)
    return blend(sharp, soften(image, 0.003 + 0.006 * blur), soften(out, 0.006)) if out.any() else sharp


def vignette(image: Image, strength: float = 0.16) -> Image:
    """Darken towards the corners."""
    at = np.linspace(-1, 1, image.shape[0], dtype=np.float32) ** 2
    plane = 1 - np.float32(strength) * (at[:, None] + at[None])
    return cv2.multiply(image, cv2.merge([plane, plane, plane]))


def develop(image: Image, key: Key, sensor_noise: bool) -> NDArray[np.uint8]:
    """Linear light to sRGB uint8: a soft shoulder, gamma, and a sensor whose noise differs from photo to photo."""
    exposed = np.maximum(1.1 - 1.1 * cv2.exp(image * np.float32(-1.25)), 0)
    picture = cv2.pow(exposed, 1 / GAMMA)
    if sensor_noise:
        draw = generator(*key, "sensor", image.shape[0])
        noise = np.frombuffer(draw.bytes(image.size), np.uint8).reshape(image.shape)
        picture += cv2.LUT(noise, _NORMAL * np.float32(draw.uniform(0.008, 0.022)))
    return as_bytes(np.maximum(picture, 0) * np.float32(255))
