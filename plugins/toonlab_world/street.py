"""Streets of a town: one that runs away from the viewer, or a row of houses across it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .buildings import TILES
from .curves import shadow
from .facades import CONCRETE, draw_look, facade
from .figures import figure
from .forms import Even
from .keys import Key
from .nature import poplar, tree
from .palette import hsv, mix
from .props import lamp, post
from .scene import Layer, Points, Scene, Shape, Surface, Texture
from .space import Box, Camera, Face
from .terrain import hill, mountains, sky
from .things import Setting, Thing
from .vehicles import car

ASPHALT = Texture(grain=0.3, blotch=0.35)
STOREY = 3.1  # metres
PERSON = (1.5, 1.85)
MARKING = Surface((0.88, 0.87, 0.82), Texture(grain=0.25, blotch=0.2))
FAR = 60.0


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
    ground = [*_floor(draw, camera, setting), *_pavements(draw, camera, road, front), *_dashes(draw, camera)]
    sides = [(-1.0, 1.0), (-1.0, 1.0), (-1.0, 1.0), (-1.0,), (1.0,)][int(draw.integers(5))]
    houses: list[list[Shape]] = []
    shadows: list[Points] = []
    for side in sides:
        row, fallen = _row(draw, setting, camera, side, front)
        houses += row
        shadows += fallen
    things = _about(draw, setting, camera, road, front)
    return [Layer(ground, houses, shadows), Layer([], *_stand(things, setting, camera))]


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
    ground = _floor(draw, camera, setting)
    pave = Face(camera, (-width * 2, 0.0, kerb), (width * 4, 0, 0), (0, 0, back - kerb + 0.5), (0, -1, 0))
    ground.append(pave.shape(_paving(draw), line=0.8))
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
    things = _along_kerb(draw, setting, camera, kerb, back)
    return [Layer(ground, houses), Layer([], *_stand(things, setting, camera))]


def _along_kerb(
    draw: np.random.Generator, setting: Setting, camera: Camera, kerb: float, back: float
) -> list[tuple[float, Thing]]:
    """People and trees on the far pavement, cars on the road, people on the near side."""
    width = camera.half_width(kerb)
    things = []
    for _ in range(int(draw.integers(2, 6))):
        things.append(_someone(draw, camera, draw.uniform(-width, width), draw.uniform(kerb + 0.3, back - 0.4)))
    for _ in range(int(draw.integers(0, 4))):
        things.append(_furniture(draw, setting, camera, draw.uniform(-width, width), kerb + 0.4))
    for lane, way in ((kerb - 1.6, 1.0), (kerb - 4.4, -1.0)):
        if draw.uniform() < 0.6 and lane > 2.5:
            x = draw.uniform(-0.8, 0.8) * camera.half_width(lane)
            things.append((lane, car(draw, camera, (x, lane), across=True, way=way, night=setting.air.night)))
    if draw.uniform() < 0.5 and kerb > 7:
        z = draw.uniform(2.6, 3.6)
        things.append(_someone(draw, camera, draw.uniform(-0.8, 0.8) * camera.half_width(z), z))
    return things


def _about(
    draw: np.random.Generator, setting: Setting, camera: Camera, road: float, front: float
) -> list[tuple[float, Thing]]:
    """Who and what is in a street, each with its distance."""
    things = []
    for _ in range(int(draw.integers(2, 7))):
        side = float(draw.choice((-1.0, 1.0)))
        things.append(
            _someone(draw, camera, side * draw.uniform(road + 0.3, front - 0.3), 2.8 + 18 * draw.uniform() ** 1.7)
        )
    for z in np.arange(draw.uniform(3.5, 7.0), 32, draw.uniform(6, 11)).tolist():
        for side in (-1.0, 1.0):
            if draw.uniform() < 0.5:
                things.append(_furniture(draw, setting, camera, side * (road + 0.35), z))
    for side in (-1.0, 1.0):
        for _ in range(int(draw.integers(0, 3))):
            z = draw.uniform(5.0, 25.0)
            x = side * (road - 1.15)
            things.append((z, car(draw, camera, (x, z), across=False, way=side, night=setting.air.night)))
    return things


def _someone(draw: np.random.Generator, camera: Camera, x: float, z: float) -> tuple[float, Thing]:
    return z, figure(draw, camera.place(x, z), draw.uniform(*PERSON) * camera.zoom / z)


def _furniture(draw: np.random.Generator, setting: Setting, camera: Camera, x: float, z: float) -> tuple[float, Thing]:
    """What stands along a pavement."""
    build = (tree, poplar, lamp, lamp, post)[int(draw.integers(5))]
    return z, build(draw, setting, camera.place(x, z))


def _stand(
    things: list[tuple[float, Thing]], setting: Setting, camera: Camera
) -> tuple[list[list[Shape]], list[Points]]:
    """Things from back to front, and their shadows."""
    ordered = [thing for _, thing in sorted(things, key=lambda entry: -entry[0])]
    fallen = [shadow(outline, thing.base, setting.air.sun) for thing in ordered for outline in thing.casting]
    return [list(thing.shapes) for thing in ordered], fallen


def _floor(draw: np.random.Generator, camera: Camera, setting: Setting) -> list[Shape]:
    grey = mix((0.42, 0.42, 0.45), hsv(draw.uniform(), 0.3, 0.5), 0.25)
    face = Face(camera, (-90.0, 0.0, 0.4), (180, 0, 0), (0, 0, FAR), (0, -1, 0))
    outline = face.shape(Surface(grey, ASPHALT), line=0.6)
    return [replace(outline, form=Even(0.72), depth=0.2)]


def _paving(draw: np.random.Generator) -> Surface:
    return Surface(hsv(draw.uniform(0.05, 0.12), draw.uniform(0.03, 0.25), draw.uniform(0.6, 0.78)), CONCRETE)


def _pavements(draw: np.random.Generator, camera: Camera, road: float, front: float) -> list[Shape]:
    stone = _paving(draw)
    shapes = []
    for side in (-1.0, 1.0):
        face = Face(camera, (side * road, 0.0, 0.4), (side * (front - road + 12), 0, 0), (0, 0, FAR), (0, -1, 0))
        shapes.append(replace(face.shape(stone, line=0.8), depth=0.2, form=Even(0.8)))
    return shapes


def _dashes(draw: np.random.Generator, camera: Camera) -> list[Shape]:
    """The line in the middle of the road, and perhaps a crossing."""
    middle = Face(camera, (-0.1, 0.0, 0.0), (0.2, 0, 0), (0, 0, 1), (0, -1, 0))
    step = draw.uniform(2.5, 4.0)
    dashes = [(0.0, z, 1.0, z + step / 2) for z in np.arange(1.0, 40, step).tolist()]
    shapes = [replace(middle.shape(MARKING, *dashes, line=0.4), depth=0.2)]
    if draw.uniform() < 0.4:
        z = draw.uniform(3.5, 8)
        bars = [(u, z, u + 1.8, z + 2.4) for u in np.arange(-10, 10, 4.0).tolist()]
        shapes.append(replace(middle.shape(MARKING, *bars, line=0.4), depth=0.2))
    return shapes
