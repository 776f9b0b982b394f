"""Random numbers as functions of a key. Free of torch, so that rendering processes start at once."""

from __future__ import annotations

from hashlib import blake2b

import numpy as np

Key = tuple[str | int, ...]

VERSION = 2  # of the world: raise it when the same seed would give another picture


def generator(*key: str | int) -> np.random.Generator:
    """A generator that depends on its key alone: `generator(seed, "train-photo", index, "scene")`."""
    text = "\x1f".join(f"{type(part).__name__}:{part}" for part in (VERSION, *key))
    number = int.from_bytes(blake2b(text.encode(), digest_size=16).digest(), "big")
    return np.random.Generator(np.random.Philox(key=number))
