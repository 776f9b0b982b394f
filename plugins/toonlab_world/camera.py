"""What the camera makes of the light: defocus, vignetting, exposure, gamma, and the noise of its sensor."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from .keys import Key, generator
from .pixels import GAMMA, Image, Plane, blend, soften


def defocus(image: Image, depth: Plane, focus: float, blur: float) -> Image:
    """Blur what is far from the depth of focus; the rest gets the slight softness of a lens."""
    out = np.clip(np.abs(depth - focus) * 1.8 - 0.35, 0, 1) * blur
    return blend(soften(image, 0.0014), soften(image, 0.003 + 0.006 * blur), soften(out, 0.006))


def vignette(image: Image, strength: float = 0.16) -> Image:
    """Darken towards the corners."""
    at = np.linspace(-1, 1, image.shape[0], dtype=np.float32) ** 2
    return image * (1 - strength * (at[:, None] + at[None]))[..., None]


def develop(image: Image, key: Key, sensor_noise: bool) -> NDArray[np.uint8]:
    """Linear light to sRGB uint8: a soft shoulder, gamma, and a sensor whose noise differs from photo to photo."""
    exposed = 1.1 * (1 - cv2.exp(image.astype(np.float32) * -1.25))
    picture = cv2.pow(np.maximum(exposed, 0), 1 / GAMMA)
    if sensor_noise:
        draw = generator(*key, "sensor", image.shape[0])
        picture = picture + draw.standard_normal(image.shape, dtype=np.float32) * draw.uniform(0.008, 0.022)
    return np.rint(np.clip(picture, 0, 1) * 255).astype(np.uint8)
