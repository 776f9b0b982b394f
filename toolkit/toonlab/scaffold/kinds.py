"""What differs from kind to kind in the distributions that `toonlab new` writes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Starter:
    """What `toonlab new KIND` starts with: files of `examples/`, named `module`, and what the README says of it.

    Args:
        kind: the key in `toonlab.registry.protocols.KINDS`.
        module: of the files in `examples/`.
        see: a command by which one sees what the part does, and what it shows.
    """

    kind: str
    module: str
    see: tuple[str, str]


_INSPECT = "what the critic sees of a picture of yours"
STARTERS: Mapping[str, Starter] = {
    "sampler": Starter(
        "samplers",
        "sampler",
        (
            "toonlab inspect PICTURE --sampler example patch_size=64 k=4",
            "where it looks in a picture of yours, and why (`patch_size`: at most the picture's shorter side)",
        ),
    ),
    "representation": Starter(
        "representations", "representation", ("toonlab inspect PICTURE --representation example", _INSPECT)
    ),
    "discriminator": Starter(
        "discriminators", "discriminator", ("toonlab train example.yaml --at tiny", "one training, a minute or so")
    ),
    "generator": Starter(
        "generators", "generator", ("toonlab train example.yaml --at tiny", "one training, a minute or so")
    ),
    "objective": Starter(
        "objectives", "objective", ("toonlab train example.yaml --at tiny", "one training, a minute or so")
    ),
    "discriminator-loss": Starter(
        "discriminator_losses",
        "discriminator_loss",
        ("toonlab train example.yaml --at tiny", "one training; its progress shows the loss"),
    ),
    "generator-loss": Starter(
        "generator_losses",
        "generator_loss",
        ("toonlab train example.yaml --at tiny", "one training; its progress shows the loss"),
    ),
    "features": Starter(
        "features",
        "features",
        ("toonlab train example.yaml --at tiny features=example", "one training (`tiny` has features of its own)"),
    ),
    "dataset": Starter(
        "datasets",
        "dataset",
        ("toonlab train example.yaml --at tiny data=example", "one training (`tiny` has data of its own)"),
    ),
    "metric": Starter("metrics", "metric", ("toonlab train example.yaml --at tiny", "one training, and its table")),
    "observer": Starter(
        "observers", "observer", ("toonlab train example.yaml --at tiny", "one training, with it listening")
    ),
}
