"""Smaller things in a room: lamps, plants, screens, what lies on a table."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from toonlab_world.scene.curves import ellipse, polygon
from toonlab_world.scene.forms import Ball, Even, Tube
from toonlab_world.scene.palette import SEASONS, hsv
from toonlab_world.scene.scene import Color, Shape, Surface, Texture
from toonlab_world.scene.space import TREE, Box, Camera
from toonlab_world.scene.things import Setting, Thing

from .nature import bush

PLASTER = Texture(grain=0.05, blotch=0.16)
CLOTH = Texture(grain=0.25, blotch=0.25)
DARK: Color = (0.4, 0.38, 0.4)


def cloth(draw: np.random.Generator) -> Surface:
    return Surface(hsv(draw.uniform(), draw.uniform(0.15, 0.7), draw.uniform(0.4, 0.85)), CLOTH)


def floor_lamp(draw: np.random.Generator, setting: Setting, camera: Camera, x: float, z: float) -> Thing:
    """A shade on a pole; in the evening it shines."""
    place, unit = camera.place(x, z), camera.zoom / z
    height, iron = draw.uniform(1.3, 1.7) * unit, Surface((0.5, 0.47, 0.45))
    x, y = place.x, place.y
    pole = polygon(
        (x - 0.02 * unit, y - height), (x + 0.02 * unit, y - height), (x + 0.02 * unit, y), (x - 0.02 * unit, y)
    )
    foot = ellipse(x, y, 0.16 * unit, 0.045 * unit, 20)
    low, wide = y - height + 0.1 * unit, draw.uniform(0.2, 0.28) * unit
    shade = polygon(
        (x - wide * 0.6, low - 0.36 * unit), (x + wide * 0.6, low - 0.36 * unit), (x + wide, low), (x - wide, low)
    )
    paper = Surface(hsv(0.11, draw.uniform(0.15, 0.5), 0.96), PLASTER, glow=0.9 if setting.air.night else 0.15)
    shapes = [
        place.shape(foot, iron, Even(0.5), line=0.6, more=[pole]),
        place.shape(shade, paper, Tube(x, low - 0.36 * unit, low, wide, wide), line=0.9),
    ]
    return Thing(y, shapes, [ellipse(x, y, 0.24 * unit, 0.06 * unit, 20)])


def plant(draw: np.random.Generator, setting: Setting, camera: Camera, x: float, z: float) -> Thing:
    """Leaves in a pot."""
    place, unit = camera.place(x, z), camera.zoom / z
    tall, wide = draw.uniform(0.25, 0.4) * unit, draw.uniform(0.14, 0.2) * unit
    y = place.y
    clay = Surface(hsv(draw.choice((0.04, 0.06, 0.55)), draw.uniform(0.2, 0.6), draw.uniform(0.5, 0.85)), PLASTER)
    outline = polygon(
        (place.x - wide, y - tall), (place.x + wide, y - tall), (place.x + wide * 0.7, y), (place.x - wide * 0.7, y)
    )
    pot = place.shape(outline, clay, Tube(place.x, y - tall, y, wide, wide * 0.7))
    high = camera.place(x, z, tall / unit * 0.9)
    indoors = replace(setting, season=SEASONS["summer"])
    leaves = bush(draw, indoors, replace(high, size=0.5 * TREE * unit))
    return Thing(y, [*leaves.shapes, pot], [ellipse(place.x, y, wide * 1.5, wide * 0.4, 20)])


def on_table(draw: np.random.Generator, camera: Camera, x: float, y: float, z: float) -> list[Shape]:
    """A cup, a bowl of fruit, or a book."""
    place, unit = camera.place(x, z, y), camera.zoom / z
    radius = draw.uniform(0.05, 0.09) * unit
    if draw.uniform() < 0.35:
        return Box(camera, (x - 0.14, x + 0.14), (y, y + 0.05), (z, z + 0.2)).shapes(cloth(draw), line=0.6)
    color = hsv(draw.choice((0.0, 0.08, 0.15, 0.3, 0.6)), draw.uniform(0.1, 0.8), draw.uniform(0.6, 0.95))
    form = Ball(place.x, place.y - radius, radius, radius * 1.1)
    return [place.shape(ellipse(place.x, place.y - radius, radius, radius * 1.1, 24), Surface(color), form, line=0.7)]


def screen(draw: np.random.Generator, camera: Camera, x: float, y: float, z: float) -> list[Shape]:
    wide = draw.uniform(0.35, 0.55)
    frame = Box(camera, (x - wide, x + wide), (y + 0.05, y + 0.05 + wide * 1.15), (z, z + 0.05)).front
    glass = Surface(hsv(draw.uniform(0.45, 0.65), 0.4, 0.6), glow=draw.choice((0.0, 0.6)))
    return [
        frame.shape(Surface(DARK), line=0.8),
        frame.shape(glass, (0.05, 0.08, 0.95, 0.94), line=0.4, form=Even(0.7)),
    ]
