"""What materials look like: tiles that repeat without a seam, of brightness (its logarithm), warmth and height."""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import product
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from toonlab_world.scene.noise import Draw
from toonlab_world.scene.scene import Material

Field = NDArray[Any]  # float: (TILE, TILE), or (TILE, TILE, 3) of brightness, warmth, height
TILE = 256  # texels a side


def cloudy(draw: Draw, slope: float = 1.5, tall: float = 1.0, wide: float = 1.0) -> Field:
    """Noise of standard deviation 1 whose amplitude falls with frequency; `tall` and `wide` draw it out."""
    across, down = np.fft.rfftfreq(TILE, 1 / TILE), np.fft.fftfreq(TILE, 1 / TILE)[:, None]
    frequency = np.hypot(across * wide, down * tall)
    frequency[0, 0] = np.inf
    field = np.fft.irfft2(np.fft.rfft2(draw.standard_normal((TILE, TILE))) * frequency**-slope)
    return (field / field.std()).astype(np.float32)


def ridged(field: Field) -> Field:
    """Sharp crests where a noise crosses zero, about of mean 0 and standard deviation 1."""
    return np.float32(1.3) - np.float32(1.65) * np.abs(field)


def strewn(
    draw: Draw, count: int, long: float, wide: float, turn: float = 0, spread: float = 180, square: bool = False
) -> Field:
    """Many small things, the brightest in front: ellipses or rectangles, in texels, `spread` around `turn` degrees."""
    canvas = np.full((TILE, TILE, 3), (30, 128, 0), np.uint8)
    bright, at = np.sort(draw.normal(128, 45, count)).clip(10, 245), draw.uniform(0, TILE, (count, 2))
    size = draw.uniform(0.6, 1.4, (count, 1)) * (long, wide)
    angle, warm = turn + draw.uniform(-spread, spread, count), draw.normal(128, 14, count).clip(0, 255)
    reach = max(long, wide) * 1.5
    for (x, y), sides, degrees, *color in zip(at, size, angle, bright, warm, np.linspace(60, 255, count), strict=True):
        box = cv2.boxPoints(((0.0, 0.0), (float(sides[0]), float(sides[1])), float(degrees)))
        for left, top in product(*([p for p in (a - TILE, a, a + TILE) if -reach < p < TILE + reach] for a in (x, y))):
            if square:
                corners = np.rint((box + np.array((left, top), np.float32)) * 16).astype(np.int32)
                cv2.fillConvexPoly(canvas, corners, color, cv2.LINE_AA, 4)
            else:
                middle, axes = (round(left * 16), round(top * 16)), (round(sides[0] * 8), round(sides[1] * 8))
                cv2.ellipse(canvas, middle, axes, float(degrees), 0, 360, color, -1, cv2.LINE_AA, 4)
    scaled = (canvas.astype(np.float32) - 128) / 64
    return scaled - np.array((scaled[..., 0].mean(), scaled[..., 1].mean(), 0), np.float32)


def courses(draw: Draw, rows: int, columns: int, joint: float, shift: float = 0.5) -> tuple[Field, Field, Field]:
    """Rows of stones: each stone's own brightness, 1 in the joints between them, and the way down a stone, 0 to 1."""
    down = np.arange(TILE, dtype=np.float32)[:, None] * (rows / TILE) + np.zeros((1, TILE), np.float32)
    row = down.astype(np.int32)
    across = np.arange(TILE, dtype=np.float32)[None] * (columns / TILE) + (row * shift) % 1
    own = draw.standard_normal((rows, columns)).astype(np.float32)[row, across.astype(np.int32) % columns]
    edge_x, edge_y = (np.minimum(part % 1, 1 - part % 1) * TILE / n for part, n in ((across, columns), (down, rows)))
    return own, np.clip(joint + np.float32(0.5) - np.minimum(edge_x, edge_y), 0, 1), down % 1


def stack(bright: Field, warm: Field | float = 0.0, height: Field | float = 0.0) -> Field:
    return np.stack(np.broadcast_arrays(bright, warm, height), axis=2).astype(np.float32)


def masonry(draw: Draw, rows: int, columns: int, joint: float, own: float, gap: float, rough: float) -> Field:
    """Stones that vary by `own`, in joints of a width in texels that are brighter by `gap`."""
    stone, between, _ = courses(draw, rows, columns, joint)
    worn = cloudy(draw, 1.4)
    bright = own * stone * (1 - between) + gap * between + rough * worn
    return stack(bright, 0.06 * stone + 0.04 * worn, 1 - between + 0.15 * cloudy(draw, 0.8))


def roof(draw: Draw) -> Field:
    stone, between, down = courses(draw, 20, 16, 0.6)
    return stack(0.2 * stone - 0.7 * between + 0.7 * (0.5 - down) + 0.12 * cloudy(draw), 0.06 * stone, 1 - down)


def planks(draw: Draw) -> Field:
    board, between, _ = (part.T for part in courses(draw, 12, 2, 0.8, 0.37))
    grain = ridged(cloudy(draw, 1.2, tall=9))
    return stack(0.16 * board - 0.8 * between + 0.22 * grain, 0.08 * board + 0.05 * grain, 0.3 * grain - between)


