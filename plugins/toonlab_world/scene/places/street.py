"""Streets of a town: one that runs away from the viewer, or a row of houses across it."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np

from toonlab_world.scene.curves import stand
from toonlab_world.scene.noise import Draw, Key
from toonlab_world.scene.objects.buildings import TILES
from toonlab_world.scene.objects.facades import CONCRETE, draw_look, facade
from toonlab_world.scene.palette import Setting, hsv
from toonlab_world.scene.scene import Layer, Points, Scene, Shape, Surface
from toonlab_world.scene.space import Box, Camera, Face

from .roads import MARKING, about, along_kerb, dashes, floor, pavements, paving
from .terrain import hill, mountains, sky

STOREY = 3.1  # metres


def street(draw: Draw, setting: Setting, key: Key) -> Scene:
    """The scene of a key: houses, a road, pavements, and who and what is about."""
    along, air, horizon = draw.uniform() < 0.6, setting.air, setting.horizon
    vanishing = draw.uniform(0.3, 0.7) if along else 0.5
    camera = Camera(vanishing, horizon, draw.uniform(1.7, 3.6), draw.uniform(0.75, 1.1))
    if draw.uniform() < 0.4:
        far = mountains(draw, setting.season, key, horizon + 0.02, 0.95)
    else:
        _, far = hill(draw, setting.season, key, horizon + 0.01, 0.85)
    layers = [Layer([far]), *(_along if along else _across)(draw, setting, camera)]
    blur, focus = draw.uniform(0.1, 0.8), draw.uniform(0.1, 0.45)
    spot = (vanishing + draw.uniform(-0.2, 0.2), horizon + draw.uniform(0.02, 0.25))
    return Scene(key, air, horizon, sky(draw, air, horizon), layers, focus, blur, spot=spot)


def _along(draw: Draw, setting: Setting, camera: Camera) -> list[Layer]:
    """The road runs to the horizon, between two rows of houses; or the houses of one side are missing."""
    road = draw.uniform(2.6, 4.0)
    front = road + draw.uniform(1.6, 3.0)
    ground = [floor(draw, camera), *pavements(draw, camera, road, front), *dashes(draw, camera)]
    sides = [(-1.0, 1.0), (-1.0, 1.0), (-1.0, 1.0), (-1.0,), (1.0,)][int(draw.integers(5))]
    rows = [_row(draw, setting, camera, side, front) for side in sides]
    houses = Layer(ground, [house for row, _ in rows for house in row], [one for _, fallen in rows for one in fallen])
    return [houses, stand(about(draw, setting, camera, road, front), setting.air.sun)]


def _row(
    draw: Draw, setting: Setting, camera: Camera, side: float, front: float
) -> tuple[list[list[Shape]], list[Points]]:
    """Houses wall to wall along one side, from the farthest to the nearest, and their shadows on the road."""
    ends = np.cumsum([draw.uniform(1.5, 4.0), *draw.uniform(5.0, 9.5, 6)]).tolist()
    houses, shadows = [], []
    for near, far in reversed(list(pairwise(ends))):
        storeys = int(draw.integers(2, 5))
        look = draw_look(draw, storeys, int(draw.integers(2, 4)), setting.air.night)
        x = (front, front + 9.0) if side > 0 else (-front - 9.0, -front)
        box = Box(camera, x, (0.0, storeys * STOREY), (near, far))
        plain = replace(look.wall, texture=CONCRETE)
        houses.append([box.front.shape(plain), *facade(draw, box.side, look), *_roof(draw, box, side)])
        if side * setting.air.sun[0] > 0:
            edge, reach = side * front, -side * front * 0.25
            shadows.append(camera.see([(edge, 0, near), (reach, 0, near), (reach, 0, far), (edge, 0, far)]))
    return houses, shadows


def _roof(draw: Draw, box: Box, side: float) -> list[Shape]:
    """A slope that leans away from the street, or none."""
    if draw.uniform() < 0.5:
        return []
    x, (z0, z1), top = side * min(abs(box.x[0]), abs(box.x[1])), box.z, box.y[1]
    slope = Face(box.camera, (x - side * 0.3, top, z0), (0, 0, z1 - z0), (side * 3, 2.2, 0), (-0.5 * side, -0.8, 0.2))
    color = hsv(draw.choice((0.0, 0.03, 0.06, 0.6)), draw.uniform(0.3, 0.7), draw.uniform(0.35, 0.6))
    return [slope.shape(Surface(color, TILES))]


def _across(draw: Draw, setting: Setting, camera: Camera) -> list[Layer]:
    """A row of houses that face the viewer, a pavement, and a road in front of it."""
    back = draw.uniform(8.0, 13.0)
    kerb = back - draw.uniform(2.0, 3.0)
    width = camera.half_width(back) + 1
    road = floor(draw, camera)
    pave = Face(camera, (-width * 2, 0.0, kerb), (width * 4, 0, 0), (0, 0, back - kerb + 0.5), (0, -1, 0))
    pavement = pave.shape(paving(draw), line=0.8)
    lane = Face(camera, (-width, 0.0, kerb - draw.uniform(2.5, 3.5)), (2 * width, 0, 0), (0, 0, 0.25), (0, -1, 0))
    painted = [(u, 0.0, u + 0.05, 1.0) for u in np.arange(0.02, 1, 0.1).tolist()]
    houses, x = [], -width
    while x < width:
        wide, storeys = draw.uniform(4.5, 8.0), int(draw.integers(2, 5))
        look = draw_look(draw, storeys, 2 + int(wide > 6), setting.air.night)
        box = Box(camera, (x, x + wide), (0.0, storeys * STOREY), (back, back + 8))
        houses.append([*(face.shape(look.wall) for face in box.faces()[:-1]), *facade(draw, box.front, look)])
        x += wide + (draw.uniform(0.5, 2.0) if draw.uniform() < 0.25 else 0.0)
    ground = [road, pavement, lane.shape(MARKING, *painted, line=0.4)]
    return [Layer(ground, houses), stand(along_kerb(draw, setting, camera, kerb, back), setting.air.sun)]
