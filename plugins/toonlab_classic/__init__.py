"""Non-learned baselines: the unmodified photo, and effects of smoothing, colour quantisation and edge overlay."""

from collections.abc import Mapping

import toonlab

from .classic import Classic
from .drawing import CannyInk, Dots, Identity, MeanShift, Superpixel


@toonlab.hookimpl
def register_generators() -> Mapping[str, toonlab.GeneratorFactory]:
    return {
        **{"identity": Identity, "canny": CannyInk, "dots": Dots},
        **{"classic": Classic, "mean_shift": MeanShift, "superpixel": Superpixel},
    }
