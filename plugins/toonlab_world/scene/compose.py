"""Composing a scene: from a key to a kind of place, a season, an hour, and all that is there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, get_args

import numpy as np

from .keys import Key, generator
from .palette import SEASONS, draw_air
from .places.interior import interior
from .places.landscape import THEMES, landscape
from .places.street import street
from .places.waterside import waterside
from .scene import Scene
from .things import Setting

Kind = Literal["landscape", "waterside", "street", "interior"]
KINDS: tuple[Kind, ...] = get_args(Kind)
OFTEN = (0.32, 0.18, 0.3, 0.2)  # how often each kind comes up
COMPOSERS: dict[Kind, Callable[[np.random.Generator, Setting, Key], Scene]] = {
    "landscape": landscape,
    "waterside": waterside,
    "street": street,
    "interior": interior,
}


def compose(key: Key, kind: Kind | None = None) -> Scene:
    """The scene of a key: always the same, and another for every other key; of one kind or of any."""
    draw = generator(*key, "scene")
    drawn = KINDS[int(draw.choice(len(KINDS), p=OFTEN))]
    horizon = draw.uniform(0.32, 0.62)
    season = SEASONS[str(draw.choice(list(SEASONS)))]
    theme = THEMES[str(draw.choice(list(THEMES)))]
    setting = Setting(season, draw_air(draw, horizon), theme, horizon, scale=0.7 * 3 ** draw.uniform())
    return COMPOSERS[kind or drawn](draw, setting, key)
