"""Random numbers and fractal noise as functions of a key. Free of torch, so that rendering processes start at once."""

from hashlib import blake2b
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Key = tuple[str | int, ...]
Draw = np.random.Generator

VERSION = 2  # of the world: raise it when the same seed would give another picture


def generator(*key: str | int) -> Draw:
    """A generator that depends on its key alone: `generator(seed, "train-photo", index, "scene")`."""
    text = "\x1f".join(f"{type(part).__name__}:{part}" for part in (VERSION, *key))
    number = int.from_bytes(blake2b(text.encode(), digest_size=16).digest(), "big")
    return Draw(np.random.Philox(key=number))


def fractal_noise(
    key: Key, size: int, cells: tuple[int, int], octaves: int = 5, gain: float = 0.5
) -> NDArray[np.float32]:
    """Fractal value noise (Perlin's fBm with cubic interpolation): `(size, size)`, roughly in [-1, 1], mean 0.

    Each octave adds a lattice of random values, and a finer picture only adds octaves: cells smaller than a pixel are
    averaged, as averaging a finer picture would do, and vanish where they are smaller still.

    Args:
        cells: lattice cells across the unit square in the first octave, as (rows, columns).
        octaves: how often the cells are halved, at most.
        gain: amplitude of an octave relative to the one before.
    """
    draw = generator(*key, "octaves")  # one after the other: a finer picture only reads on
    total: NDArray[Any] = np.zeros((1, 1), np.float32)
    for octave in range(octaves):
        height, width = (max(2, side << octave) for side in cells)
        if min(height, width) > 2 * size:
            break
        lattice = draw.random((height, width), dtype=np.float32) * 2 - 1
        coarser = cv2.resize(total, (width, height), interpolation=cv2.INTER_CUBIC)
        total = coarser + lattice * np.float32(gain**octave)
    rows, columns = total.shape
    if max(rows, columns) > size:
        total = cv2.resize(total, (min(columns, size), min(rows, size)), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(total, (size, size), interpolation=cv2.INTER_CUBIC), np.float32)


def ridge_line(key: Key, samples: int, cells: int, octaves: int, gain: float) -> NDArray[np.float32]:
    """One-dimensional fractal value noise, `(samples,)` over [0, 1], roughly in [-1, 1]."""
    draw = generator(*key, "octaves")
    total = np.zeros((1, samples), np.float32)
    for octave in range(octaves):
        lattice = (draw.random((1, cells << octave), dtype=np.float32) * 2 - 1) * gain**octave
        total += cv2.resize(lattice, (samples, 1), interpolation=cv2.INTER_CUBIC)
    return total[0]
