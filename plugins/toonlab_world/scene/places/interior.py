"""Rooms: three walls, a floor and a ceiling, in daylight or by the lamp."""

from dataclasses import replace

import numpy as np

from toonlab_world.scene.curves import stand
from toonlab_world.scene.fields import Pool
from toonlab_world.scene.forms import Even, Form
from toonlab_world.scene.noise import Draw, Key
from toonlab_world.scene.objects.figures import someone
from toonlab_world.scene.objects.furniture import PIECES, PLASTER, cloth, wood
from toonlab_world.scene.objects.walls import hang, inset, window
from toonlab_world.scene.palette import Setting, hsv, mix
from toonlab_world.scene.scene import Air, Color, Layer, Scene, Shape, Surface, Texture, Thing
from toonlab_world.scene.space import Camera, Face

from .terrain import EVERYWHERE

RUG = Texture(grain=0.35, blotch=0.2, material="cloth")
LAMPLIGHT: Color = (1.0, 0.86, 0.62)
AT_THE_WALL = ["sofa", "shelf", "cupboard", "plant", "lamp", "cupboard", "shelf"]
IN_THE_ROOM = ["table", "chair", "chair", "plant", "lamp", "table"]


def interior(draw: Draw, setting: Setting, key: Key) -> Scene:
    """The scene of a key: a room, what hangs on its walls, what stands in it, and who is at home."""
    air = _indoors(draw, setting.air)
    setting = replace(setting, air=air)
    camera = Camera(draw.uniform(0.35, 0.65), draw.uniform(0.36, 0.52), draw.uniform(1.25, 1.7), draw.uniform(0.7, 1.0))
    room = Room(draw, camera, air)
    walls = room.shapes(draw)
    hung = [window(draw, room.light_wall, setting), *hang(draw, room.bare_walls)]
    things = _things(draw, setting, room)
    inside = stand(things, air.sun, [*walls, *room.patch(draw)], hung)
    behind = Layer([Shape(EVERYWHERE, Surface(air.zenith), Even(0.5), depth=1.0, line=0.0)])
    spot = (camera.vanishing + draw.uniform(-0.2, 0.2), draw.uniform(0.5, 0.75))
    return Scene(key, air, camera.horizon, behind, [inside], draw.uniform(0.05, 0.2), draw.uniform(0.1, 0.5), spot=spot)


def _indoors(draw: Draw, air: Air) -> Air:
    """The light in a room: what comes in by day, a lamp in the evening."""
    clear = replace(air, haze=0.1)
    if air.night:
        return replace(clear, sunlight=LAMPLIGHT, ambient=(0.42, 0.36, 0.4), horizon=(0.5, 0.4, 0.36))
    ambient = mix(mix(air.ambient, (0.62, 0.58, 0.54), 0.6), air.sunlight, 0.15)
    return replace(clear, ambient=ambient, sunlight=mix(air.sunlight, (1, 1, 1), 0.3))


