"""Sky and ground: clouds, sun, mountains, hills, paths."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from toonlab_world.scene.curves import box, ellipse, union
from toonlab_world.scene.fields import Ground, Sky
from toonlab_world.scene.forms import Ball, Even, Lobes
from toonlab_world.scene.noise import Draw, Key, ridge_line
from toonlab_world.scene.palette import Season, mix
from toonlab_world.scene.scene import Air, Frame, Layer, Points, Shape, Surface, Texture, level, upright

EVERYWHERE = box(-0.1, -0.1, 1.1, 1.1)
SAMPLES = 256  # points along a ridge
EARTH = Texture(grain=0.3, blotch=0.55, streak=0.2, material="earth")
GRASS = Texture(grain=0.3, blotch=0.5, streak=0.45, material="grass")
ROCK = Texture(grain=0.35, blotch=0.6, streak=0.1, material="rock")
FOREST = Texture(grain=0.3, blotch=0.4, leaf=0.6, material="forest")


@dataclass(frozen=True, slots=True)
class Ridge:
    """The upper edge of a stretch of ground: `y` at `SAMPLES` points across the picture."""

    y: NDArray[np.float32]

    def at(self, x: float) -> float:
        return float(self.y[round(min(max(x, 0), 1) * (SAMPLES - 1))])

    @property
    def slope(self) -> NDArray[np.float32]:
        """Steepness of the smoothed ridge, scaled to [-1, 1]."""
        slope = np.gradient(np.convolve(np.pad(self.y, 4, mode="edge"), np.ones(9) / 9, mode="valid"))
        return (slope / (np.abs(slope).max() + 1e-6)).astype(np.float32)

    @property
    def frame(self) -> Frame:
        """Of the ground below the ridge."""
        return level(float(self.y.min()) - 0.03, 5.0)

    @property
    def outline(self) -> Points:
        """The ground below the ridge, as a polygon."""
        x = np.linspace(0, 1, SAMPLES, dtype=np.float32)
        y = self.y
        return np.concatenate([[[-0.1, y[0]]], np.stack([x, y], axis=1), [[1.1, y[-1]], [1.1, 1.1], [-0.1, 1.1]]])


def sky(draw: Draw, air: Air, horizon: float) -> Layer:
    """The sky, perhaps the sun or moon, and a few heaps of cloud."""
    shapes = [Shape(EVERYWHERE, Surface(air.zenith), Sky(*air.sun_at, horizon), depth=1.0, line=0.0)]
    if air.night or draw.uniform() < 0.45:
        radius = draw.uniform(0.025, 0.06)
        color = (0.93, 0.95, 1.0) if air.night else mix(air.sunlight, (1.0, 1.0, 0.85), 0.4)
        disc = ellipse(*air.sun_at, radius, radius)
        shapes.append(Shape(disc, Surface(color, glow=1.0), Even(1.0), depth=1.0, line=0.5))
    count = draw.choice((0, 1, 2, 3, 5), p=(0.1, 0.2, 0.3, 0.25, 0.15))
    return Layer(shapes, [[_cloud(draw, air, horizon)] for _ in range(int(count))])


def mountains(draw: Draw, season: Season, key: Key, base: float, depth: float) -> Shape:
    """A jagged range with facets that run down from its peaks."""
    line = ridge_line(key, SAMPLES, int(draw.integers(3, 6)), octaves=5, gain=0.48)
    ridge = Ridge((base - draw.uniform(0.08, 0.16) * (line + 0.4)).astype(np.float32))
    color = mix(season.rock.draw(draw), season.needles.draw(draw), draw.uniform(0, 0.6))
    form = _ground(draw, key, ridge, cells=5, rolling=0.12, facets=0.4)
    return Shape(ridge.outline, Surface(color, ROCK, ragged=0.003), form, depth, frame=upright(0.5, base, 0.08))


def hill(draw: Draw, season: Season, key: Key, base: float, depth: float) -> tuple[Ridge, Shape]:
    """Rolling ground below a soft ridge; far hills may be wooded, near ones are meadows."""
    line = ridge_line(key, SAMPLES, int(draw.integers(2, 5)), octaves=3, gain=0.35)
    height = 0.015 + draw.uniform(0.02, 0.09) * depth
    ridge = Ridge((base - height * line).astype(np.float32))
    wooded = depth > 0.5 and draw.uniform() < 0.5
    color = (season.needles if wooded else season.meadow).draw(draw)
    surface = Surface(color, FOREST, ragged=0.008) if wooded else Surface(color, GRASS, ragged=0.003)
    form = _ground(draw, key, ridge, cells=int(draw.integers(2, 4)), rolling=0.3, facets=0.1)
    return ridge, Shape(ridge.outline, surface, form, depth, frame=ridge.frame)


def path(draw: Draw, ridge: Ridge, horizon: float, ground: Shape) -> Shape:
    """A footpath that winds from the ridge to the viewer, wider as it comes near, lit as the ground it lies on."""
    start, end, phase = draw.uniform(0.2, 0.8), draw.uniform(0.1, 0.9), draw.uniform(0, 2 * np.pi)
    top = ridge.at(start) + 0.004
    t = np.linspace(0, 1, 40)
    y = top + (1.1 - top) * t**1.5
    x = start + (end - start) * t + 0.1 * np.sin(phase + 7 * t) * np.sin(np.pi * t)
    near = np.clip((y - horizon) / (1.1 - horizon), 0, 1)
    half = 0.006 + draw.uniform(0.07, 0.15) * near**1.6
    outline = np.concatenate([np.stack([x - half, y], axis=1), np.stack([x + half, y], axis=1)[::-1]])
    color = mix((0.78, 0.66, 0.48), (0.6, 0.58, 0.56), draw.uniform())
    return Shape(
        outline.astype(np.float32),
        Surface(color, EARTH, 0.004),
        ground.form,
        ground.depth,
        line=0.7,
        frame=ground.frame,
    )


def _cloud(draw: Draw, air: Air, horizon: float) -> Shape:
    """A heap: lobes on a flat base."""
    x, y = draw.uniform(-0.05, 1.05), horizon * draw.uniform(0.15, 0.8)
    rx = draw.uniform(0.08, 0.24)
    ry = rx * draw.uniform(0.32, 0.55)
    balls = []
    for at in np.linspace(-0.75, 0.75, int(draw.integers(4, 8))):
        high, radius = (1 - at * at) * draw.uniform(0.5, 1.0), ry * draw.uniform(0.5, 0.75)
        balls.append(Ball(x + rx * float(at), y - ry * high * 0.7, radius * 1.25, radius))
    balls.sort(key=lambda ball: ball.y)
    outline = union(balls, (x, y - ry * 0.25))
    outline[:, 1] = np.minimum(outline[:, 1], y + ry * 0.15)
    white = mix(mix(air.sunlight, (1, 1, 1), 0.55), air.zenith, 0.45 if air.night else 0.0)
    form = Lobes(balls, Ball(x, y - ry * 0.3, rx * 1.1, ry * 1.4), relief=0.6)
    return Shape(outline, Surface(white), form, depth=1.0, line=0.6)


def _ground(draw: Draw, key: Key, ridge: Ridge, cells: int, rolling: float, facets: float) -> Ground:
    skew = draw.uniform(0.2, 0.5) * float(draw.choice((-1, 1)))
    return Ground((*key, "relief"), ridge.y, ridge.slope, cells, rolling, facets, skew, draw.uniform(0.55, 0.7))
