"""Non-learned baselines: the unmodified photo, and effects of smoothing, colour quantisation and edge overlay."""

from __future__ import annotations

from collections.abc import Mapping

from toonlab import GeneratorFactory, hookimpl

from .classic import Classic
from .drawing import Identity, MeanShift, Superpixel


@hookimpl
def register_generators() -> Mapping[str, GeneratorFactory]:
    return {"identity": Identity, "classic": Classic, "mean_shift": MeanShift, "superpixel": Superpixel}
