"""The fronts of town houses: rows of windows, doors, shops with awnings and signs."""

from dataclasses import dataclass

from toonlab_world.scene.forms import Even
from toonlab_world.scene.noise import Draw
from toonlab_world.scene.palette import hsv, mix
from toonlab_world.scene.scene import Color, Shape, Surface, Texture
from toonlab_world.scene.space import Face, Rect

from .buildings import PLASTER
from .walls import inset, text

BRICK = Texture(grain=0.4, blotch=0.25, material="brick")
CONCRETE = Texture(grain=0.2, blotch=0.4, streak=0.12, material="concrete")
GLASS = Texture(material="glass")
GOODS = Texture(material="print")
WALLS = (PLASTER, BRICK, CONCRETE)
STONE: Color = (0.75, 0.73, 0.7)
INK: Color = (0.12, 0.1, 0.14)


@dataclass(frozen=True, slots=True)
class Look:
    """How a house looks: the share of a storey that windows take, and colours."""

    wall: Surface
    trim: Surface
    cloth: Color
    storeys: int
    columns: int
    wide: float
    tall: float
    shop: bool
    night: bool


def draw_look(draw: Draw, storeys: int, columns: int, night: bool) -> Look:
    hue = float(draw.choice((0.02, 0.05, 0.08, 0.1, 0.12, 0.3, 0.55, 0.6, 0.95)))
    paint = hsv(hue + draw.uniform(-0.02, 0.02), draw.uniform(0.05, 0.5), draw.uniform(0.55, 0.92))
    trim = mix(paint, (1, 1, 1) if draw.uniform() < 0.6 else (0.25, 0.2, 0.2), 0.65)
    wall = Surface(paint, WALLS[int(draw.integers(len(WALLS)))])
    cloth = hsv(draw.uniform(), draw.uniform(0.5, 0.8), draw.uniform(0.55, 0.85))
    wide, tall = draw.uniform(0.35, 0.6), draw.uniform(0.45, 0.68)
    return Look(wall, Surface(trim, PLASTER), cloth, storeys, columns, wide, tall, draw.uniform() < 0.55, night)


def facade(draw: Draw, wall: Face, look: Look) -> list[Shape]:
    """All that is on a wall, from back to front, and the wall itself."""
    low = 1 / look.storeys
    shapes = [wall.shape(look.wall), *_windows(draw, wall, look, low)]
    shapes.append(wall.shape(look.trim, (0, 0.965, 1, 1), (0, low * 0.96, 1, low * 1.0), line=0.5))
    return shapes + (_shop(draw, wall, look, low * 0.94) if look.shop else _entrance(draw, wall, look, low))


def _windows(draw: Draw, wall: Face, look: Look, low: float) -> list[Shape]:
    """Rows of frames with a dark or lit pane in each."""
    frames: list[Rect] = []
    lit: list[Rect] = []
    dark: list[Rect] = []
    half, tall = look.wide / look.columns / 2, look.tall * low
    for storey in range(1, look.storeys):
        for column in range(look.columns):
            x, y = (column + 0.5) / look.columns, (storey + 0.2) * low
            frames.append((x - half, y, x + half, y + tall))
            panes = lit if draw.uniform() < (0.5 if look.night else 0.06) else dark
            spans = (x - half * 0.8, x - half * 0.07), (x + half * 0.07, x + half * 0.8)
            panes += [(left, y + tall * 0.08, right, y + tall * 0.92) for left, right in spans]
    shapes = [wall.shape(look.trim, *frames, line=0.6)] if frames else []
    if dark:
        shapes.append(wall.shape(_glass(draw, look.night), *dark, line=0.35, form=Even(draw.uniform(0.55, 0.8))))
    if lit:
        shine = Surface(hsv(0.12, 0.5, 1.0), glow=0.8 if look.night else 0.2)
        shapes.append(wall.shape(shine, *lit, line=0.35, form=Even(0.8)))
    return shapes


def _glass(draw: Draw, night: bool) -> Surface:
    if night:
        return Surface((0.13, 0.16, 0.28), GLASS)
    return Surface(hsv(draw.uniform(0.53, 0.62), draw.uniform(0.15, 0.4), draw.uniform(0.5, 0.78)), GLASS)


