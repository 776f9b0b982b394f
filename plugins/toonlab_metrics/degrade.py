"""Degradations of a true cartoon in growing amounts, for the tests of metrics."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from toonlab import Sample, ToonlabError, rng

from .outline import grown
from .regions import lab

Image = NDArray[np.float32]
_REFERENCE = 128  # pixels: amounts in pixels refer to pictures of this side


@dataclass(frozen=True)
class Scene:
    """A sample's images, `(H, W, 3)` in [0, 1], and a mask, `(H, W)`, and a source of random numbers."""

    photo: Image
    cartoon: Image
    flat: Image
    outline: NDArray[np.bool_]
    draws: np.random.Generator


@dataclass(frozen=True)
class Degradation:
    """A way to make a cartoon worse: `apply(scene, amount)`, with amounts in ascending order, in `unit`."""

    apply: Callable[[Scene, float], Image]
    amounts: tuple[float, ...]
    unit: str


def degraded(sample: Sample, name: str, amount: float) -> Tensor:
    """The sample's true cartoon, degraded: `(3, H, W)` in [-1, 1]; a function of sample, name and amount.

    Random numbers depend only on the sample and the name, so a larger amount is the same degradation, but stronger.
    """
    truth = sample.truth
    if truth is None or truth.cartoon is None or truth.flat is None or truth.outline is None:
        raise ToonlabError(f"sample {sample.name!r}: needs the truth's cartoon, flat and outline to be degraded")
    draws = np.random.default_rng(rng(0, "degrade", sample.name, name).initial_seed())
    scene = Scene(_array(sample.photo), _array(truth.cartoon), _array(truth.flat), truth.outline.cpu().numpy(), draws)
    worse = DEGRADATIONS[name].apply(scene, amount)
    return torch.from_numpy(np.clip(worse, 0, 1).astype(np.float32)).permute(2, 0, 1) * 2 - 1


def blur(scene: Scene, amount: float) -> Image:
    return np.asarray(cv2.GaussianBlur(scene.cartoon, (0, 0), amount * min(scene.cartoon.shape[:2]) / _REFERENCE))


def noise(scene: Scene, amount: float) -> Image:
    return np.asarray(scene.cartoon + amount * scene.draws.standard_normal(scene.cartoon.shape, np.float32))


def color(scene: Scene, amount: float) -> Image:
    """A warm cast: the same shift towards red and yellow in every picture, with the lightness kept within the gamut."""
    from skimage.color import lab2rgb

    shift = np.array([0, 0.5**0.5, 0.5**0.5], np.float32) * amount
    moved = lab(torch.from_numpy(scene.cartoon).permute(2, 0, 1) * 2 - 1) + shift
    return np.asarray(lab2rgb(moved), np.float32)


def outline_removal(scene: Scene, amount: float) -> Image:
    """Replace stretches of outlines, a share `amount` of their pixels, by the flat colours."""
    field = _blotches(scene.outline.shape, 12, scene.draws)
    drawn = grown(scene.outline, 2)
    gone = drawn & (field <= np.quantile(field[drawn], amount)) if drawn.any() else drawn
    return np.where(gone[..., None], scene.flat, scene.cartoon)


def outline_shift(scene: Scene, amount: float) -> Image:
    """Shift the lines relative to the colours, in one of eight random directions."""
    pixels = round(amount * min(scene.cartoon.shape[:2]) / _REFERENCE)
    direction = np.array(((0, 1), (1, 0), (1, 1), (1, -1))[scene.draws.integers(4)])
    down, right = direction * scene.draws.choice((-1, 1)) * pixels
    lines = np.where(grown(scene.outline, 2)[..., None], scene.cartoon - scene.flat, 0).astype(np.float32)
    move = np.array(((1, 0, right), (0, 1, down)), np.float32)
    return np.asarray(cv2.warpAffine(lines, move, scene.cartoon.shape[1::-1]) + scene.flat)


def texture(scene: Scene, amount: float) -> Image:
    """Random variations of brightness with a deviation of `amount`, at scales from two to sixteen pixels."""
    grain = sum(_blotches(scene.outline.shape, scale, scene.draws) for scale in (2, 4, 8, 16)) / 2
    return np.asarray(scene.cartoon * (1 + amount * np.asarray(grain)[..., None]), np.float32)


def blend(scene: Scene, amount: float) -> Image:
    """Mix the photo into the cartoon."""
    return (1 - amount) * scene.cartoon + amount * scene.photo


DEGRADATIONS: Mapping[str, Degradation] = {
    "blur": Degradation(blur, (0.4, 0.7, 1.1, 1.6, 2.3, 3.2), "sigma in pixels at 128 px"),
    "noise": Degradation(noise, (0.01, 0.02, 0.04, 0.07, 0.11, 0.16), "deviation, of the range"),
    "color": Degradation(color, (3, 6, 10, 15, 21, 28), "step in a*b*"),
    "outline_removal": Degradation(outline_removal, (0.15, 0.3, 0.45, 0.6, 0.8, 1.0), "share of the outlines"),
    "outline_shift": Degradation(outline_shift, (1, 2, 3, 4, 5, 6), "pixels at 128 px"),
    "blend": Degradation(blend, tuple(step / 10 for step in range(1, 11)), "share of the photo"),
    "texture": Degradation(texture, (0.02, 0.04, 0.07, 0.11, 0.16, 0.22), "deviation, of the brightness"),
}


def _blotches(shape: tuple[int, ...], scale: float, draws: np.random.Generator) -> NDArray[np.float32]:
    """A smooth random field with deviation 1 and a period of about `scale` pixels (at 128 px)."""
    step = scale * min(shape) / _REFERENCE / 2
    field = cv2.GaussianBlur(draws.standard_normal(shape, np.float32), (0, 0), max(step, 0.3))
    return np.asarray((field - field.mean()) / max(float(field.std()), 1e-6))


def _array(image: Tensor) -> Image:
    """`(3, H, W)` in [-1, 1] -> `(H, W, 3)` in [0, 1]."""
    return np.ascontiguousarray((image.permute(1, 2, 0).cpu().numpy() + 1) / 2, np.float32)
