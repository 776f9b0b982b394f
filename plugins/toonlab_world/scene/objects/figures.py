"""People, of simple shapes."""

from dataclasses import dataclass, replace

import numpy as np

from toonlab_world.scene.curves import ellipse, polygon
from toonlab_world.scene.forms import Ball, Even, Form, Tube
from toonlab_world.scene.noise import Draw
from toonlab_world.scene.palette import Setting, hsv, mix
from toonlab_world.scene.scene import Color, Place, Points, Shape, Surface, Texture, Thing
from toonlab_world.scene.space import Camera, Span

Corner = tuple[float, float]
CLOTH = Texture(grain=0.14, blotch=0.2, material="cloth")
SKIN = Texture(blotch=0.12)
HAIR = Texture(streak=0.5, material="hair")
SKINS: tuple[Color, ...] = ((0.96, 0.8, 0.68), (0.88, 0.68, 0.52), (0.7, 0.5, 0.36), (0.48, 0.33, 0.24))
HAIRS: tuple[Color, ...] = (
    (0.2, 0.17, 0.17), (0.36, 0.24, 0.16), (0.52, 0.33, 0.16), (0.85, 0.68, 0.36),
    (0.62, 0.24, 0.12), (0.75, 0.75, 0.76),
)  # fmt: skip
INK: Color = (0.1, 0.08, 0.1)
TINY = 0.07  # of the picture's side: a smaller figure has no face


@dataclass(frozen=True, slots=True)
class Body:
    """A figure's own coordinates: x from its axis to the side it looks to, y up from its feet, 1 for its height."""

    place: Place
    height: float
    side: float

    def at(self, x: float, y: float) -> Corner:
        return self.place.x + self.side * self.height * x, self.place.y - self.height * y

    def face(self, *corners: Corner) -> Points:
        return polygon(*(self.at(*corner) for corner in corners))

    def mirrored(self, *corners: Corner) -> Points:
        """A polygon of corners, followed by their mirror images on the other side of the axis."""
        return self.face(*corners, *((-x, y) for x, y in reversed(corners)))

    def round(self, x: float, y: float, rx: float, ry: float, samples: int = 24) -> Points:
        return ellipse(*self.at(x, y), rx * self.height, ry * self.height, samples)

    def ball(self, x: float, y: float, rx: float, ry: float) -> Ball:
        return Ball(*self.at(x, y), rx * self.height, ry * self.height)

    def tube(self, x: float, top: float, bottom: float, wide: float) -> Tube:
        (middle, y0), (_, y1) = self.at(x, top), self.at(x, bottom)
        return Tube(middle, y0, y1, wide * self.height, wide * self.height)

    def limb(self, start: Corner, end: Corner, thick: float, thin: float) -> Points:
        """A tapering bar with a blunt end."""
        along = np.subtract(end, start)
        across = np.array([-along[1], along[0]]) / max(float(np.hypot(*along)), 1e-6)
        (ax, ay), (bx, by) = across * thick / 2, across * thin / 2
        return self.face(
            (start[0] - ax, start[1] - ay), (start[0] + ax, start[1] + ay),
            (end[0] + bx, end[1] + by), (end[0] - bx, end[1] - by),
        )  # fmt: skip

    def shape(self, outlines: list[Points], color: Color, texture: Texture, form: Form, line: float = 0.8) -> Shape:
        return self.place.shape(outlines[0], Surface(color, texture), form, line, outlines[1:])


def person(draw: Draw, setting: Setting, place: Place) -> Thing:
    """Someone who stands, walks or waves."""
    return figure(draw, place, place.size * draw.uniform(0.25, 0.31))


def someone(draw: Draw, camera: Camera, x: float, z: float, tall: Span = (1.5, 1.85)) -> Thing:
    """Someone on the ground of a street or a room, as tall as a range of metres says."""
    return figure(draw, camera.place(x, z), draw.uniform(*tall) * camera.zoom / z)


def figure(draw: Draw, place: Place, height: float) -> Thing:
    """Someone of a height in picture sides."""
    body = Body(place, height, float(draw.choice((-1.0, 1.0))))
    skin, hair = SKINS[int(draw.integers(len(SKINS)))], HAIRS[int(draw.integers(len(HAIRS)))]
    shirt, cloth = _cloth(draw), mix(_cloth(draw), (0.35, 0.37, 0.5), 0.45)
    long, stride = draw.uniform() < 0.45, draw.choice((0.03, 0.05, 0.14))
    parts = [long_hair(body, hair)] if long else []
    parts += _legs(draw, body, cloth, skin, stride)
    parts += [*_torso(draw, body, shirt), *_arms(draw, body, shirt, skin), *head(draw, body, skin, hair)]
    return Thing(place.y, parts, [body.mirrored((-0.09 - stride, 0), (-0.14, 0.75), (-0.08, 1))])


