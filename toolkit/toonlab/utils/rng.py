"""Random numbers as functions of a key, not of a history.

`rng(seed, "view", critic, step)` gives the same draws regardless of all else in a run. Two recipes that differ in one
part share all other draws, and a resumed run needs to know only its step.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def key_to_seed(seed: int, *key: str | int) -> int:
    """A 63-bit number for a key; equal on every platform."""
    text = "\x1f".join(f"{type(part).__name__}:{part}" for part in (seed, *key))
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big") >> 1


def rng(seed: int, *key: str | int) -> torch.Generator:
    """A CPU generator for a key, such as `rng(seed, "data", epoch, index)`."""
    import torch

    return torch.Generator().manual_seed(key_to_seed(seed, *key))


@contextmanager
def seeded(seed: int, *key: str | int, cuda: bool = False) -> Iterator[None]:
    """Seed torch's global CPU generator by the key within the block, for modules that draw from no other.

    With `cuda` those of GPUs, too, which are not set back.
    """
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(key_to_seed(seed, *key))
        if cuda:
            torch.cuda.manual_seed_all(key_to_seed(seed, *key))
        yield
