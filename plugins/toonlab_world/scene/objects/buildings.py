"""Houses, as boxes seen a little from the side."""

from dataclasses import dataclass

from toonlab_world.scene.curves import polygon
from toonlab_world.scene.forms import Direction, Even, Plane
from toonlab_world.scene.noise import Draw
from toonlab_world.scene.palette import Setting, hsv, mix
from toonlab_world.scene.scene import Color, Place, Points, Shape, Surface, Texture, Thing

PLASTER = Texture(grain=0.16, blotch=0.3, material="plaster")
TILES = Texture(grain=0.3, streak=0.4, material="tiles")
WOOD = Texture(grain=0.2, streak=0.45, material="wood")
BRICK = Texture(grain=0.4, blotch=0.3, material="brick")
WALL_HUES = (0.08, 0.11, 0.13, 0.02, 0.55, 0.95)
ROOF_HUES = (0.0, 0.02, 0.04, 0.07, 0.58, 0.62, 0.42)
SHADE: Color = (0.2, 0.1, 0.1)
FRONT: Direction = (-0.1, 0, 0.99)
SIDE: Direction = (0.95, 0, 0.3)


@dataclass(frozen=True, slots=True)
class Block:
    """A box seen a little from the side: `side` is +1 if its side wall shows on the right, -1 on the left.

    Local coordinates: x from 0 to 1 across the front wall, y from 0 at the ground to 1 at the eaves, z from 0 at the
    front to 1 at the back.
    """

    place: Place
    width: float
    height: float
    side: float
    deep: float

    def at(self, x: float, y: float, z: float = 0.0) -> tuple[float, float]:
        right = (x - 0.5) * self.width + z * self.deep
        return self.place.x + self.side * right, self.place.y - y * self.height - z * self.deep * 0.28

    def face(self, *corners: tuple[float, ...]) -> Points:
        return polygon(*(self.at(*corner) for corner in corners))

    def front(self, left: float, low: float, right: float, high: float) -> Points:
        """A rectangle on the front wall."""
        return self.face((left, low), (right, low), (right, high), (left, high))

    def shape(self, outline: Points, color: Color, texture: Texture, normal: Direction, line: float = 1.0) -> Shape:
        toward = (normal[0] * self.side, normal[1], normal[2])
        return self.place.shape(outline, Surface(color, texture), Plane(toward), line)


def house(draw: Draw, setting: Setting, place: Place) -> Thing:
    """Four walls under a gable roof that shows its gable or its slope, with chimney, windows and a door."""
    wall = hsv(draw.choice(WALL_HUES), draw.uniform(0.03, 0.4), draw.uniform(0.7, 0.92))
    roof = hsv(draw.choice(ROOF_HUES), draw.uniform(0.35, 0.75), draw.uniform(0.38, 0.66))
    height, side = place.size * draw.uniform(0.3, 0.48), draw.choice((-1.0, 1.0))
    block = Block(place, height * draw.uniform(0.9, 1.5), height, side, height * draw.uniform(0.5, 1.0))
    rise = draw.uniform(0.5, 0.85)
    shapes = [
        block.shape(block.face((1, 0, 0), (1, 0, 1), (1, 1, 1), (1, 1, 0)), wall, PLASTER, SIDE),
        block.shape(block.front(0, 0, 1, 1), wall, PLASTER, FRONT),
        *(_gable if draw.uniform() < 0.5 else _slope)(block, wall, roof, rise),
        *_openings(draw, block, setting.air.night),
    ]
    if draw.uniform() < 0.6:
        shapes.append(_chimney(draw, block, rise))
    silhouette = block.face((0, 0), (0, 1), (0.5, 1 + rise), (0.5, 1 + rise, 1), (1, 1, 1), (1, 0, 1))
    return Thing(place.y, shapes, [silhouette])