class Room:
    """Metres: `half` its width, `tall`, `back` to the wall that faces the viewer. A lamp or a window lights it."""

    def __init__(self, draw: Draw, camera: Camera, air: Air) -> None:
        self.camera, self.air = camera, air
        self.half, self.tall, self.back = draw.uniform(1.7, 2.6), draw.uniform(2.4, 2.9), draw.uniform(3.4, 5.2)
        self.lit_side = float(np.sign(air.sun[0]))
        width, depth, rise = (2 * self.half, 0, 0), (0, 0, self.back - 0.5), (0, self.tall, 0)
        self.back_wall = Face(camera, (-self.half, 0.0, self.back), width, rise, (0, 0, 1))
        self.left, self.right = (
            Face(camera, (side * self.half, 0.0, 0.5), depth, rise, (-0.95 * side, 0, 0.3)) for side in (-1.0, 1.0)
        )
        self.floor = Face(camera, (-self.half, 0.0, 0.5), width, depth, (0, -1, 0))
        self.ceiling = Face(camera, (-self.half, self.tall, 0.5), width, depth, (0, 1, 0))
        on_side = draw.uniform() < 0.4
        self.light_wall = (self.right if self.lit_side > 0 else self.left) if on_side else self.back_wall

    @property
    def walls(self) -> tuple[Face, Face, Face]:
        return self.back_wall, self.left, self.right

    @property
    def bare_walls(self) -> list[Face]:
        return [wall for wall in self.walls if wall != self.light_wall]

    def shapes(self, draw: Draw) -> list[Shape]:
        """Ceiling, walls with their skirting, floor."""
        hue = draw.choice((0.05, 0.1, 0.13, 0.3, 0.5, 0.58, 0.95))
        paint = hsv(hue, draw.uniform(0.04, 0.42), draw.uniform(0.68, 0.93))
        plain, skirting, top = (Surface(mix(paint, (1, 1, 1), white), PLASTER) for white in (0.0, 0.6, 0.75))
        plain = replace(plain, texture=replace(PLASTER, material="paper"))
        shapes = [self.ceiling.shape(top, form=Even(0.72), line=0.6)]
        for face, dim in zip(self.walls, (1.0, 0.8, 0.8), strict=True):
            shapes.append(face.shape(plain, form=self._pool(dim), line=0.7))
            shapes.append(face.shape(skirting, (0, 0, 1, 0.045), line=0.4, form=Even(0.75 * dim)))
        return [*shapes, *self._ground(draw)]

    def _pool(self, dim: float) -> Form:
        if not self.air.night:
            return Pool(0.5 + 0.45 * self.lit_side, self.camera.horizon, 0.6, 0.7, 0.4 * dim, 0.95 * dim)
        return Pool(0.5 + 0.2 * self.lit_side, self.camera.horizon - 0.1, 0.35, 0.3, 0.22 * dim, 1.0 * dim)

    def _ground(self, draw: Draw) -> list[Shape]:
        """Planks, tiles or carpet; perhaps a rug."""
        kind, joints = int(draw.choice(3)), np.linspace(0, 1, 13)[1:-1].tolist()
        planks, tiles = (
            wood(draw),
            Surface(hsv(draw.uniform(), 0.12, 0.75), Texture(grain=0.15, blotch=0.3, material="concrete")),
        )
        surface = (planks, tiles, cloth(draw))[kind]
        lines = [(u, 0.0, u, 1.0) for u in joints] if kind < 2 else []
        lines += [(0.0, v, 1.0, v) for v in joints] if kind == 1 else []
        form = Pool(0.5 + 0.25 * self.lit_side, 0.85, 0.5, 0.3, 0.5, 0.95)
        shapes = [self.floor.shape(surface, form=form, line=0.8, strokes=lines)]
        if draw.uniform() < 0.6:
            (u, v), (w, d) = draw.uniform(0.2, 0.4, 2), draw.uniform(0.25, 0.5, 2)
            rug = (u, v, u + w, v + d)
            for rect, line in ((rug, 0.8), (inset(rug, 0.04, 0.04), 0.5)):
                shapes.append(self.floor.shape(replace(cloth(draw), texture=RUG), rect, line=line))
        return shapes

    def patch(self, draw: Draw) -> list[Shape]:
        """Where the sun that comes through the window falls on the floor."""
        if self.air.night or draw.uniform() < 0.4:
            return []
        u, v, lean = draw.uniform(0.2, 0.5), draw.uniform(0.3, 0.55), 0.12 * self.lit_side
        outline = self.floor.see([(u, v), (u + 0.2, v), (u + 0.2 - lean, v + 0.3), (u - lean, v + 0.3)])
        light = Surface(mix((0.95, 0.88, 0.72), self.air.sunlight, 0.5), Texture(streak=0.3, material="wood"))
        return [Shape(outline, light, Even(0.95), self.floor.depth, 0.0)]


def _things(draw: Draw, setting: Setting, room: Room) -> list[Thing]:
    """What stands along the back wall, what stands in the room, and who."""
    camera, things = room.camera, []
    for x in np.linspace(-room.half + 0.7, room.half - 0.7, int(draw.integers(1, 4))).tolist():
        piece = PIECES[str(draw.choice(AT_THE_WALL))]
        things.append(piece(draw, setting, camera, x + draw.uniform(-0.2, 0.2), room.back - 0.95))
    for _ in range(int(draw.integers(1, 4))):
        z = draw.uniform(1.9, max(2.2, room.back - 1.6))
        x = draw.uniform(-0.8, 0.8) * min(room.half, camera.half_width(z))
        things.append(PIECES[str(draw.choice(IN_THE_ROOM))](draw, setting, camera, x, z))
    for _ in range(int(draw.choice((0, 1, 1, 2, 3)))):
        z = draw.uniform(1.9, room.back - 0.9)
        x = draw.uniform(-0.75, 0.75) * min(room.half, camera.half_width(z))
        things.append(someone(draw, camera, x, z, tall=(1.3, 1.8)))
    return things
