"""Streets of a town: one that runs away from the viewer, or a row of houses across it."""

from dataclasses import replace
from itertools import pairwise

import numpy as np

from toonlab_world.scene.curves import stand
from toonlab_world.scene.forms import Even
from toonlab_world.scene.noise import Draw, Key
from toonlab_world.scene.objects.buildings import TILES
from toonlab_world.scene.objects.facades import CONCRETE, draw_look, facade
from toonlab_world.scene.objects.figures import someone
from toonlab_world.scene.objects.nature import poplar, tree
from toonlab_world.scene.objects.props import lamp, post
from toonlab_world.scene.objects.vehicles import car
from toonlab_world.scene.palette import Setting, hsv, mix
from toonlab_world.scene.scene import Layer, Points, Scene, Shape, Surface, Texture, Thing
from toonlab_world.scene.space import Box, Camera, Face, Rect

from .terrain import hill, mountains, sky

ASPHALT = Texture(grain=0.3, blotch=0.35, material="asphalt")
PAVING = replace(CONCRETE, material="paving")
MARKING = Surface((0.88, 0.87, 0.82), Texture(grain=0.25, blotch=0.2, material="asphalt"))
FAR = 60.0  # metres
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


def floor(draw: Draw, camera: Camera) -> Shape:
    grey = mix((0.42, 0.42, 0.45), hsv(draw.uniform(), 0.3, 0.5), 0.25)
    face = Face(camera, (-90.0, 0.0, 0.4), (180, 0, 0), (0, 0, FAR), (0, -1, 0))
    return replace(face.shape(Surface(grey, ASPHALT), form=Even(0.72), line=0.6), depth=0.2)


def paving(draw: Draw) -> Surface:
    return Surface(hsv(draw.uniform(0.05, 0.12), draw.uniform(0.03, 0.25), draw.uniform(0.6, 0.78)), PAVING)


def pavements(draw: Draw, camera: Camera, road: float, front: float) -> list[Shape]:
    stone, shapes = paving(draw), []
    for side in (-1.0, 1.0):
        face = Face(camera, (side * road, 0.0, 0.4), (side * (front - road + 12), 0, 0), (0, 0, FAR), (0, -1, 0))
        shapes.append(replace(face.shape(stone, line=0.8, form=Even(0.8)), depth=0.2))
    return shapes


def dashes(draw: Draw, camera: Camera) -> list[Shape]:
    """The line in the middle of the road, and perhaps a crossing."""
    middle = Face(camera, (-0.1, 0.0, 0.0), (0.2, 0, 0), (0, 0, 1), (0, -1, 0))
    step = draw.uniform(2.5, 4.0)
    painted: list[list[Rect]] = [[(0.0, z, 1.0, z + step / 2) for z in np.arange(1.0, 40, step).tolist()]]
    if draw.uniform() < 0.4:
        z = draw.uniform(3.5, 8)
        painted.append([(u, z, u + 1.8, z + 2.4) for u in np.arange(-10, 10, 4.0).tolist()])
    return [replace(middle.shape(MARKING, *rects, line=0.4), depth=0.2) for rects in painted]


def along_kerb(draw: Draw, setting: Setting, camera: Camera, kerb: float, back: float) -> list[Thing]:
    """People and trees on the far pavement, cars on the road, people on the near side."""
    width = camera.half_width(kerb)
    things = []
    for _ in range(int(draw.integers(2, 6))):
        things.append(someone(draw, camera, draw.uniform(-width, width), draw.uniform(kerb + 0.3, back - 0.4)))
    for _ in range(int(draw.integers(0, 4))):
        things.append(_furniture(draw, setting, camera, draw.uniform(-width, width), kerb + 0.4))
    for lane, way in ((kerb - 1.6, 1.0), (kerb - 4.4, -1.0)):
        if draw.uniform() < 0.6 and lane > 2.5:
            x = draw.uniform(-0.8, 0.8) * camera.half_width(lane)
            things.append(car(draw, camera, (x, lane), across=True, way=way, night=setting.air.night))
    if draw.uniform() < 0.5 and kerb > 7:
        z = draw.uniform(2.6, 3.6)
        things.append(someone(draw, camera, draw.uniform(-0.8, 0.8) * camera.half_width(z), z))
    return things


def about(draw: Draw, setting: Setting, camera: Camera, road: float, front: float) -> list[Thing]:
    """Who and what is in a street."""
    things = []
    for _ in range(int(draw.integers(2, 7))):
        x = float(draw.choice((-1.0, 1.0))) * draw.uniform(road + 0.3, front - 0.3)
        things.append(someone(draw, camera, x, 2.8 + 18 * draw.uniform() ** 1.7))
    for z in np.arange(draw.uniform(3.5, 7.0), 32, draw.uniform(6, 11)).tolist():
        for side in (-1.0, 1.0):
            if draw.uniform() < 0.5:
                things.append(_furniture(draw, setting, camera, side * (road + 0.35), z))
    for side in (-1.0, 1.0):
        for _ in range(int(draw.integers(0, 3))):
            at = side * (road - 1.15), draw.uniform(5.0, 25.0)
            things.append(car(draw, camera, at, across=False, way=side, night=setting.air.night))
    return things


def _furniture(draw: Draw, setting: Setting, camera: Camera, x: float, z: float) -> Thing:
    """What stands along a pavement."""
    build = (tree, poplar, lamp, lamp, post)[int(draw.integers(5))]
    return build(draw, setting, camera.place(x, z))
