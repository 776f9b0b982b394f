"""People, of simple shapes."""

from __future__ import annotations

import numpy as np

from toonlab_world.scene.forms import Even
from toonlab_world.scene.palette import hsv, mix
from toonlab_world.scene.scene import Color, Shape, Texture
from toonlab_world.scene.things import Place, Setting, Thing

from .bodies import Body
from .heads import INK, SKIN, TINY, head, long_hair

CLOTH = Texture(grain=0.14, blotch=0.2)
SKINS: tuple[Color, ...] = ((0.96, 0.8, 0.68), (0.88, 0.68, 0.52), (0.7, 0.5, 0.36), (0.48, 0.33, 0.24))
HAIRS: tuple[Color, ...] = (
    (0.2, 0.17, 0.17), (0.36, 0.24, 0.16), (0.52, 0.33, 0.16), (0.85, 0.68, 0.36),
    (0.62, 0.24, 0.12), (0.75, 0.75, 0.76),
)  # fmt: skip


def person(draw: np.random.Generator, setting: Setting, place: Place) -> Thing:
    """Someone who stands, walks or waves."""
    return figure(draw, place, place.size * draw.uniform(0.25, 0.31))


def figure(draw: np.random.Generator, place: Place, height: float) -> Thing:
    """Someone of a height in picture sides."""
    body = Body(place, height, float(draw.choice((-1.0, 1.0))))
    skin, hair = SKINS[int(draw.integers(len(SKINS)))], HAIRS[int(draw.integers(len(HAIRS)))]
    shirt, cloth = _cloth(draw), mix(_cloth(draw), (0.35, 0.37, 0.5), 0.45)
    long, stride = draw.uniform() < 0.45, draw.choice((0.03, 0.05, 0.14))
    parts = [long_hair(body, hair)] if long else []
    parts += _legs(draw, body, cloth, skin, stride)
    parts += [*_torso(draw, body, shirt), *_arms(draw, body, shirt, skin), *head(draw, body, skin, hair)]
    casting = body.face((-0.09 - stride, 0), (-0.14, 0.75), (-0.08, 1), (0.08, 1), (0.14, 0.75), (0.09 + stride, 0))
    return Thing(place.y, parts, [casting])


def _cloth(draw: np.random.Generator) -> Color:
    return hsv(draw.uniform(), draw.uniform(0.1, 0.75), draw.uniform(0.4, 0.92))


def _legs(draw: np.random.Generator, body: Body, cloth: Color, skin: Color, stride: float) -> list[Shape]:
    legs = [body.limb((side * 0.05, 0.5), (side * (0.045 + stride), 0.03), 0.1, 0.075) for side in (-1, 1)]
    shoes = [body.round(side * (0.045 + stride) + 0.02, 0.02, 0.055, 0.025, 12) for side in (-1, 1)]
    skirt = draw.uniform() < 0.35
    form = body.tube(0, 0.5, 0, 0.12)
    shapes = [
        body.shape(legs, skin if skirt else cloth, SKIN if skirt else CLOTH, form),
        body.shape(shoes, mix(cloth, INK, 0.45), CLOTH, Even(0.6), 0.6),
    ]
    if skirt:
        hem = draw.uniform(0.24, 0.34)
        shapes.append(
            body.shape([body.face((-0.09, 0.53), (0.09, 0.53), (0.16, hem), (-0.16, hem))], cloth, CLOTH, form)
        )
    return shapes


def _torso(draw: np.random.Generator, body: Body, shirt: Color) -> list[Shape]:
    corners = (
        (-0.1, 0.46),
        (-0.1, 0.62),
        (-0.135, 0.75),
        (-0.06, 0.79),
        (0.06, 0.79),
        (0.135, 0.75),
        (0.1, 0.62),
        (0.1, 0.46),
    )
    torso = body.shape([body.face(*corners)], shirt, CLOTH, body.tube(0, 0.79, 0.46, 0.15))
    if body.height < TINY or draw.uniform() < 0.5:
        return [torso]
    band = draw.uniform(0.52, 0.66)
    stripe = body.face((-0.1, band), (0.1, band), (0.1, band + 0.06), (-0.1, band + 0.06))
    return [torso, body.shape([stripe], mix(shirt, (1, 1, 1), 0.6), CLOTH, body.tube(0, 0.79, 0.46, 0.15), 0.0)]


def _arms(draw: np.random.Generator, body: Body, shirt: Color, skin: Color) -> list[Shape]:
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
