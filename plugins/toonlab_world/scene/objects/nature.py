"""What grows and lies about: trees, conifers, bushes, stones, tufts, flowers."""

import numpy as np

from toonlab_world.scene.curves import ellipse, polygon, union
from toonlab_world.scene.forms import Ball, Even, Lobes, Tube
from toonlab_world.scene.noise import Draw
from toonlab_world.scene.palette import Setting, hsv, mix
from toonlab_world.scene.scene import Color, Place, Points, Shape, Surface, Texture, Thing

LEAVES = Texture(grain=0.25, leaf=0.8, material="leaves")
NEEDLES = Texture(grain=0.25, leaf=0.8, material="needles")
BARK = Texture(grain=0.3, streak=0.5, material="bark")
STONE = Texture(grain=0.45, blotch=0.45, material="stone")
BIRCH: Color = (0.8, 0.78, 0.74)
PETAL_HUES = (0.0, 0.05, 0.13, 0.15, 0.6, 0.75, 0.85, 0.93)


def tree(draw: Draw, setting: Setting, place: Place) -> Thing:
    """A trunk and a round, tall or broad crown of lobes."""
    height = place.size * draw.uniform(0.75, 1.2)
    rx, ry = height * draw.uniform(0.24, 0.38), height * draw.uniform(0.26, 0.36)
    middle = place.y - height + ry
    trunk = _trunk(draw, place, height * draw.uniform(0.05, 0.08), middle)
    color = setting.season.leaves.draw(draw)
    crown = _leaves(draw, place, color, Ball(place.x, middle, rx, ry), int(draw.integers(6, 11)))
    return _growing(place, trunk, crown)


def poplar(draw: Draw, setting: Setting, place: Place) -> Thing:
    """A slim column of leaves."""
    height, width = place.size * draw.uniform(1.0, 1.5), place.size * draw.uniform(0.11, 0.17)
    trunk = _trunk(draw, place, height * 0.035, place.y - height * 0.4)
    balls = [
        Ball(place.x + width * draw.uniform(-0.15, 0.15), place.y - height * at, width * wide, height * 0.24)
        for at, wide in ((0.32, 0.8), (0.5, 1.0), (0.68, 0.75), (0.8, 0.45))
    ]
    middle = place.x, place.y - height * 0.5
    form = Lobes(balls, Ball(*middle, width * 1.1, height * 0.55), 0.3)
    leaves = Surface(setting.season.leaves.draw(draw), LEAVES, ragged=0.006)
    return _growing(place, trunk, place.shape(union(balls, middle), leaves, form))


def conifer(draw: Draw, setting: Setting, place: Place) -> Thing:
    """Tiers of hanging branches, each above the one below."""
    height, width = place.size * draw.uniform(0.9, 1.5), place.size * draw.uniform(0.2, 0.34)
    tiers = int(draw.integers(3, 5))
    needles = Surface(setting.season.needles.draw(draw), NEEDLES, ragged=0.004)
    shapes = [_trunk(draw, place, height * 0.05, place.y - height * 0.3)]
    for tier in range(tiers):
        bottom = place.y - height * (0.13 + 0.8 * tier / tiers)
        top = place.y - height * min(1.0, 0.13 + 0.8 * (tier + 1.75) / tiers)
        half = width * (1 - 0.72 * tier / tiers)
        form = Tube(place.x, top, bottom, half * 0.05, half)
        shapes.append(place.shape(_tier(draw, place.x, top, bottom, half), needles, form))
    return _growing(place, *shapes)


def bush(draw: Draw, setting: Setting, place: Place) -> Thing:
    """A low heap of leaves."""
    rx, ry = place.size * draw.uniform(0.12, 0.26), place.size * draw.uniform(0.1, 0.18)
    color = setting.season.leaves.draw(draw)
    return _growing(
        place, _leaves(draw, place, color, Ball(place.x, place.y - ry * 0.6, rx, ry), int(draw.integers(4, 8)))
    )


def stone(draw: Draw, setting: Setting, place: Place) -> Thing:
    """A boulder with a lit upper face."""
    rx, ry = place.size * draw.uniform(0.08, 0.22), place.size * draw.uniform(0.06, 0.14)
    corners = int(draw.integers(7, 11))
    angles = 2 * np.pi * (np.arange(corners) + draw.uniform(-0.3, 0.3, corners)) / corners
    around = np.stack([np.cos(angles), np.sin(angles)], axis=1) * draw.uniform(0.8, 1.1, (corners, 1))
    outline = (around * (rx, ry) + (place.x, place.y - ry * 0.7)).astype(np.float32)
    outline[:, 1] = np.minimum(outline[:, 1], place.y)
    surface = Surface(setting.season.rock.draw(draw), STONE, ragged=0.002)
    return _growing(place, place.shape(outline, surface, Ball(place.x, place.y - ry * 0.5, rx * 1.2, ry * 1.3)))


