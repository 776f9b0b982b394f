"""Random numbers of a view: drawn on the CPU from the context's generator, then moved."""

from __future__ import annotations

import torch

from toonlab import PartError, Views


def generator_of(views: Views, name: str) -> torch.Generator:
    """The generator that the part called `name` may draw from; raises `PartError` where the views carry no context."""
    if views.context is None:
        raise PartError(f"{name}: draws random numbers, but these views have no context to take a generator from")
    return views.context.rng