def _shop(draw: Draw, wall: Face, look: Look, top: float) -> list[Shape]:
    """A shop window next to a door, an awning or none, a sign above."""
    pane, door = (0.06, top * 0.12, 0.62, top * 0.66), (0.7, 0.0, 0.92, top * 0.66)
    if draw.uniform() < 0.5:
        pane, door = (0.38, pane[1], 0.94, pane[3]), (0.08, 0.0, 0.3, door[3])
    glass = (
        Surface(hsv(0.12, 0.3, 0.9), GOODS, glow=0.85)
        if look.night
        else Surface(hsv(0.55, 0.3, 0.55), GOODS, glow=0.12)
    )
    bright = mix((1, 0.97, 0.88), look.cloth, 0.05)
    sign = text(draw, wall, (0.14, top * 0.81, 0.86, top * 0.95), bright, count=int(draw.integers(4, 9)))
    shapes = [
        wall.shape(look.trim, pane, line=0.7),
        wall.shape(glass, inset(pane, 0.02, top * 0.03), line=0.4, form=Even(0.75)),
        wall.shape(Surface(mix(look.cloth, INK, 0.3), PLASTER), door, line=0.7),
        wall.shape(glass, (door[0] + 0.04, top * 0.3, door[2] - 0.04, top * 0.6), line=0.4, form=Even(0.7)),
        wall.shape(Surface(look.cloth, PLASTER), (0.05, top * 0.76, 0.95, top * 0.99), line=0.8),
        sign,
    ]
    return shapes + (_awning(draw, wall, look, top) if draw.uniform() < 0.5 else [])


def _awning(draw: Draw, wall: Face, look: Look, top: float) -> list[Shape]:
    """A striped cloth that leans out over the pavement."""
    camera, (x, y, z), (ux, _, uz) = wall.camera, wall.corner, wall.u
    out = (0.0, -1.0) if ux else (1.0 if x < 0 else -1.0, 0.0)  # away from the wall, as x and z
    storey, reach = wall.v[1] * top, draw.uniform(0.6, 1.1)
    lower = (x + out[0] * reach, y + storey * 0.62, z + out[1] * reach)
    cloth = Face(camera, lower, (ux, 0, uz), (-out[0] * reach, storey * 0.13, -out[1] * reach), (0, -0.8, 0.6))
    count = int(draw.integers(4, 8))
    stripes = [(0.04 + 0.92 * (i + 0.5) / count, 0.0, 0.04 + 0.92 * (i + 1) / count, 1.0) for i in range(count)]
    whole = cloth.shape(Surface(look.cloth, PLASTER), (0.04, 0, 0.96, 1), line=0.8)
    return [whole, cloth.shape(Surface((0.95, 0.93, 0.88), PLASTER), *stripes, line=0.0)]


def _entrance(draw: Draw, wall: Face, look: Look, low: float) -> list[Shape]:
    """A door with steps, and windows on both sides of it."""
    middle = (int(draw.integers(look.columns)) + 0.5) / look.columns
    half = 0.26 / look.columns
    door, step = ((middle - u, 0.0, middle + u, v) for u, v in ((half, low * 0.72), (half * 1.3, low * 0.05)))
    wood = Surface(mix(look.cloth, INK, 0.25), Texture(streak=0.4, material="wood"))
    shapes = [wall.shape(wood, door, line=0.8), wall.shape(Surface(STONE, CONCRETE), step, line=0.5)]
    columns = ((column + 0.5) / look.columns for column in range(look.columns))
    panes = [(x - half * 0.9, low * 0.3, x + half * 0.9, low * 0.75) for x in columns if abs(x - middle) > half]
    if panes:
        inner = [inset(pane, half * 0.2, low * 0.05) for pane in panes]
        shapes.append(wall.shape(look.trim, *panes, line=0.6))
        shapes.append(wall.shape(_glass(draw, look.night), *inner, line=0.35, form=Even(0.7)))
    return shapes