def tuft(draw: Draw, setting: Setting, place: Place) -> Thing:
    """A few blades of grass."""
    height, blades = place.size * draw.uniform(0.06, 0.12), int(draw.integers(3, 6))
    color = mix(setting.season.meadow.draw(draw), (0.1, 0.25, 0.1), 0.3)
    tips = np.linspace(-1, 1, blades) * draw.uniform(0.5, 0.9)
    points = [(place.x - height * 0.35, place.y)]
    for index, lean in enumerate(tips):
        points.append((place.x + height * lean, place.y - height * draw.uniform(0.7, 1.1)))
        points.append((place.x + height * 0.35 * (2 * (index + 1) / blades - 1), place.y - height * 0.12))
    points[-1] = (place.x + height * 0.35, place.y)
    return Thing(place.y, [place.shape(polygon(*points), Surface(color, ragged=0.002), Even(0.62), line=0.7)])


def flowers(draw: Draw, setting: Setting, place: Place) -> Thing:
    """A patch of one kind of flower."""
    surface = Surface(hsv(draw.choice(PETAL_HUES), draw.uniform(0.0, 0.8), 0.95))
    shapes = []
    for _ in range(int(draw.integers(4, 9))):
        x, y = place.x + place.size * draw.normal(0, 0.12), place.y + place.size * draw.normal(0, 0.04)
        radius = place.size * draw.uniform(0.013, 0.022)
        form = Even(float(draw.choice((0.6, 0.85))))
        shapes.append(place.shape(ellipse(x, y, radius, radius * 0.8, samples=12), surface, form, line=0.5))
    return Thing(place.y, sorted(shapes, key=lambda shape: float(shape.outline[0, 1])))


def _growing(place: Place, *shapes: Shape) -> Thing:
    """Shapes that all cast a shadow."""
    return Thing(place.y, shapes, [shape.outline for shape in shapes])


def _trunk(draw: Draw, place: Place, width: float, top: float) -> Shape:
    brown = hsv(draw.uniform(0.03, 0.09), draw.uniform(0.3, 0.55), draw.uniform(0.3, 0.5))
    bark = Surface(BIRCH if draw.uniform() < 0.15 else brown, BARK)
    lean = width * draw.uniform(-0.6, 0.6)
    outline = polygon(
        (place.x + lean - width * 0.35, top), (place.x + lean + width * 0.35, top),
        (place.x + width * 0.5, place.y - width), (place.x + width * 0.85, place.y),
        (place.x - width * 0.85, place.y), (place.x - width * 0.5, place.y - width),
    )  # fmt: skip
    return place.shape(outline, bark, Tube(place.x, top, place.y, width * 0.5, width * 0.8))


def _leaves(draw: Draw, place: Place, color: Color, whole: Ball, lobes: int) -> Shape:
    """A heap of leaves: a ring of lobes, and one in the middle, in front."""
    x, y, rx, ry = whole.x, whole.y, whole.rx, whole.ry
    angles = np.linspace(0, 2 * np.pi, lobes, endpoint=False) + draw.uniform(0, 2 * np.pi)
    balls = [
        Ball(
            x + rx * 0.58 * float(np.cos(angle)) * draw.uniform(0.85, 1.1),
            y + ry * 0.55 * float(np.sin(angle)) * draw.uniform(0.85, 1.1),
            rx * (radius := draw.uniform(0.38, 0.52)),
            ry * radius * draw.uniform(0.95, 1.15),
        )
        for angle in angles
    ]
    balls.sort(key=lambda ball: ball.y)
    balls.append(Ball(x + rx * draw.uniform(-0.12, 0.12), y + ry * draw.uniform(0.0, 0.2), rx * 0.55, ry * 0.55))
    form = Lobes(balls, Ball(x, y, rx * 1.08, ry * 1.08))
    return place.shape(union(balls, (x, y)), Surface(color, LEAVES, ragged=0.006), form)


def _tier(draw: Draw, x: float, top: float, bottom: float, half: float) -> Points:
    teeth, height = 5, bottom - top
    points = [(x, top)]
    for index in range(teeth * 2 + 1):
        at = 1 - index / teeth
        hang = height * (0.0 if index % 2 == 0 else -0.1) * draw.uniform(0.6, 1.2)
        bow = height * 0.14 * (1 - at * at)
        points.append((x + half * at, bottom + hang + bow - height * 0.1))
    return polygon(*points)
