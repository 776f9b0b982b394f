"""What a camera makes of a hard photo: depth of field, contrast, sharpening, noise, and compression."""

import cv2
import numpy as np
from numpy.typing import NDArray

from toonlab_world.scene.noise import Key, generator
from toonlab_world.scene.scene import Scene

from .effects import GAUSSIAN, vignette
from .pixels import GAMMA, Image, Plane, as_bytes, blend, soften


def focused(image: Image, depth: Plane, scene: Scene) -> Image:
    """A sharp lens: what is far from the depth of focus becomes discs of light."""
    radius = 0.011 * scene.blur * image.shape[0]
    out = np.clip(np.abs(depth - scene.focus) * 1.8 - 0.35, 0, 1) * scene.blur
    if radius < 1 or not out.any():
        return image
    side = 2 * int(np.ceil(radius)) + 1
    at = np.arange(side, dtype=np.float32) - side // 2
    disc = np.clip(np.float32(radius + 0.5) - np.hypot(at[None], at[:, None]), 0, 1)
    return blend(image, cv2.filter2D(image, -1, disc / disc.sum(), borderType=cv2.BORDER_REFLECT), soften(out, 0.004))


def exposed(image: Image, difficulty: float) -> Image:
    """Linear light to sRGB, float32 in [0, 1], with a film's contrast and sharpened."""
    picture = cv2.pow(np.clip(1.1 - 1.1 * cv2.exp(image * np.float32(-1.25)), 0, 1), 1 / GAMMA)
    steep = picture * picture * (3 - 2 * picture)
    picture = cv2.addWeighted(picture, 1 - 0.4 * difficulty, steep, 0.4 * difficulty, 0)
    soft = cv2.GaussianBlur(picture, (0, 0), 1.0)
    return np.clip(cv2.addWeighted(picture, 1 + 0.5 * difficulty, soft, -0.5 * difficulty, 0), 0, 1)


def noisy(picture: Image, key: Key, difficulty: float) -> Image:
    """Noise as a raw sensor has it: of photons and of reading, more in the dark; colours are smoothed."""
    draw = generator(*key, "raw", picture.shape[0])
    noise = cv2.LUT(np.frombuffer(draw.bytes(picture.size), np.uint8).reshape(picture.shape), GAUSSIAN)
    luma = noise[..., 1]
    noise = cv2.GaussianBlur(noise, (0, 0), 0.8) + cv2.merge([luma, luma, luma]) * np.float32(0.8)
    gain = np.float32(difficulty * draw.uniform(0.004, 0.015))
    return picture + noise * gain * (np.float32(1.4) - picture)


def compressed(picture: NDArray[np.uint8], key: Key, difficulty: float) -> NDArray[np.uint8]:
    """As a JPEG file with half the colours' resolution, of a quality from 95 down to 60 at difficulty 1."""
    quality = round(95 - 35 * min(difficulty, 2) * generator(*key, "jpeg").uniform(0.2, 1.0))
    options = (cv2.IMWRITE_JPEG_QUALITY, quality)
    data = cv2.imencode(".jpg", np.ascontiguousarray(picture[..., ::-1]), options)[1]
    return np.ascontiguousarray(np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)[..., ::-1])


def shoot(image: Image, depth: Plane, scene: Scene, difficulty: float, sensor_noise: bool = True) -> NDArray[np.uint8]:
    """From linear light to a file's sRGB uint8, `(size, size, 3)`."""
    picture = exposed(vignette(focused(image, depth, scene)), difficulty)
    if not sensor_noise:
        return as_bytes(picture * np.float32(255))
    taken = as_bytes(np.maximum(noisy(picture, scene.key, difficulty), 0) * np.float32(255))
    return compressed(taken, scene.key, difficulty)
