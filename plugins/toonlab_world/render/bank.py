"""The tiles of all materials and their coarser versions in one picture, built once per process from keyed noise."""

from functools import cache
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from toonlab_world.scene.noise import generator

from .tiles import MATERIALS, TILE

LEVELS = 7  # a tile, and versions of half its size each
STEP = 1 / 64  # of a channel's byte: brightness goes from -2 to 2
COUNTS = np.array([1, *(len(tiles) for _, tiles in MATERIALS.values())])
FIRST = np.cumsum([0, *COUNTS[:-1]])  # tile of each material
NUMBERS: dict[str, int] = {name: number for number, name in enumerate(MATERIALS, 1)}  # 0: without a material
PERIODS = np.array([1, *(period for period, _ in MATERIALS.values())], np.float32)


class Atlas(NamedTuple):
    """All tiles below each other, their levels side by side, with a margin of one texel that repeats the other side."""

    texels: NDArray[np.uint8]  # (h, w, 4): brightness, warmth, slope of the height to the right and down; 128 is 0
    left: NDArray[np.float32]  # of each level


@cache
def atlas() -> Atlas:
    sides = [TILE >> level for level in range(LEVELS)]
    left = np.cumsum([0, *(side + 2 for side in sides)])
    texels = np.full((COUNTS.sum() * (TILE + 2), left[-1], 4), 128, np.uint8)
    for name, (_, tiles) in MATERIALS.items():
        for number, make in enumerate(tiles):
            bright, warm, height = cv2.split(make(generator("material", name, number)))
            right, below = (np.roll(height, -1, axis) - np.roll(height, 1, axis) for axis in (1, 0))
            tile = np.stack([bright - bright.mean(), warm - warm.mean(), right, below], axis=2)
            top = (FIRST[NUMBERS[name]] + number) * (TILE + 2)
            for side, x in zip(sides, left[:-1], strict=True):
                coarse = 128 + cv2.resize(tile, (side, side), interpolation=cv2.INTER_AREA) / STEP
                padded = np.pad(np.rint(np.clip(coarse, 0, 255)), ((1, 1), (1, 1), (0, 0)), mode="wrap")
                texels[top : top + side + 2, x : x + side + 2] = padded
    return Atlas(texels, left[:-1].astype(np.float32))
