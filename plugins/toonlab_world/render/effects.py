"""What a photo adds to light and colour: a sky with clouds, textures that the sun embosses, and a camera."""

from statistics import NormalDist

import cv2
import numpy as np
from numpy.typing import NDArray

from toonlab_world.scene.noise import Key, fractal_noise, generator
from toonlab_world.scene.scene import Scene

from .pixels import GAMMA, Image, Plane, as_bytes, blend, linear, shrink, soften, tint, unit
from .raster import Raster

NOISES: dict[str, tuple[tuple[int, int], int, float]] = {  # cells, octaves, gain
    "grain": ((60, 60), 3, 0.9),
    "blotch": ((7, 6), 5, 0.6),
    "streak": ((36, 130), 2, 0.8),
    "leaf": ((36, 36), 4, 0.85),
}
STEP = 0.007  # from a point of a height field to the one that it is compared with, in picture sides
GAUSSIAN = np.array([NormalDist().inv_cdf((level + 0.5) / 256) for level in range(256)], np.float32)


def sky_image(raster: Raster) -> Image:
    """`(size, size, 3)` in linear light, over the whole picture."""
    image = _gradient(raster)
    if len(raster.scene.sky.ground) > 1:
        disc = soften(unit(shrink((raster.shapes == 1).astype(np.uint8) * 255, raster.size)), 0.004)
        image = blend(image, linear(raster.scene.sky.ground[1].surface.color) * 5, disc)
    return _with_clouds(raster, image) if raster.scene.sky.objects else image


def _gradient(raster: Raster) -> Image:
    air = raster.scene.air
    at = (np.arange(raster.size, dtype=np.float32) + np.float32(0.5)) / raster.size
    low = np.clip(at / np.float32(raster.scene.horizon), 0, 1)[:, None] ** np.float32(1.3)
    across, down = (at - np.float32(air.sun_at[0])) ** 2, (at - np.float32(air.sun_at[1])) ** 2
    glow = sum(  # a Gaussian is a product of one along each side
        strength * np.exp(down * -narrow)[:, None] * np.exp(across * -narrow)
        for strength, narrow in ((np.float32(0.3), np.float32(14)), (np.float32(0.5), np.float32(90)))
    ) * np.float32(0.3 if air.night else 1.0)
    channels = zip(linear(air.zenith), linear(air.horizon), linear(air.sunlight), strict=True)
    return cv2.merge([glow * sun + (zenith * (1 - low) + horizon * low) for zenith, horizon, sun in channels])


def _with_clouds(raster: Raster, sky: Image) -> Image:
    scene, size = raster.scene, raster.size
    heap = soften(unit(shrink(raster.clouds, size)), 0.015)
    wisps = fractal_noise((*scene.key, "cloud"), size, (9, 7), octaves=5, gain=0.6)
    cover = np.clip((heap + 0.5 * wisps * heap * (1.7 - heap) - 0.25) * 1.8, 0, 1)
    cover = cover * cover * (3 - 2 * cover)  # smoothstep
    light = np.clip(soften(shrink(raster.light, size), 0.015) + 0.12 * wisps, 0, 1)
    white, shade = linear(scene.sky.objects[0].surface.color) * 1.15, linear(scene.air.ambient) * 1.1
    return blend(sky, blend(shade.astype(np.float32), white.astype(np.float32), light), cover * 0.95)


def veiled(sky: Image, scene: Scene, strength: float) -> Image:
    """A sky with a veil of torn clouds, denser in some photos than in others."""
    torn = fractal_noise((*scene.key, "veil"), sky.shape[0], (8, 3), octaves=6, gain=0.68)
    share = np.clip(1.6 * torn + generator(*scene.key, "veil").uniform(-0.7, 0.5), 0, 1)
    white = linear(scene.air.horizon) * 0.6 + linear(scene.air.sunlight) * 0.5
    return blend(sky, tint(1 - 0.3 * share, white), 0.8 * strength * share)


def relief(amplitudes: NDArray[np.float32], scene: Scene, area: float = 1.0) -> Plane:
    """The textures of all surfaces, as logarithms of brightness, `(size, size)`.

    Each is a height field that is lit from the sun's side, by its difference to itself a small step further.
    `amplitudes` are those of grain, blotches, upright streaks and leaves, `(size, size, 4)` in [0, 1]; `area` is the
    share of the picture that has textures at all.
    """
    size = amplitudes.shape[0]
    shift = np.array([[1, 0, STEP * size * scene.air.sun[0]], [0, 1, STEP * size * scene.air.sun[1]]])
    total = np.zeros((size, size), np.float32)
    for amplitude, (name, (cells, octaves, gain)) in zip(cv2.split(amplitudes), NOISES.items(), strict=True):
        if amplitude.any():
            field = fractal_noise((*scene.key, name), size, cells, octaves, gain)
            moved = cv2.warpAffine(field, shift, field.shape, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
            total += amplitude * cv2.addWeighted(field, -0.2, moved, 0.6, 0)
    return total if area == 1 else total * where(scene, size, area)


def where(scene: Scene, size: int, area: float) -> Plane:
    """A few patches that together cover this share of the picture: 1 there, 0 elsewhere."""
    field = fractal_noise((*scene.key, "textured"), size, (4, 4), octaves=2)
    level = np.quantile(fractal_noise((*scene.key, "textured"), 64, (4, 4), octaves=2), 1 - area)
    return np.clip((field - np.float32(level)) * 12 + np.float32(0.5), 0, 1)


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
        picture += cv2.LUT(noise, GAUSSIAN * np.float32(draw.uniform(0.008, 0.022)))
    return as_bytes(np.maximum(picture, 0) * np.float32(255))
