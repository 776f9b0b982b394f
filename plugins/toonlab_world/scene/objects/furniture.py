"""What stands in a room: furniture, lamps, plants, and what lies on a table."""

from collections.abc import Callable
from dataclasses import replace

from toonlab_world.scene.curves import ellipse, taper
from toonlab_world.scene.forms import Ball, Even, Tube
from toonlab_world.scene.noise import Draw
from toonlab_world.scene.palette import SEASONS, Setting, hsv, mix
from toonlab_world.scene.scene import TREE, Color, Shape, Surface, Texture, Thing
from toonlab_world.scene.space import Box, Camera, Rect

from .nature import bush

WOOD = Texture(grain=0.15, streak=0.4, material="wood")
PLASTER = Texture(grain=0.05, blotch=0.16, material="plaster")
CLOTH = Texture(grain=0.25, blotch=0.25, material="cloth")
DARK: Color = (0.4, 0.38, 0.4)


def wood(draw: Draw) -> Surface:
    return Surface(hsv(draw.uniform(0.04, 0.1), draw.uniform(0.25, 0.65), draw.uniform(0.45, 0.8)), WOOD)


def cloth(draw: Draw) -> Surface:
    return Surface(hsv(draw.uniform(), draw.uniform(0.15, 0.7), draw.uniform(0.4, 0.85)), CLOTH)


def thing_of(box: Box, shapes: list[Shape], setting: Setting) -> Thing:
    """A piece of furniture that stands on the floor where its box does."""
    base = box.camera.place(box.x[0], box.z[0]).y
    return Thing(base, shapes, fallen=[box.shadow(setting.air.sun)])


def table(draw: Draw, setting: Setting, camera: Camera, x: float, z: float) -> Thing:
    """A top on four legs, with a few things on it."""
    wide, deep, tall = draw.uniform(0.9, 1.5), draw.uniform(0.6, 0.9), draw.uniform(0.55, 0.75)
    surface = wood(draw)
    whole = Box(camera, (x - wide / 2, x + wide / 2), (0, tall), (z, z + deep))
    top = replace(whole, y=(tall, tall + 0.06))
    shapes = [_legs(whole, surface), *top.shapes(surface)]
    for _ in range(int(draw.integers(1, 4))):
        at = x + draw.uniform(-0.4, 0.4) * wide
        shapes += on_table(draw, camera, at, tall + 0.06, z + deep * draw.uniform(0.2, 0.7))
    return thing_of(whole, shapes, setting)


def chair(draw: Draw, setting: Setting, camera: Camera, x: float, z: float) -> Thing:
    surface, seat, tall = wood(draw), cloth(draw), 0.46
    whole = Box(camera, (x - 0.22, x + 0.22), (0, tall), (z, z + 0.45))
    back = replace(whole, y=(tall, tall + draw.uniform(0.4, 0.55)), z=(z + 0.4, z + 0.45))
    board = replace(whole, y=(tall - 0.05, tall))
    return thing_of(whole, [_legs(whole, surface), *back.shapes(surface), *board.shapes(seat)], setting)


def sofa(draw: Draw, setting: Setting, camera: Camera, x: float, z: float) -> Thing:
    """Seats between two arms, and cushions."""
    wide, surface = draw.uniform(1.4, 2.1), cloth(draw)
    left, right = x - wide / 2, x + wide / 2
    whole = Box(camera, (left, right), (0, 0.8), (z, z + 0.85))
    back = replace(whole, y=(0.1, draw.uniform(0.75, 0.95)), z=(z + 0.6, z + 0.85))
    seat = Box(camera, (left + 0.15, right - 0.15), (0.1, 0.42), (z + 0.05, z + 0.6))
    arms = [replace(whole, x=span, y=(0.05, 0.6)) for span in ((left, left + 0.18), (right - 0.18, right))]
    shapes = [shape for part in (back, seat, *arms) for shape in part.shapes(surface)]
    pillow = cloth(draw)
    for at in draw.uniform(left + 0.4, right - 0.4, int(draw.integers(1, 3))).tolist():
        shapes.append(Box(camera, (at - 0.2, at + 0.2), (0.42, 0.78), (z + 0.5, z + 0.6)).front.shape(pillow, line=0.7))
    return thing_of(whole, shapes, setting)


def shelf(draw: Draw, setting: Setting, camera: Camera, x: float, z: float) -> Thing:
    """Boards full of books and a few other things."""
    wide, tall, rows = draw.uniform(0.8, 1.5), draw.uniform(1.2, 2.1), int(draw.integers(3, 6))
    case = Box(camera, (x - wide / 2, x + wide / 2), (0.0, tall), (z, z + 0.35))
    surface = wood(draw)
    inside = Surface(mix(surface.color, DARK, 0.5), WOOD)
    gaps = [(0.05, (row + 0.1) / rows, 0.95, (row + 0.92) / rows) for row in range(rows)]
    shapes = [*case.shapes(surface), case.front.shape(inside, *gaps, line=0.6, form=Even(0.45))]
    books: list[tuple[Surface, list[Rect]]] = [(cloth(draw), []) for _ in range(4)]
    for row in range(rows):
        u = 0.07
        while u < 0.88 and draw.uniform() < 0.94:
            thick = draw.uniform(0.03, 0.075)
            top = (row + 0.1 + draw.uniform(0.5, 0.78)) / rows
            _, spines = books[int(draw.integers(len(books)))]
            spines.append((u, (row + 0.1) / rows, u + thick, top))
            u += thick + 0.006
    shapes += [case.front.shape(cover, *spines, line=0.4) for cover, spines in books if spines]
    return thing_of(case, shapes, setting)


