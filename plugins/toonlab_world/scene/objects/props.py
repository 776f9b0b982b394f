"""What people leave about: fences, balls, lamps, boards, benches."""

import numpy as np

from toonlab_world.scene.curves import box, ellipse, polygon, taper
from toonlab_world.scene.forms import Ball, Even, Plane
from toonlab_world.scene.noise import Draw
from toonlab_world.scene.palette import Setting, hsv
from toonlab_world.scene.scene import Place, Points, Surface, Texture, Thing

from .buildings import WOOD
from .walls import line_of_marks


def fence(draw: Draw, setting: Setting, place: Place) -> Thing:
    """Posts and two rails."""
    height, posts = place.size * draw.uniform(0.13, 0.18), int(draw.integers(4, 9))
    gap, half = height * draw.uniform(0.7, 1.0), height * 0.07
    wood = Surface(hsv(draw.uniform(0.05, 0.11), draw.uniform(0.05, 0.5), draw.uniform(0.45, 0.9)), WOOD)
    left, right = place.x - gap * posts / 2, place.x + gap * (posts / 2 - 1)
    rails = (place.y - height * 0.38, place.y - height * 0.72)
    outlines = [box(left, y - half * 0.8, right, y + half * 0.8) for y in rails]
    for x in left + gap * np.arange(posts):
        top = place.y - height * draw.uniform(0.95, 1.08)
        corners = (x - half, place.y), (x - half, top), (x, top - half), (x + half, top), (x + half, place.y)
        outlines.append(polygon(*corners))
    planks = [place.shape(outline, wood, Plane((0, -0.2, 0.95)), line=0.5) for outline in outlines]
    return Thing(place.y, planks, outlines)


def ball(draw: Draw, setting: Setting, place: Place) -> Thing:
    """A ball, plain or with a stripe."""
    radius, hue = place.size * draw.uniform(0.08, 0.22), draw.uniform()
    x, y = place.x, place.y - radius
    form, outline = Ball(x, y, radius, radius), ellipse(x, y, radius, radius)
    shapes = [place.shape(outline, Surface(hsv(hue, draw.uniform(0.4, 0.8), draw.uniform(0.5, 0.85))), form)]
    if draw.uniform() < 0.5:
        paint = Surface(hsv(hue + draw.uniform(0.2, 0.8), draw.uniform(0, 0.6), 0.88))
        shapes.append(place.shape(_stripe(draw, x, y, radius), paint, form, line=0.6))
    return Thing(place.y, shapes, [outline])


def _stripe(draw: Draw, x: float, y: float, radius: float) -> Points:
    turn, low, high = draw.uniform(0, np.pi), draw.uniform(-0.45, -0.1), draw.uniform(0.15, 0.5)
    across = np.linspace(-1, 1, 17)
    edge = np.sqrt(1 - across**2)
    upper = np.stack([across, high * edge], axis=1)
    lower = np.stack([across[::-1], low * edge[::-1]], axis=1)
    rotate = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    return (np.concatenate([upper, lower]) @ rotate * radius * 0.985 + (x, y)).astype(np.float32)


def lamp(draw: Draw, setting: Setting, place: Place) -> Thing:
    """A street lamp; at night it shines."""
    height, x, y = place.size * draw.uniform(0.55, 0.75), place.x, place.y
    half, head, top = height * 0.014, height * 0.05, y - height
    pole, foot = taper(x, top, half, y, half), taper(x, y - height * 0.06, half * 2.4, y, half * 2.4)
    glass = taper(x, top, head * 0.6, top - head * 2, head)
    cap = taper(x, top - head * 2, head * 1.2, top - head * 2.9, 0)
    iron = Surface(hsv(draw.uniform(0.3, 0.65), draw.uniform(0, 0.3), draw.uniform(0.4, 0.6)), Texture(grain=0.15))
    light = Surface((1.0, 0.93, 0.7), glow=1.0 if setting.air.night else 0.2)
    shapes = [
        place.shape(pole, iron, Plane((0.3, 0, 0.9)), line=0.6, more=[foot]),
        place.shape(glass, light, Even(0.9), line=0.6),
        place.shape(cap, iron, Plane((0, -0.7, 0.7)), line=0.6),
    ]
    return Thing(place.y, shapes, [pole])


def post(draw: Draw, setting: Setting, place: Place) -> Thing:
    """A board on a post, with writing or an arrow."""
    height, x = place.size * draw.uniform(0.3, 0.42), place.x
    half, wide, tall = height * 0.03, height * draw.uniform(0.22, 0.4), height * draw.uniform(0.14, 0.24)
    paint = hsv(draw.choice((0.0, 0.12, 0.35, 0.6)), draw.uniform(0.5, 0.85), draw.uniform(0.45, 0.85))
    y = place.y - height
    pole, board = taper(x, y, half, place.y, half), box(x - wide, y - tall, x + wide, y + tall)
    first, *marks = (
        box(x + wide * (u0 * 2 - 1), y - tall * (v1 * 2 - 1), x + wide * (u1 * 2 - 1), y - tall * (v0 * 2 - 1))
        for line in (0.55, 0.15)
        for u0, v0, u1, v1 in line_of_marks(draw, int(draw.integers(3, 6)), (0.1, line, 0.9, line + 0.28))
    )
    shapes = [
        place.shape(pole, Surface((0.5, 0.5, 0.52), WOOD), Plane((0.3, 0, 0.9)), line=0.6),
        place.shape(board, Surface(paint, Texture(blotch=0.15, material="plaster")), Even(0.72), line=0.8),
        place.shape(first, Surface((0.96, 0.95, 0.9)), Even(0.72), line=0.0, more=marks),
    ]
    return Thing(place.y, shapes, [pole, board])


def bench(draw: Draw, setting: Setting, place: Place) -> Thing:
    """A seat of planks with a back."""
    wide, tall = place.size * draw.uniform(0.14, 0.2), place.size * 0.14
    x, y = place.x, place.y
    wood = Surface(hsv(draw.uniform(0.04, 0.1), draw.uniform(0.3, 0.6), draw.uniform(0.4, 0.65)), WOOD)
    legs = [taper(x + s * wide * 0.8, y - tall * 0.5, tall * 0.05, y, tall * 0.05) for s in (-1, 1)]
    planks = [box(x - wide, y - tall * high, x + wide, y - tall * (high - 0.16)) for high in (1.0, 0.78)]
    seat = taper(x, y - tall * 0.55, wide, y - tall * 0.4, wide * 1.05)
    shapes = [
        place.shape(legs[0], Surface((0.25, 0.26, 0.28)), Even(0.4), line=0.5, more=legs[1:]),
        place.shape(planks[0], wood, Plane((0, -0.2, 0.95)), line=0.6, more=planks[1:]),
        place.shape(seat, wood, Plane((0, -1, 0.3)), line=0.6),
    ]
    return Thing(y, shapes, [planks[0], seat])
