"""Cars and boats."""

import numpy as np

from toonlab_world.scene.curves import polygon, taper
from toonlab_world.scene.forms import Ball, Even, Plane, Tube
from toonlab_world.scene.noise import Draw
from toonlab_world.scene.palette import Setting, hsv, mix
from toonlab_world.scene.scene import Color, Place, Points, Shape, Surface, Texture, Thing
from toonlab_world.scene.space import Box, Camera

from .buildings import WOOD
from .figures import figure

PAINT = Texture(blotch=0.12)
TYRE = Surface((0.26, 0.26, 0.28), Texture(grain=0.2))
GLASS = Surface((0.45, 0.58, 0.68), Texture(material="glass"))
LAMP: Color = (0.98, 0.93, 0.75)
BRAKE: Color = (0.8, 0.12, 0.1)
SAIL: Color = (0.95, 0.93, 0.88)


def car(draw: Draw, camera: Camera, at: tuple[float, float], across: bool, way: float, night: bool) -> Thing:
    """A car whose nearest point on the ground is at x and z, across the view or along it.

    `way` is +1 for one that drives to the right, or away from the viewer.
    """
    paint = Surface(hsv(draw.uniform(), draw.uniform(0.05, 0.85), draw.uniform(0.35, 0.9)), PAINT)
    (x, z), long, wide = at, draw.uniform(3.6, 4.6), 1.75
    length, depth = (long, wide) if across else (wide, long)
    half, tall = length / 2, draw.uniform(0.85, 1.0)
    body = Box(camera, (x - half, x + half), (0.3, tall), (z, z + depth))
    shift = 0.06 * way * long if across else 0.0
    narrow = half * (0.62 if across else 0.86)
    inset = 0.12 if across else depth * 0.25
    cabin = Box(camera, (x - narrow - shift, x + narrow - shift), (tall, tall + 0.55), (z + inset, z + depth - inset))
    shapes = [*_wheels(body, across), *body.shapes(paint), *cabin.shapes(paint), *_windows(cabin, across)]
    shapes += _lamps(body, across, way, night)
    return Thing(camera.place(x, z).y, shapes, [body.front.outlines((-0.05, -0.45, 1.05, 1))[0]])


def _windows(cabin: Box, across: bool) -> list[Shape]:
    panes = [(0.07, 0.12, 0.46, 0.88), (0.54, 0.12, 0.93, 0.88)] if across else [(0.08, 0.1, 0.92, 0.88)]
    shapes = [cabin.front.shape(GLASS, *panes, line=0.5, form=Even(0.85))]
    if cabin.side in cabin.faces():
        windows = [(0.08, 0.12, 0.92, 0.88)] if across else [(0.06, 0.12, 0.46, 0.88), (0.54, 0.12, 0.94, 0.88)]
        shapes.append(cabin.side.shape(GLASS, *windows, line=0.5, form=Even(0.6)))
    return shapes


def _wheels(body: Box, across: bool) -> list[Shape]:
    """Round on the side that is seen from the side, upright slabs at the end."""
    slabs = [] if across else [body.front.shape(TYRE, (0.02, -0.5, 0.16, 0.3), (0.84, -0.5, 0.98, 0.3), line=0.6)]
    face = body.front if across else body.side
    if face not in body.faces():
        return slabs
    turn = np.linspace(0, 2 * np.pi, 20, endpoint=False)
    long, tall, radius = max(abs(face.u[0]), abs(face.u[2])), face.v[1], 0.36
    near, far = (
        face.see([(x + radius / long * np.cos(t), (radius - 0.3 + radius * np.sin(t)) / tall) for t in turn])
        for x in (0.2, 0.8)
    )
    return [*slabs, Shape(near, TYRE, Even(0.5), face.depth, 0.8, [far])]


def _lamps(body: Box, across: bool, way: float, night: bool) -> list[Shape]:
    lamp = Surface(BRAKE if way > 0 and not across else LAMP, glow=0.9 if night else 0.25)
    if across:
        end = (0.93, 0.55, 1.0, 0.8) if way > 0 else (0.0, 0.55, 0.07, 0.8)
        return [body.front.shape(lamp, end, line=0.5, form=Even(0.9))]
    plate = body.front.shape(Surface((0.9, 0.9, 0.85)), (0.36, 0.2, 0.64, 0.42), line=0.4)
    return [body.front.shape(lamp, (0.06, 0.5, 0.24, 0.8), (0.76, 0.5, 0.94, 0.8), line=0.5, form=Even(0.9)), plate]


def boat(draw: Draw, setting: Setting, place: Place) -> Thing:
    """A hull with a sail, or with someone who rows."""
    long, side = place.size * draw.uniform(0.3, 0.55), float(draw.choice((-1.0, 1.0)))
    x, y, tall = place.x, place.y, long * 0.2

    def planks(*corners: tuple[float, float]) -> Points:
        return polygon(*((x + side * long * u, y - tall * v) for u, v in corners))

    hull = planks((-0.5, 1), (0.58, 1.25), (0.36, 0), (-0.4, 0))
    band = planks((-0.5, 1), (0.58, 1.25), (0.54, 1), (-0.48, 0.78))
    color = hsv(draw.uniform(), draw.uniform(0.2, 0.7), draw.uniform(0.4, 0.85))
    if draw.uniform() < 0.6:
        shapes = _sail(draw, place, side, long, y - tall)
    else:
        inside = Place(x - side * long * 0.05, y - tall * 0.1, place.size, place.depth)
        shapes = [*figure(draw, inside, long * 0.55).shapes]
    shapes.append(place.shape(hull, Surface(color, WOOD), Tube(x, y - tall, y, long, long * 0.6)))
    shapes.append(place.shape(band, Surface(mix(color, (1, 1, 1), 0.7)), Even(0.8), line=0.5))
    return Thing(y, shapes)


def _sail(draw: Draw, place: Place, side: float, long: float, deck: float) -> list[Shape]:
    mast, top = place.x, deck - long * draw.uniform(0.8, 1.2)
    cloth = Surface(
        mix(SAIL, hsv(draw.uniform(), 0.6, 0.9), draw.choice((0.0, 0.0, 0.5))), Texture(blotch=0.15, material="cloth")
    )

    def sail(near: float, far: float, high: float, low: float) -> Points:
        return polygon(
            (mast + side * long * near, high), (mast + side * long * near, low), (mast + side * long * far, low)
        )

    main, jib = sail(-0.03, -0.45, top, deck - long * 0.1), sail(0.03, 0.42, top + long * 0.1, deck - long * 0.08)
    pole = taper(mast, top, long * 0.015, deck, long * 0.015)
    return [
        place.shape(pole, Surface((0.66, 0.55, 0.42), WOOD), Even(0.5), line=0.5),
        place.shape(main, cloth, Ball(mast, (top + deck) / 2, long * 0.6, long * 0.8)),
        place.shape(jib, cloth, Plane((0.4 * side, -0.2, 0.9))),
    ]
