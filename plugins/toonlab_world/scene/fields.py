"""Light on what fills much of a picture: ground, sky, water, walls by a lamp."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from .forms import Direction, Window
from .noise import Key, fractal_noise

COARSE = 128  # pixels are enough for noise of a few cells


@dataclass(frozen=True, slots=True)
class Ground:
    """Rolling ground: light wanders with low-frequency noise, and along the slopes of the ridge above.

    `slope` is the ridge's steepness along the unit interval, scaled to about [-1, 1]; it is felt down the hillside,
    drifting sideways by `skew` per unit, which draws the faces of a mountain.
    """

    key: Key
    ridge: NDArray[np.float32]
    slope: NDArray[np.float32]
    cells: int
    rolling: float
    facets: float
    skew: float
    base: float = 0.62

    def light(self, window: Window, sun: Direction) -> NDArray[np.float32]:
        coarse = fractal_noise(self.key, COARSE, (self.cells + 1, self.cells), octaves=2)
        whole = cv2.resize(coarse, (window.size, window.size), interpolation=cv2.INTER_LINEAR)
        noise = np.asarray(whole, np.float32)[window.slices]
        light = self.base + self.rolling * noise
        if self.facets:
            samples = len(self.ridge)
            columns = np.clip((window.x * samples).astype(np.int32), 0, samples - 1)
            source = window.x + self.skew * (window.y - self.ridge[columns]) + 0.04 * noise
            slope = self.slope[np.clip(source * samples, 0, samples - 1).astype(np.int32)]
            light += self.facets * slope * (1 if sun[0] > 0 else -1)
        return np.clip(light, 0, 1)


@dataclass(frozen=True, slots=True)
class Sky:
    """Light spreads from the sun, in rings, and from the horizon up."""

    x: float
    y: float
    horizon: float

    def light(self, window: Window, sun: Direction) -> NDArray[np.float32]:
        light = (window.x - self.x) ** 2 + (window.y - self.y) ** 2
        np.sqrt(light, out=light)
        light *= np.float32(-0.85)
        light += np.float32(0.95) + np.float32(0.25) * np.clip(window.y / np.float32(self.horizon), 0, 1)
        return np.clip(light, 0, 1, out=light)


@dataclass(frozen=True, slots=True)
class Pool:
    """A pool of light around a lamp or before a window, on a surface that is lit by `low` to `high`."""

    x: float
    y: float
    rx: float
    ry: float
    low: float = 0.35
    high: float = 0.95

    def light(self, window: Window, sun: Direction) -> NDArray[np.float32]:
        u, v = (window.x - np.float32(self.x)) / self.rx, (window.y - np.float32(self.y)) / self.ry
        return np.asarray(self.low + (self.high - self.low) / (1 + u * u + v * v), np.float32)


@dataclass(frozen=True, slots=True)
class Water:
    """Level water under the sky: bright and dark streaks that lie flat and grow towards the viewer.

    `top` is the far shore; a wave is as high as its distance below the horizon, as in perspective.
    """

    key: Key
    top: float
    base: float = 0.5
    waves: float = 0.4

    def light(self, window: Window, sun: Direction) -> NDArray[np.float32]:
        noise = fractal_noise(self.key, COARSE * 2, (24, 5), octaves=2, gain=0.7)
        along = np.clip((window.y - self.top) / np.float32(1.05 - self.top), 0, 1)
        rows = np.sqrt(along)[:, 0] * (noise.shape[0] - 1)
        stretched = cv2.resize(noise, (window.size, noise.shape[0]), interpolation=cv2.INTER_LINEAR)
        streaks = stretched[rows.astype(np.int32), window.left : window.right]
        return np.clip(self.base + self.waves * streaks, 0, 1)
