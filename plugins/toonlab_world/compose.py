"""Composing a scene: from a key to a season, an hour, ground behind ground, and what stands on it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from . import buildings, nature, props
from .curves import shadow
from .keys import Key, generator
from .palette import SEASONS, draw_air
from .scene import Layer, Scene
from .terrain import Ridge, hill, mountains, path, sky
from .things import Place, Setting, Thing

BUILDERS: dict[str, Callable[[np.random.Generator, Setting, Place], Thing]] = {
    "tree": nature.tree,
    "poplar": nature.poplar,
    "conifer": nature.conifer,
    "bush": nature.bush,
    "stone": nature.stone,
    "tuft": nature.tuft,
    "flowers": nature.flowers,
    "house": buildings.house,
    "fence": props.fence,
    "ball": props.ball,
}
THEMES: dict[str, dict[str, float]] = {
    "village": {"house": 6, "tree": 4, "poplar": 2, "bush": 3, "fence": 2, "stone": 1, "flowers": 1, "tuft": 2},
    "woods": {"conifer": 5, "tree": 5, "bush": 3, "stone": 2, "tuft": 3, "flowers": 1},
    "meadow": {"tree": 2, "bush": 3, "flowers": 4, "tuft": 5, "stone": 2, "house": 1, "fence": 1},
    "park": {"ball": 4, "tree": 3, "poplar": 3, "bush": 3, "flowers": 2, "fence": 2, "tuft": 1, "house": 1},
    "rocks": {"stone": 6, "conifer": 3, "bush": 1, "tuft": 2, "ball": 1},
}
SMALL = {"tuft", "flowers"}  # not seen from afar
NEAR = 0.1  # depth of the ground that reaches to the viewer's feet


def compose(key: Key) -> Scene:
    """The scene of a key: always the same, and another for every other key."""
    draw = generator(*key, "scene")
    horizon = draw.uniform(0.32, 0.62)
    season = SEASONS[str(draw.choice(list(SEASONS)))]
    theme = THEMES[str(draw.choice(list(THEMES)))]
    setting = Setting(season, draw_air(draw, horizon), theme, horizon, scale=0.7 * 3 ** draw.uniform())
    above = sky(draw, setting.air, horizon)
    layers = [
        _layer(draw, setting, (*key, "layer", index), depth, base)
        for index, (depth, base) in enumerate(_distances(draw, horizon))
    ]
    return Scene(key, setting.air, horizon, above, layers, focus=draw.uniform(0.1, 0.6), blur=draw.uniform(0.2, 1.0))


def _distances(draw: np.random.Generator, horizon: float) -> list[tuple[float, float]]:
    """Depth and height of the ridge of each stretch of ground, from the farthest to the nearest."""
    count = int(draw.integers(2, 6))
    nearness = np.linspace(0, 1, count)
    bases = horizon + draw.uniform(0.06, 0.3) * nearness**1.4 + draw.uniform(-0.02, 0.02, count)
    return [(float(0.95 - 0.9 * near), float(base)) for near, base in zip(nearness, bases, strict=True)]


def _layer(draw: np.random.Generator, setting: Setting, key: Key, depth: float, base: float) -> Layer:
    if depth > 0.9 and draw.uniform() < 0.55:
        return Layer([mountains(draw, setting.season, key, base, depth)])
    ridge, ground = hill(draw, setting.season, key, base, depth)
    shapes = [ground]
    if depth < NEAR and draw.uniform() < 0.45:
        shapes.append(path(draw, ridge, setting.horizon, ground))
    things = _things(draw, setting, ridge, depth)
    shadows = [shadow(outline, thing.base, setting.air.sun) for thing in things for outline in thing.casting]
    return Layer(shapes, [shape for thing in things for shape in thing.shapes], shadows)


def _things(draw: np.random.Generator, setting: Setting, ridge: Ridge, depth: float) -> list[Thing]:
    """What stands on a stretch of ground, from back to front."""
    near = depth < NEAR
    often = {**setting.theme, "flowers": setting.theme.get("flowers", 0) * setting.season.flowers}
    names = [name for name in often if near or name not in SMALL]
    weights = np.array([often[name] for name in names])
    count = int(draw.integers(6, 16)) if near else int(draw.integers(2, 9))
    things = []
    for name in draw.choice(names, size=count, p=weights / weights.sum()):
        place = _place(draw, setting, ridge, depth, near)
        things.append(BUILDERS[str(name)](draw, setting, place))
    return sorted(things, key=lambda thing: thing.base)


def _place(draw: np.random.Generator, setting: Setting, ridge: Ridge, depth: float, near: bool) -> Place:
    """Somewhere on the ground; things grow with their distance below the horizon, as in perspective."""
    x = draw.uniform(-0.02, 1.02)
    top = ridge.at(x)
    y = top + ((1.04 - top) * draw.uniform(0.03, 1) ** 1.3 if near else draw.uniform(0.004, 0.05))
    return Place(x, y, setting.scale * (0.07 + 0.75 * max(0.0, y - setting.horizon)), depth)