def _cloth(draw: Draw) -> Color:
    return hsv(draw.uniform(), draw.uniform(0.1, 0.75), draw.uniform(0.4, 0.92))


def _legs(draw: Draw, body: Body, cloth: Color, skin: Color, stride: float) -> list[Shape]:
    legs = [body.limb((side * 0.05, 0.5), (side * (0.045 + stride), 0.03), 0.1, 0.075) for side in (-1, 1)]
    shoes = [body.round(side * (0.045 + stride) + 0.02, 0.02, 0.055, 0.025, 12) for side in (-1, 1)]
    skirt = draw.uniform() < 0.35
    form = body.tube(0, 0.5, 0, 0.12)
    shapes = [
        body.shape(legs, skin if skirt else cloth, SKIN if skirt else CLOTH, form),
        body.shape(shoes, mix(cloth, INK, 0.45), CLOTH, Even(0.6), 0.6),
    ]
    if skirt:
        shapes.append(body.shape([body.mirrored((-0.16, draw.uniform(0.24, 0.34)), (-0.09, 0.53))], cloth, CLOTH, form))
    return shapes


def _torso(draw: Draw, body: Body, shirt: Color) -> list[Shape]:
    outline = body.mirrored((-0.1, 0.46), (-0.1, 0.62), (-0.135, 0.75), (-0.06, 0.79))
    form = body.tube(0, 0.79, 0.46, 0.15)
    torso = body.shape([outline], shirt, CLOTH, form)
    if body.height < TINY or draw.uniform() < 0.5:
        return [torso]
    band = draw.uniform(0.52, 0.66)
    stripe = body.mirrored((-0.1, band + 0.06), (-0.1, band))
    return [torso, body.shape([stripe], mix(shirt, (1, 1, 1), 0.6), CLOTH, form, 0.0)]


def _arms(draw: Draw, body: Body, shirt: Color, skin: Color) -> list[Shape]:
    """Each hangs, swings or is raised."""
    sleeves, hands = [], []
    for side in (-1, 1):
        hand = (side * draw.uniform(0.16, 0.2), draw.uniform(0.42, 0.5))
        if draw.uniform() < 0.2:
            hand = (side * draw.uniform(0.22, 0.3), draw.uniform(0.85, 0.98))
        sleeves.append(body.limb((side * 0.115, 0.735), hand, 0.075, 0.06))
        hands.append(body.round(*hand, 0.032, 0.035, 12))
    form = body.tube(0, 0.75, 0.42, 0.2)
    return [body.shape(hands, skin, SKIN, Even(0.75), 0.6), body.shape(sleeves, shirt, CLOTH, form)]


def head(draw: Draw, body: Body, skin: Color, hair: Color) -> list[Shape]:
    look = draw.uniform(0.0, 0.025)
    face = body.shape([body.round(0, 0.88, 0.088, 0.1)], skin, SKIN, body.ball(0, 0.88, 0.1, 0.11))
    brow = draw.uniform(0.9, 0.935)
    cap = [(-0.1 * float(np.cos(a)), 0.88 + 0.125 * float(np.sin(a))) for a in np.linspace(0, np.pi, 13)]
    fringe = [(0.098, 0.87), (0.06 + look, brow), (0.01 + look, brow - 0.012), (-0.04, brow), (-0.09, 0.86)]
    top = body.shape([body.face(*cap, *fringe)], hair, HAIR, body.ball(0, 0.89, 0.12, 0.13))
    if body.height < TINY:
        return [face, top]
    eyes = [body.round(x + look, 0.872, 0.011, 0.017, 10) for x in (-0.036, 0.036)]
    bend = draw.uniform(-0.006, 0.014)
    mouth = body.face((look - 0.025, 0.822 + bend), (look, 0.82 - bend / 2), (look + 0.025, 0.822 + bend))
    nose = body.face((look + 0.004, 0.858), (look + 0.012, 0.846), (look, 0.844))
    return [replace(face, strokes=[mouth, nose]), body.shape(eyes, INK, SKIN, Even(0.5), 0.0), top]


def long_hair(body: Body, hair: Color) -> Shape:
    outline = body.mirrored((-0.09, 0.95), (-0.13, 0.84), (-0.135, 0.68), (-0.05, 0.66))
    return body.shape([outline], hair, HAIR, body.ball(0, 0.8, 0.15, 0.2))
