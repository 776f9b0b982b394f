"""What a street is paved with, what is painted on it, and who and what is about: people, cars, trees, lamps, boards."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from toonlab_world.scene.forms import Even
from toonlab_world.scene.noise import Draw
from toonlab_world.scene.objects.facades import CONCRETE
from toonlab_world.scene.objects.figures import someone
from toonlab_world.scene.objects.nature import poplar, tree
from toonlab_world.scene.objects.props import lamp, post
from toonlab_world.scene.objects.vehicles import car
from toonlab_world.scene.palette import Setting, hsv, mix
from toonlab_world.scene.scene import Shape, Surface, Texture, Thing
from toonlab_world.scene.space import Camera, Face, Rect

ASPHALT = Texture(grain=0.3, blotch=0.35)
MARKING = Surface((0.88, 0.87, 0.82), Texture(grain=0.25, blotch=0.2))
FAR = 60.0  # metres


def floor(draw: Draw, camera: Camera) -> Shape:
    grey = mix((0.42, 0.42, 0.45), hsv(draw.uniform(), 0.3, 0.5), 0.25)
    face = Face(camera, (-90.0, 0.0, 0.4), (180, 0, 0), (0, 0, FAR), (0, -1, 0))
    return replace(face.shape(Surface(grey, ASPHALT), form=Even(0.72), line=0.6), depth=0.2)


def paving(draw: Draw) -> Surface:
    return Surface(hsv(draw.uniform(0.05, 0.12), draw.uniform(0.03, 0.25), draw.uniform(0.6, 0.78)), CONCRETE)


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
