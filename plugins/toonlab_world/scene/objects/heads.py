"""Heads of people: faces and hair."""

from __future__ import annotations

import numpy as np

from toonlab_world.scene.forms import Even
from toonlab_world.scene.scene import Color, Shape, Texture

from .bodies import Body

SKIN = Texture(blotch=0.12)
HAIR = Texture(streak=0.5)
INK: Color = (0.1, 0.08, 0.1)
TINY = 0.07  # of the picture's side: a smaller figure has no face


def head(draw: np.random.Generator, body: Body, skin: Color, hair: Color) -> list[Shape]:
    look = draw.uniform(0.0, 0.025)
    face = body.shape([body.round(0, 0.88, 0.088, 0.1)], skin, SKIN, body.ball(0, 0.88, 0.1, 0.11))
    angles = np.linspace(0, np.pi, 13)
    brow = draw.uniform(0.9, 0.935)
    cap = [(-0.1 * float(np.cos(a)), 0.88 + 0.125 * float(np.sin(a))) for a in angles]
    fringe = [(0.098, 0.87), (0.06 + look, brow), (0.01 + look, brow - 0.012), (-0.04, brow), (-0.09, 0.86)]
    top = body.shape([body.face(*cap, *fringe)], hair, HAIR, body.ball(0, 0.89, 0.12, 0.13))
    if body.height < TINY:
        return [face, top]
    eyes = [body.round(x + look, 0.872, 0.011, 0.017, 10) for x in (-0.036, 0.036)]
    bend = draw.uniform(-0.006, 0.014)
    mouth = body.face((look - 0.025, 0.822 + bend), (look, 0.82 - bend / 2), (look + 0.025, 0.822 + bend))
    nose = body.face((look + 0.004, 0.858), (look + 0.012, 0.846), (look, 0.844))
    return [
        Shape(face.outline, face.surface, face.form, face.depth, face.line, (), [mouth, nose]),
        body.shape(eyes, INK, SKIN, Even(0.5), 0.0),
        top,
    ]


def long_hair(body: Body, hair: Color) -> Shape:
    corners = (
        (-0.09, 0.95),
        (-0.13, 0.84),
        (-0.135, 0.68),
        (-0.05, 0.66),
        (0.05, 0.66),
        (0.135, 0.68),
        (0.13, 0.84),
        (0.09, 0.95),
    )
    return body.shape([body.face(*corners)], hair, HAIR, body.ball(0, 0.8, 0.15, 0.2))
