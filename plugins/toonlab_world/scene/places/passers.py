"""Who and what is about in a street: people, cars, trees, lamps, boards."""

from __future__ import annotations

import numpy as np

from toonlab_world.scene.curves import shadow
from toonlab_world.scene.objects.figures import figure
from toonlab_world.scene.objects.nature import poplar, tree
from toonlab_world.scene.objects.props import lamp, post
from toonlab_world.scene.objects.vehicles import car
from toonlab_world.scene.scene import Points, Shape
from toonlab_world.scene.space import Camera
from toonlab_world.scene.things import Setting, Thing

PERSON = (1.5, 1.85)  # metres


def along_kerb(
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


def about(
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


def stand(
    things: list[tuple[float, Thing]], setting: Setting, camera: Camera
) -> tuple[list[list[Shape]], list[Points]]:
    """Things from back to front, and their shadows."""
    ordered = [thing for _, thing in sorted(things, key=lambda entry: -entry[0])]
    fallen = [shadow(outline, thing.base, setting.air.sun) for thing in ordered for outline in thing.casting]
    return [list(thing.shapes) for thing in ordered], fallen
