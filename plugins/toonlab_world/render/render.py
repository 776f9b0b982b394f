"""One scene, rendered both ways."""

from collections.abc import Collection
from typing import Literal

import numpy as np

from toonlab_world.scene.compose import Kind, compose
from toonlab_world.scene.noise import Key

from .cartoon import draw_cartoon
from .photo import render_photo
from .pixels import Pictures
from .raster import Raster
from .styles import Style, StyleName, style_of

Split = Literal["train", "validation", "test"]

DTYPES: dict[str, type[np.generic]] = {
    "photo": np.uint8,
    "cartoon": np.uint8,
    "flat": np.uint8,
    "outline": np.bool_,
    "regions": np.uint16,
}
COLORED = {"photo", "cartoon", "flat"}


def render(
    key: Key,
    size: int,
    names: Collection[str],
    style: StyleName | Style = "bold",
    *,
    kind: Kind | None = None,
    line_area: float = 1.0,
    texture_area: float = 1.0,
    difficulty: float = 0.0,
) -> Pictures:
    """The named renderings of the scene of a key.

    Args:
        key: see `scene_key`.
        names: any of `DTYPES`: photo, cartoon, flat (uint8 RGB, `(size, size, 3)`), outline (bool), regions (uint16,
            both `(size, size)`).
        style: of the cartoon; the photo does not depend on it.
        kind: of the scene; None for any.
        line_area: share of the cartoon that has lines.
        texture_area: share of the photo that has textures.
        difficulty: 0 is easy, 1 as hard as real pictures; see `ToonWorld`.
    """
    raster = Raster(compose(key, kind), size)
    pictures: Pictures = {}
    if "photo" in names:
        pictures["photo"] = render_photo(raster, texture_area, difficulty=difficulty)
    if set(names) - {"photo"}:
        drawing = draw_cartoon(raster, style_of(style), line_area, difficulty)
        pictures |= {name: drawing[name] for name in names if name != "photo"}
    return pictures


def scene_key(seed: int, split: Split, index: int) -> Key:
    """Splits never share a scene: the split's name is part of the key.

    Within `train`, photos to train on are of the even indices and cartoons of the odd ones.
    """
    return (seed, split, index)