def plaster(draw: Draw) -> Field:
    stains, streaks, fine = cloudy(draw, 1.8), cloudy(draw, 1.5, tall=5), cloudy(draw, 0.6)
    cracks = np.clip(ridged(cloudy(draw, 1.7)) - 1.22, 0, 0.08) * 8
    return stack(0.1 * stains + 0.1 * streaks + 0.07 * fine - cracks, 0.04 * stains, 0.08 * fine)


def rocky(draw: Draw, tall: float = 1.0) -> Field:
    coarse, fine = ridged(cloudy(draw, 1.6, tall)), ridged(cloudy(draw, 1.1, tall))
    return stack(0.3 * coarse + 0.25 * fine, 0.04 * cloudy(draw), coarse + 0.5 * fine)


def striped(draw: Draw, across: int, down: int, folds: float = 0.3) -> Field:
    """Cloth or paper with so many stripes both ways."""
    at = np.arange(TILE, dtype=np.float32) * np.float32(2 * np.pi / TILE)
    pattern = np.sign(np.sin(at * down))[:, None] * 0.27 + np.sign(np.sin(at * across))[None] * 0.27
    fold = folds * ridged(cloudy(draw, 1.7, tall=3))
    return stack(pattern + fold + 0.08 * cloudy(draw, 0.5), 0.1 * pattern, 3 * fold)


def printed(draw: Draw, folds: float = 0.3) -> Field:
    """Cloth or paper with leaves or flowers on it."""
    return strewn(draw, 260, 12, 6) * np.array((0.55, 0.6, 0), np.float32) + striped(draw, 0, 0, folds)


def rippling(draw: Draw) -> Field:
    waves = ridged(cloudy(draw, 1.1, wide=4)) + 0.5 * cloudy(draw, 1.6, wide=3)
    return stack(0.42 * waves, -0.05 * waves, 0.4 * waves)


def mirrored(draw: Draw) -> Field:
    """What a pane of glass shows of its surroundings: houses, branches, a bright sky."""
    town = strewn(draw, 60, 60, 26, 0, 4, square=True)[..., 0]
    branches = np.tanh(4 * cloudy(draw, 1.4))
    return stack(0.5 * town + 0.25 * branches, 0.15 * branches)


def speckled(draw: Draw, stones: Field, share: float) -> Field:
    return stones * np.array((share, 0.5, 0.6), np.float32) + stack(0.16 * cloudy(draw, 1.3), 0.03 * cloudy(draw))


def foliage(draw: Draw, long: float, wide: float) -> Field:
    return speckled(draw, strewn(draw, 1900, long, wide), 0.7)


Tiles = Sequence[Callable[[Draw], Field]]
MATERIALS: dict[Material, tuple[float, Tiles]] = {  # metres that a tile covers, and tiles to choose from
    "plaster": (6, [plaster]),
    "brick": (
        5,
        [
            lambda draw: masonry(draw, 32, 13, 0.8, 0.24, 0.5, 0.12),
            lambda draw: masonry(draw, 16, 13, 0.8, 0.24, 0.5, 0.12),
        ],
    ),
    "concrete": (6, [lambda draw: masonry(draw, 6, 4, 0.7, 0.1, -0.7, 0.2)]),
    "paving": (6, [lambda draw: masonry(draw, 12, 12, 0.9, 0.2, -0.7, 0.16)]),
    "tiles": (5, [roof]),
    "wood": (2.4, [planks]),
    "asphalt": (5, [lambda draw: speckled(draw, strewn(draw, 5000, 2.2, 2.0), 0.35)]),
    "earth": (5, [lambda draw: speckled(draw, strewn(draw, 1800, 6, 4), 0.45)]),
    "grass": (8, [lambda draw: speckled(draw, strewn(draw, 4200, 15, 2.2, 90, 35), 0.65)]),
    "leaves": (5, [partial(foliage, long=11, wide=6), partial(foliage, long=8, wide=7)]),
    "needles": (4, [lambda draw: speckled(draw, strewn(draw, 3200, 14, 2.6, 90, 60), 0.7)]),
    "forest": (12, [lambda draw: speckled(draw, strewn(draw, 1500, 12, 10), 0.6)]),
    "bark": (1.5, [partial(rocky, tall=6)]),
    "stone": (3, [rocky]),
    "rock": (8, [partial(rocky, tall=1.6)]),
    "cloth": (1.2, [*(partial(striped, across=x, down=y) for x, y in ((0, 0), (14, 14), (24, 0), (0, 16))), printed]),
    "paper": (2.0, [partial(striped, across=12, down=0, folds=0), partial(printed, folds=0), plaster]),
    "hair": (0.5, [lambda draw: strewn(draw, 2500, 60, 2.2, 90, 14) * np.array((0.5, 0.2, 0.5), np.float32)]),
    "water": (9, [rippling]),
    "glass": (5, [mirrored]),
    "shade": (18, [lambda draw: stack(np.tanh(2.5 * cloudy(draw, 1.3)))]),  # of leaves, on what lies below
    "print": (3, [lambda draw: strewn(draw, 420, 22, 12, 0, 1, square=True) * np.array((0.7, 2.0, 0), np.float32)]),
}