def _gable(block: Block, wall: Color, roof: Color, rise: float) -> list[Shape]:
    """The roof shows its gable to the front: a triangle of wall, one slope, and boards along the gable's edges."""
    top, over, thick = 1 + rise, 0.12, 0.11
    eave, right = 1 - over * rise, 1 + over
    near, far = -0.08, 1.08  # the roof overhangs at both ends
    ridge, edge = top + thick, eave + thick
    slope = block.face((0.5, ridge, near), (0.5, ridge, far), (right, edge, far), (right, edge, near))
    boards = block.face(
        (-over, eave, near), (-over, edge, near), (0.5, ridge, near), (right, edge, near), (right, eave, near),
        (0.5, top - 0.02, near),
    )  # fmt: skip
    return [
        block.shape(block.face((0, 1), (1, 1), (0.5, top)), wall, PLASTER, FRONT, line=0),
        block.shape(slope, roof, TILES, (0.6, -0.7, 0.3)),
        block.shape(boards, mix(roof, SHADE, 0.25), WOOD, (0, -0.3, 0.9)),
    ]


def _slope(block: Block, wall: Color, roof: Color, rise: float) -> list[Shape]:
    """The roof shows its slope to the front: a triangle of side wall, a board along its far edge, the slope."""
    top, over = 1 + rise * 0.9, 0.1
    ridge, right = top + 0.05, 1 + over
    slope = block.face((-over, 0.94, -0.12), (right, 0.94, -0.12), (right, ridge, 0.5), (-over, ridge, 0.5))
    board = block.face((right, ridge, 0.5), (right, 0.99, 1.03), (right, 0.93, 1.03), (right, top - 0.03, 0.5))
    return [
        block.shape(block.face((1, 1, 0), (1, 1, 1), (1, top, 0.5)), wall, PLASTER, SIDE, line=0),
        block.shape(board, mix(roof, SHADE, 0.25), WOOD, (0.3, -0.3, 0.5)),
        block.shape(slope, roof, TILES, (-0.05, -0.75, 0.65)),
    ]


def _openings(draw: Draw, block: Block, night: bool) -> list[Shape]:
    """A door, and a window in every other column of the front."""
    columns = 2 if block.width < 1.15 * block.height else 3
    door, half = int(draw.integers(columns)), 0.32 / columns
    paint = hsv(draw.uniform(), draw.uniform(0.3, 0.6), draw.uniform(0.35, 0.65))
    frame = hsv(0.1, draw.uniform(0, 0.3), draw.choice((0.35, 0.95)))
    if night:
        glass = Surface(hsv(0.12, 0.6, 1.0), glow=0.9) if draw.uniform() < 0.8 else Surface((0.15, 0.2, 0.32))
    else:
        glass = Surface(
            hsv(draw.uniform(0.53, 0.62), draw.uniform(0.2, 0.45), draw.uniform(0.5, 0.72)), Texture(material="glass")
        )
    shapes: list[Shape] = []
    for column in range(columns):
        x = (column + 0.5) / columns
        if column == door:
            shapes.append(block.shape(block.front(x - half, 0, x + half, 0.66), paint, WOOD, FRONT, 0.8))
        else:
            shapes += _window(block, x, half, frame, glass)
    return shapes


def _window(block: Block, x: float, half: float, frame: Color, glass: Surface) -> list[Shape]:
    """Two panes in a frame."""
    low, high = 0.36, 0.76
    panes = [block.front(x + s * half * 0.14, low + 0.05, x + s * half * 0.83, high - 0.05) for s in (-1, 1)]
    whole = block.shape(block.front(x - half, low, x + half, high), frame, WOOD, FRONT, 0.8)
    return [whole, *(block.place.shape(pane, glass, Even(0.8), 0.5) for pane in panes)]


def _chimney(draw: Draw, block: Block, rise: float) -> Shape:
    left, foot, top = draw.uniform(0.62, 0.8), 1 + rise * 0.45, 1 + rise * 1.15
    right, middle = left + 0.13, 0.5
    outline = block.face((left, foot, middle), (right, foot, middle), (right, top, middle), (left, top, middle))
    return block.shape(outline, hsv(draw.uniform(0.0, 0.05), 0.45, 0.5), BRICK, FRONT, 0.8)
