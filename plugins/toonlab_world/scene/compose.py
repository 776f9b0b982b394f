"""Composing a scene: from a key to a kind of place, a season, an hour, and all that is there."""

from collections.abc import Callable, Mapping
from typing import Literal

from .noise import Draw, Key, generator
from .palette import SEASONS, Setting, draw_air
from .places.interior import interior
from .places.landscape import THEMES, landscape, waterside
from .places.street import street
from .scene import Scene

Kind = Literal["landscape", "waterside", "street", "interior"]
KINDS: Mapping[Kind, tuple[float, Callable[[Draw, Setting, Key], Scene]]] = {  # how often each comes up (a probability)
    "landscape": (0.32, landscape),
    "waterside": (0.18, waterside),
    "street": (0.3, street),
    "interior": (0.2, interior),
}


def compose(key: Key, kind: Kind | None = None) -> Scene:
    """The scene of a key: always the same, and another for every other key; of one kind or of any."""
    draw = generator(*key, "scene")
    drawn = list(KINDS)[int(draw.choice(len(KINDS), p=[often for often, _ in KINDS.values()]))]
    horizon = draw.uniform(0.32, 0.62)
    season = SEASONS[str(draw.choice(list(SEASONS)))]
    theme = THEMES[str(draw.choice(list(THEMES)))]
    setting = Setting(season, draw_air(draw, horizon), theme, horizon, scale=0.7 * 3 ** draw.uniform())
    _, composer = KINDS[kind or drawn]
    return composer(draw, setting, key)