def cupboard(draw: Draw, setting: Setting, camera: Camera, x: float, z: float) -> Thing:
    """Doors or drawers, and perhaps a screen on top."""
    wide, tall = draw.uniform(0.8, 1.5), draw.uniform(0.5, 0.95)
    case = Box(camera, (x - wide / 2, x + wide / 2), (0.0, tall), (z, z + 0.45))
    surface = wood(draw)
    doors = [(0.04, 0.08, 0.48, 0.94), (0.52, 0.08, 0.96, 0.94)]
    if draw.uniform() < 0.5:
        doors = [(0.05, 0.06 + 0.31 * row, 0.95, 0.33 + 0.31 * row) for row in range(3)]
    knobs = [((a + c) / 2 - 0.02, (b + d) / 2 - 0.03, (a + c) / 2 + 0.02, (b + d) / 2 + 0.03) for a, b, c, d in doors]
    light = Surface(mix(surface.color, (1, 1, 1), 0.15), WOOD)
    shapes = [*case.shapes(surface), case.front.shape(light, *doors, line=0.6)]
    shapes.append(case.front.shape(Surface(DARK), *knobs, line=0.0))
    if draw.uniform() < 0.6:
        shapes += screen(draw, camera, x, tall, z + 0.15)
    return thing_of(case, shapes, setting)


def lamp(draw: Draw, setting: Setting, camera: Camera, x: float, z: float) -> Thing:
    """A shade on a pole; in the evening it shines."""
    place, unit = camera.place(x, z), camera.zoom / z
    height, iron = draw.uniform(1.3, 1.7) * unit, Surface((0.5, 0.47, 0.45))
    x, y = place.x, place.y
    foot, pole = ellipse(x, y, 0.16 * unit, 0.045 * unit, 20), taper(x, y - height, 0.02 * unit, y, 0.02 * unit)
    low, wide = y - height + 0.1 * unit, draw.uniform(0.2, 0.28) * unit
    top = low - 0.36 * unit
    paper = Surface(hsv(0.11, draw.uniform(0.15, 0.5), 0.96), PLASTER, glow=0.9 if setting.air.night else 0.15)
    shapes = [
        place.shape(foot, iron, Even(0.5), line=0.6, more=[pole]),
        place.shape(taper(x, top, wide * 0.6, low, wide), paper, Tube(x, top, low, wide, wide), line=0.9),
    ]
    return Thing(y, shapes, fallen=[ellipse(x, y, 0.24 * unit, 0.06 * unit, 20)])


def plant(draw: Draw, setting: Setting, camera: Camera, x: float, z: float) -> Thing:
    """Leaves in a pot."""
    place, unit = camera.place(x, z), camera.zoom / z
    tall, wide, y = draw.uniform(0.25, 0.4) * unit, draw.uniform(0.14, 0.2) * unit, place.y
    clay = Surface(hsv(draw.choice((0.04, 0.06, 0.55)), draw.uniform(0.2, 0.6), draw.uniform(0.5, 0.85)), PLASTER)
    form = Tube(place.x, y - tall, y, wide, wide * 0.7)
    pot = place.shape(taper(place.x, y - tall, wide, y, wide * 0.7), clay, form)
    high = replace(camera.place(x, z, tall / unit * 0.9), size=0.5 * TREE * unit)
    leaves = bush(draw, replace(setting, season=SEASONS["summer"]), high)
    return Thing(y, [*leaves.shapes, pot], fallen=[ellipse(place.x, y, wide * 1.5, wide * 0.4, 20)])


def on_table(draw: Draw, camera: Camera, x: float, y: float, z: float) -> list[Shape]:
    """A cup, a bowl of fruit, or a book."""
    place, unit = camera.place(x, z, y), camera.zoom / z
    radius = draw.uniform(0.05, 0.09) * unit
    if draw.uniform() < 0.35:
        return Box(camera, (x - 0.14, x + 0.14), (y, y + 0.05), (z, z + 0.2)).shapes(cloth(draw), line=0.6)
    color = hsv(draw.choice((0.0, 0.08, 0.15, 0.3, 0.6)), draw.uniform(0.1, 0.8), draw.uniform(0.6, 0.95))
    at = place.x, place.y - radius, radius, radius * 1.1
    return [place.shape(ellipse(*at, samples=24), Surface(color), Ball(*at), line=0.7)]


def screen(draw: Draw, camera: Camera, x: float, y: float, z: float) -> list[Shape]:
    wide = draw.uniform(0.35, 0.55)
    frame = Box(camera, (x - wide, x + wide), (y + 0.05, y + 0.05 + wide * 1.15), (z, z + 0.05)).front
    glass = Surface(hsv(draw.uniform(0.45, 0.65), 0.4, 0.6), Texture(material="glass"), glow=draw.choice((0.0, 0.6)))
    view = frame.shape(glass, (0.05, 0.08, 0.95, 0.94), line=0.4, form=Even(0.7))
    return [frame.shape(Surface(DARK), line=0.8), view]


PIECES: dict[str, Callable[[Draw, Setting, Camera, float, float], Thing]] = {
    build.__name__: build for build in (table, chair, sofa, shelf, cupboard, lamp, plant)
}


def _legs(whole: Box, surface: Surface) -> Shape:
    """The fronts of four legs, at the corners of a box."""
    (x0, x1), (z0, z1) = whole.x, whole.z
    fronts = [replace(whole, x=(x, x + 0.06), z=(z, z)).front for z in (z1 - 0.06, z0) for x in (x0, x1 - 0.06)]
    outline, *more = (face.outlines((0, 0, 1, 1))[0] for face in fronts)
    return Shape(outline, surface, Even(0.5), whole.camera.depth(z0), 0.7, more)
