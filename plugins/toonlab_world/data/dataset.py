"""The dataset `toonworld`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor

from toonlab import Images, OnAccess, Sample, Truth
from toonlab_world.render.render import Split
from toonlab_world.render.styles import AnyStyle
from toonlab_world.scene.compose import Kind
from toonlab_world.scene.noise import VERSION

from .shards import Shards

TRUTH = ("cartoon", "outline", "regions", "flat")


@dataclass(frozen=True)
class ToonWorld:
    """A procedural world, rendered as photos and drawn as cartoons: unpaired to train on, paired to evaluate on.

    Photos and cartoons to train on show different scenes, or with `train.supervised` the same ones, and evaluation
    scenes are different from both. All are rendered on first use and memory-mapped from `$TOONLAB_CACHE/toonworld` from
    then on.

    Args:
        style: how the cartoons are drawn: `soft` (thin coloured lines, pale), `bold` (thick lines, three tones),
            `flat` (even lines, one colour a surface), or the parameters of a style of one's own, see `Style`.
        seed: of the world; every seed has scenes of its own.
        scenes: number of training pictures in each domain.
        size: side of the pictures, in pixels.
        evaluation_scenes: number of scenes to evaluate on.
        evaluation_split: the split that these come from; a finished run is judged on `test` in any case, once.
        kind: `landscape`, `waterside`, `street` or `interior`; all of them where it is left out.
        line_area: share of a cartoon that has lines, around the spot where a viewer looks first: how locally the
            outlines are concentrated.
        texture_area: share of a photo that has textures.
        difficulty: 0 shows smooth photos and flat cartoons, 1 what real ones are as hard by: dense materials, cast
            shadows and a camera's noise in photos, painted backgrounds and varying lines in cartoons; 2 is the hardest.
    """

    style: AnyStyle = "bold"
    seed: Annotated[int, Field(ge=0)] = 0
    scenes: Annotated[int, Field(gt=0)] = 512
    size: Annotated[int, Field(ge=16, le=2048)] = 128
    evaluation_scenes: Annotated[int, Field(gt=0)] = 64
    evaluation_split: Literal["validation", "test"] = "validation"
    kind: Kind | None = None
    line_area: Annotated[float, Field(gt=0, le=1)] = 1.0
    texture_area: Annotated[float, Field(ge=0, le=1)] = 1.0
    difficulty: Annotated[float, Field(ge=0, le=2)] = 1.0

    def train(self) -> tuple[Images, Images]:
        """Photos and cartoons of different scenes; items are `(3, size, size)` uint8."""
        return self._training("photo", 0), self._training("cartoon", 1)

    def pairs(self) -> tuple[Images, Images]:
        """The same photos, and the cartoons of their scenes."""
        return self._training("photo", 0), self._training("cartoon", 0)

    def _training(self, name: str, first: int) -> Images:
        """Pictures of every other scene to train on."""
        return _pictures(self._shards("train", (name,), self.scenes, first, step=2).path(name))

    def evaluation(self) -> Sequence[Sample]:
        """Scenes rendered both ways, with the whole truth."""
        shards = self._shards(self.evaluation_split, ("photo", *TRUTH), self.evaluation_scenes)
        arrays = {name: shards.open(name) for name in shards.names}
        return OnAccess(range(self.evaluation_scenes), partial(_sample, arrays))

    def test(self) -> ToonWorld:
        """The same world, with the scenes of the split `test` to evaluate on."""
        return replace(self, evaluation_split="test")

    def evaluation_cartoons(self) -> Images:
        """Cartoons of as many further scenes of the same split, for metrics that compare sets."""
        count = self.evaluation_scenes
        return _pictures(self._shards(self.evaluation_split, ("cartoon",), count, first=count).path("cartoon"))

    def _shards(self, split: Split, names: tuple[str, ...], count: int, first: int = 0, step: int = 1) -> Shards:
        """With the parameters of what is rendered alone: photos are shared by all styles."""
        shards = Shards(split, names, self.seed, count, self.size, first, step, self.kind, self.difficulty)
        if "photo" in names:
            shards = replace(shards, texture_area=self.texture_area)
        return replace(shards, style=self.style, line_area=self.line_area) if "cartoon" in names else shards

    def manifest(self) -> Mapping[str, Any]:
        return {"dataset": "toonworld", "version": VERSION, **asdict(self)}


@lru_cache(maxsize=16)
def _opened(path: Path) -> NDArray[np.uint8]:
    """The array of a file, memory-mapped; each process opens it once."""
    return np.load(path, mmap_mode="r")


def _pictures(path: Path) -> Images:
    """Pictures of one domain, from a memory-mapped array."""
    return OnAccess(range(len(_opened(path))), partial(_picture, path))


def _picture(path: Path, index: int) -> Tensor:
    """`(3, size, size)` uint8."""
    return torch.from_numpy(_opened(path)[index].copy())


def _sample(arrays: Mapping[str, NDArray[Any]], index: int) -> Sample:
    one = {name: torch.from_numpy(np.array(array[index])) for name, array in arrays.items()}
    photo, cartoon, flat = (one[name].float() / 127.5 - 1 for name in ("photo", "cartoon", "flat"))
    truth = Truth(cartoon=cartoon, outline=one["outline"], regions=one["regions"].long(), flat=flat)
    return Sample(f"toonworld-{index:04d}", photo, truth)
