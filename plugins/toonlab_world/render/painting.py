"""What makes cartoons hard: painted backgrounds behind flat figures, and a pen of varying width and colour."""

import cv2
import numpy as np
from numpy.typing import NDArray

from toonlab_world.scene.noise import fractal_noise, generator
from toonlab_world.scene.scene import Scene

from .bank import NUMBERS
from .pixels import Image, Plane
from .styles import MAX_TONES
from .texture import Layout

CELS = [0, *(NUMBERS[name] for name in ("cloth", "hair", "glass", "print"))]  # of these materials: flat, as on film
FAR = 0.55  # depth from which things may go without lines
DABS = 3.0  # steps of brightness that a brush can mix, per unit of its logarithm
Weights = NDArray[np.float32]


def painted(
    color: Image,
    layout: Layout,
    scene: Scene,
    tone: Plane,
    regions: NDArray[np.uint16],
    paint: NDArray[np.uint8],
    strength: float,
) -> Image:
    """Gradients, dabs of material, and paper on what is not on a cel.

    Args:
        color: flat tones, `(size, size, 3)` float32 in [0, 255].
        tone: the light as a position between the tones, from 0 for the darkest on, `(size, size)`.
        regions: as in the cartoon's truth, `(size, size)`.
        paint: their colours, `(regions, 4)`.
        strength: the difficulty.
    """
    sky = len(scene.sky.ground)
    flat = np.where(layout.inside[..., None], color, paint[regions][..., :3])  # at its edge, a shape mixes with others
    canvas = ~np.isin(layout.material, CELS)
    canvas[:sky] = True
    share = (np.float32(strength) * canvas).astype(np.float32).take(layout.labels)
    color = color + np.minimum(share, 1)[..., None] * (_smooth(tone, regions, paint) - flat)
    bright, warm, _, _ = layout.sample(coarser=0.7)
    dabs = np.rint(bright * np.float32(DABS)) / np.float32(DABS)
    paper = fractal_noise((*scene.key, "paper"), layout.size, (48, 64), octaves=3, gain=0.8)
    wash = fractal_noise((*scene.key, "wash"), layout.size, (5, 4), octaves=4, gain=0.6)
    factor = cv2.exp(share * (0.2 * bright + 0.25 * dabs + 0.015 * paper + 0.07 * wash))
    tinted = share * (0.3 * warm + 0.04 * wash)
    return cv2.multiply(color, cv2.merge([factor * cv2.exp(tinted), factor, factor * cv2.exp(-tinted)]))


def _smooth(tone: Plane, regions: NDArray[np.uint16], paint: NDArray[np.uint8]) -> Image:
    """The tones of each shape, mixed."""
    below = np.floor(tone)
    first = regions - regions % MAX_TONES + below.astype(np.uint16)
    low, high = (paint[one][..., :3].astype(np.float32) for one in (first, first + 1))
    return low + (high - low) * (tone - below)[..., None]


def pen_weights(scene: Scene, strength: float) -> Weights:
    """A factor on the weight of each shape's line: another for each thing, 0 for some that stand far away."""
    groups = np.array(scene.groups)
    draw = generator(*scene.key, "pen")
    width, chance = draw.normal(0, 0.3, groups.max() + 1), draw.random(groups.max() + 1)
    depth = np.array([shape.depth for shape in scene.shapes])
    bare = (depth > FAR) & (chance[groups] < 0.8 * strength)
    return np.where(bare, 0, np.exp(strength * width[groups])).astype(np.float32)


def pen_pressure(scene: Scene, side: int, strength: float) -> Plane:
    """A factor on the width of lines by place, about 1: the hand presses and lifts."""
    hand = fractal_noise((*scene.key, "hand"), side, (14, 14), octaves=2)
    return np.maximum(1 + np.float32(0.55 * strength) * hand, 0)


def ink_tints(scene: Scene, tint: float, strength: float) -> Weights:
    """The share of its own colour in the line of each shape."""
    groups = np.array(scene.groups)
    more = generator(*scene.key, "ink").random(groups.max() + 1)[groups] * min(strength, 1) * 0.7
    return (tint + (1 - tint) * more).astype(np.float32)
