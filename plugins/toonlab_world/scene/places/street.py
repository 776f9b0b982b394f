"""Streets of a town: one that runs away from the viewer, or a row of houses across it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from toonlab_world.scene.keys import Key
from toonlab_world.scene.objects.buildings import TILES
from toonlab_world.scene.objects.facades import CONCRETE, draw_look, facade
from toonlab_world.scene.palette import hsv
from toonlab_world.scene.scene import Layer, Points, Scene, Shape, Surface
from toonlab_world.scene.space import Box, Camera, Face
from toonlab_world.scene.things import Setting

from .passers import about, along_kerb, stand
from .roads import MARKING, dashes, floor, pavements, paving
from .terrain import hill, mountains, sky

STOREY = 3.1  # metres


def street(draw: np.random.Generator, setting: Setting, key: Key) -> Scene:
    """The scene of a key: houses, a road, pavements, and who and what is about."""
    along = draw.uniform() < 0.6
    camera = Camera(
        draw.uniform(0.3, 0.7) if along else 0.5, setting.horizon, draw.uniform(1.7, 3.6), draw.uniform(0.75, 1.1)
    )
    far = _background(draw, setting, key)
    layers = [far, *(_along if along else _across)(draw, setting, camera)]
    blur, focus = draw.uniform(0.1, 0.8), draw.uniform(0.1, 0.45)
    spot = (camera.vanishing + draw.uniform(-0.2, 0.2), setting.horizon + draw.uniform(0.02, 0.25))
    return Scene(
        key, setting.air, setting.horizon, sky(draw, setting.air, setting.horizon), layers, focus, blur, spot=spot
    )


def _background(draw: np.random.Generator, setting: Setting, key: Key) -> Layer:
    if draw.uniform() < 0.4:
        return Layer([mountains(draw, setting.season, key, setting.horizon + 0.02, 0.95)])
    return Layer([hill(draw, setting.season, key, setting.horizon + 0.01, 0.85)[1]])


def _along(draw: np.random.Generator, setting: Setting, camera: Camera) -> list[Layer]:
    """The road runs to the horizon, between two rows of houses; or the houses of one side are missing."""
    road = draw.uniform(2.6, 4.0)
    front = road + draw.uniform(1.6, 3.0)
    ground = [*floor(draw, camera, setting), *pavements(draw, camera, road, front), *dashes(draw, camera)]
    sides = [(-1.0, 1.0), (-1.0, 1.0), (-1.0, 1.0), (-1.0,), (1.0,)][int(draw.integers(5))]
    houses: list[list[Shape]] = []
    shadows: list[Points] = []
    for side in sides:
        row, fallen = _row(draw, setting, camera, side, front)
        houses += row
        shadows += fallen
    things = about(draw, setting, camera, road, front)
    return [Layer(ground, houses, shadows), Layer([], *stand(things, setting, camera))]


def _row(
    draw: np.random.Generator, setting: Setting, camera: Camera, side: float, front: float
) -> tuple[list[list[Shape]], list[Points]]:
    """Houses wall to wall along one side, from the farthest to the nearest."""
    ends = np.cumsum([draw.uniform(1.5, 4.0), *draw.uniform(5.0, 9.5, 6)])
    rows, shadows = [], []
    for near, far in reversed(list(zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True))):
        storeys = int(draw.integers(2, 5))
        look = draw_look(draw, storeys, int(draw.integers(2, 4)), setting.air.night)
        x = (front, front + 9.0) if side > 0 else (-front - 9.0, -front)
        box = Box(camera, x, (0.0, storeys * STOREY), (near, far))
        plain = replace(look.wall, texture=CONCRETE)
        rows.append([box.front.shape(plain), *facade(draw, box.side, look), *_roof(draw, box, side)])
        if side * setting.air.sun[0] > 0:
            shadows.append(_on_road(camera, side, front, near, far))
    return rows, shadows


def _on_road(camera: Camera, side: float, front: float, near: float, far: float) -> Points:
    edge, reach = side * front, -side * front * 0.25
    corners = [(edge, 0, near), (reach, 0, near), (reach, 0, far), (edge, 0, far)]
    return camera.see(np.array(corners, np.float32))


def _roof(draw: np.random.Generator, box: Box, side: float) -> list[Shape]:
    """A slope that leans away from the street, or none."""
    if draw.uniform() < 0.5:
        return []
    x, (z0, z1), top = side * min(abs(box.x[0]), abs(box.x[1])), box.z, box.y[1]
    slope = Face(box.camera, (x - side * 0.3, top, z0), (0, 0, z1 - z0), (side * 3, 2.2, 0), (-0.5 * side, -0.8, 0.2))
    color = hsv(draw.choice((0.0, 0.03, 0.06, 0.6)), draw.uniform(0.3, 0.7), draw.uniform(0.35, 0.6))
    return [slope.shape(Surface(color, TILES))]


def _across(draw: np.random.Generator, setting: Setting, camera: Camera) -> list[Layer]:
    """A row of houses that face the viewer, a pavement, and a road in front of it."""
    back = draw.uniform(8.0, 13.0)
    kerb = back - draw.uniform(2.0, 3.0)
    width = camera.half_width(back) + 1
    ground = floor(draw, camera, setting)
    pave = Face(camera, (-width * 2, 0.0, kerb), (width * 4, 0, 0), (0, 0, back - kerb + 0.5), (0, -1, 0))
    ground.append(pave.shape(paving(draw), line=0.8))
    middle = kerb - draw.uniform(2.5, 3.5)
    lane = Face(camera, (-width, 0.0, middle), (2 * width, 0, 0), (0, 0, 0.25), (0, -1, 0))
    ground.append(lane.shape(MARKING, *((u, 0.0, u + 0.05, 1.0) for u in np.arange(0.02, 1, 0.1).tolist()), line=0.4))
    houses, x = [], -width
    while x < width:
        wide = draw.uniform(4.5, 8.0)
        storeys = int(draw.integers(2, 5))
        look = draw_look(draw, storeys, 2 + int(wide > 6), setting.air.night)
        box = Box(camera, (x, x + wide), (0.0, storeys * STOREY), (back, back + 8))
        houses.append([*(face.shape(look.wall) for face in box.faces()[:-1]), *facade(draw, box.front, look)])
        x += wide + (draw.uniform(0.5, 2.0) if draw.uniform() < 0.25 else 0.0)
    things = along_kerb(draw, setting, camera, kerb, back)
    return [Layer(ground, houses), Layer([], *stand(things, setting, camera))]
