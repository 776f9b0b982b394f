"""Landscapes: ground behind ground, and what stands on it; lakes and seas, which mirror their far shore."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from toonlab_world.scene.curves import stand
from toonlab_world.scene.fields import Water
from toonlab_world.scene.noise import Draw, Key
from toonlab_world.scene.objects.buildings import house
from toonlab_world.scene.objects.figures import person
from toonlab_world.scene.objects.nature import bush, conifer, flowers, poplar, stone, tree, tuft
from toonlab_world.scene.objects.props import ball, bench, fence, lamp, post
from toonlab_world.scene.objects.vehicles import boat
from toonlab_world.scene.palette import Setting, hsv, mix
from toonlab_world.scene.scene import Layer, Place, Scene, Shape, Surface, Texture, Thing, level

from .terrain import Ridge, hill, mountains, path, sky

BUILDERS: dict[str, Callable[[Draw, Setting, Place], Thing]] = {
    build.__name__: build
    for build in (tree, poplar, conifer, bush, stone, tuft, flowers, house, fence, ball, lamp, post, bench, person)
}
THEMES: dict[str, dict[str, float]] = {  # how often each thing stands in a landscape
    "village": {
        "house": 6, "tree": 4, "poplar": 2, "bush": 3, "fence": 2, "flowers": 1, "tuft": 2, "person": 3, "lamp": 1,
    },
    "woods": {"conifer": 5, "tree": 5, "bush": 3, "stone": 2, "tuft": 3, "flowers": 1, "person": 1, "post": 0.7},
    "meadow": {"tree": 2, "bush": 3, "flowers": 4, "tuft": 5, "stone": 2, "house": 1, "fence": 1, "person": 1.5},
    "park": {"ball": 2, "tree": 3, "poplar": 3, "bush": 3, "flowers": 2, "bench": 2, "person": 4, "lamp": 2, "post": 1},
    "rocks": {"stone": 6, "conifer": 3, "bush": 1, "tuft": 2, "ball": 1, "person": 0.7},
}  # fmt: skip
SMALL = {"tuft", "flowers", "bench", "post"}  # not seen from afar
NEAR = 0.1  # depth of the ground that reaches to the viewer's feet


def landscape(draw: Draw, setting: Setting, key: Key) -> Scene:
    """The scene of a key."""
    horizon = setting.horizon
    above = sky(draw, setting.air, horizon)
    nearness = np.linspace(0, 1, int(draw.integers(2, 6)))  # of each stretch of ground
    bases = horizon + draw.uniform(0.06, 0.3) * nearness**1.4 + draw.uniform(-0.02, 0.02, len(nearness))
    layers = [
        ground_layer(draw, setting, (*key, "layer", index), float(0.95 - 0.9 * near), float(base))
        for index, (near, base) in enumerate(zip(nearness, bases, strict=True))
    ]
    focus, blur = draw.uniform(0.1, 0.6), draw.uniform(0.2, 1.0)
    spot = (draw.uniform(0.3, 0.7), horizon + draw.uniform(0.0, 0.25))
    return Scene(key, setting.air, horizon, above, layers, focus, blur, spot=spot)


def waterside(draw: Draw, setting: Setting, key: Key) -> Scene:
    """The scene of a key: the far shore, water that mirrors it, boats, and the shore where the viewer stands."""
    setting = replace(setting, scale=setting.scale * 0.8)
    horizon = setting.horizon
    line = horizon + draw.uniform(0.012, 0.06)
    layers = []
    if draw.uniform() < 0.6:
        layers.append(Layer([mountains(draw, setting.season, (*key, "range"), horizon + 0.02, 0.95)]))
    if draw.uniform() < 0.75:
        depth, base = draw.uniform(0.55, 0.85), line - draw.uniform(0.005, 0.03)
        layers.append(ground_layer(draw, setting, (*key, "far"), depth, base))
    layers.append(_water(draw, setting, (*key, "water"), line))
    layers.append(ground_layer(draw, setting, (*key, "near"), 0.05, draw.uniform(0.76, 1.0)))
    spot = (draw.uniform(0.3, 0.7), line + draw.uniform(0.05, 0.3))
    above = sky(draw, setting.air, horizon)
    focus, blur = draw.uniform(0.1, 0.6), draw.uniform(0.2, 1.0)
    return Scene(key, setting.air, horizon, above, layers, focus, blur, waterline=line, spot=spot)


def _water(draw: Draw, setting: Setting, key: Key, line: float) -> Layer:
    """Level water from the far shore to the viewer, with boats on it."""
    corners = np.array([[-0.1, line], [1.1, line], [1.1, 1.1], [-0.1, 1.1]], np.float32)
    blue = mix(hsv(draw.uniform(0.46, 0.6), draw.uniform(0.4, 0.65), draw.uniform(0.4, 0.6)), setting.air.zenith, 0.35)
    surface = Surface(blue, Texture(blotch=0.1, material="water"), mirror=draw.uniform(0.4, 0.8))
    water = Shape(
        corners,
        surface,
        Water(key, line, waves=draw.uniform(0.25, 0.5)),
        depth=0.35,
        line=0.7,
        frame=level(line - 0.01, 2.5),
    )
    boats = []
    for y in sorted(line + 0.3 * draw.uniform(0.02, 1, int(draw.integers(0, 4))) ** 1.3):
        size = setting.scale * (0.1 + 0.9 * (y - setting.horizon))
        place = Place(draw.uniform(0.08, 0.92), float(y), size, 0.5 - 0.8 * (float(y) - line))
        boats.append(boat(draw, setting, place))
    return stand(boats, setting.air.sun, [water])


def ground_layer(draw: Draw, setting: Setting, key: Key, depth: float, base: float) -> Layer:
    """A stretch of ground below a ridge at about `base`, with what stands on it."""
    if depth > 0.9 and draw.uniform() < 0.55:
        return Layer([mountains(draw, setting.season, key, base, depth)])
    ridge, ground = hill(draw, setting.season, key, base, depth)
    shapes = [ground]
    if depth < NEAR and draw.uniform() < 0.45:
        shapes.append(path(draw, ridge, setting.horizon, ground))
    return stand(_things(draw, setting, ridge, depth), setting.air.sun, shapes)


def _things(draw: Draw, setting: Setting, ridge: Ridge, depth: float) -> list[Thing]:
    """What stands on a stretch of ground."""
    near = depth < NEAR
    often = {**setting.theme, "flowers": setting.theme.get("flowers", 0) * setting.season.flowers}
    names = [name for name in often if near or name not in SMALL]
    weights = np.array([often[name] for name in names])
    count = int(draw.integers(6, 16)) if near else int(draw.integers(2, 9))
    chosen = draw.choice(names, size=count, p=weights / weights.sum())
    return [BUILDERS[str(name)](draw, setting, _place(draw, setting, ridge, depth, near)) for name in chosen]


def _place(draw: Draw, setting: Setting, ridge: Ridge, depth: float, near: bool) -> Place:
    """Somewhere on the ground; things grow with their distance below the horizon, as in perspective."""
    x = draw.uniform(-0.02, 1.02)
    top = ridge.at(x)
    y = top + ((1.04 - top) * draw.uniform(0.03, 1) ** 1.3 if near else draw.uniform(0.004, 0.05))
    return Place(x, y, setting.scale * (0.07 + 0.75 * max(0.0, y - setting.horizon)), depth)
