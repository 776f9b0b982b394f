"""What a street is paved with, and what is painted on it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from toonlab_world.scene.forms import Even
from toonlab_world.scene.objects.facades import CONCRETE
from toonlab_world.scene.palette import hsv, mix
from toonlab_world.scene.scene import Shape, Surface, Texture
from toonlab_world.scene.space import Camera, Face
from toonlab_world.scene.things import Setting

ASPHALT = Texture(grain=0.3, blotch=0.35)
MARKING = Surface((0.88, 0.87, 0.82), Texture(grain=0.25, blotch=0.2))
FAR = 60.0  # metres


def floor(draw: np.random.Generator, camera: Camera, setting: Setting) -> list[Shape]:
    grey = mix((0.42, 0.42, 0.45), hsv(draw.uniform(), 0.3, 0.5), 0.25)
    face = Face(camera, (-90.0, 0.0, 0.4), (180, 0, 0), (0, 0, FAR), (0, -1, 0))
    outline = face.shape(Surface(grey, ASPHALT), line=0.6)
    return [replace(outline, form=Even(0.72), depth=0.2)]


def paving(draw: np.random.Generator) -> Surface:
    return Surface(hsv(draw.uniform(0.05, 0.12), draw.uniform(0.03, 0.25), draw.uniform(0.6, 0.78)), CONCRETE)


def pavements(draw: np.random.Generator, camera: Camera, road: float, front: float) -> list[Shape]:
    stone = paving(draw)
    shapes = []
    for side in (-1.0, 1.0):
        face = Face(camera, (side * road, 0.0, 0.4), (side * (front - road + 12), 0, 0), (0, 0, FAR), (0, -1, 0))
        shapes.append(replace(face.shape(stone, line=0.8), depth=0.2, form=Even(0.8)))
    return shapes


def dashes(draw: np.random.Generator, camera: Camera) -> list[Shape]:
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
