"""The dataset `toonworld`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Annotated, Any, Literal, overload

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor

from toonlab import Images, Sample, Truth
from toonlab_world.render.styles import AnyStyle
from toonlab_world.scene.compose import Kind
from toonlab_world.scene.noise import VERSION

from .shards import Shards

TRUTH = ("cartoon", "outline", "regions", "flat")


@dataclass(frozen=True)
class ToonWorld:
    """A procedural world, rendered as photos and drawn as cartoons: unpaired to train on, paired to evaluate on.

    Photos and cartoons to train on show different scenes, and evaluation scenes are different from both. All are
    rendered on first use and memory-mapped from `$TOONLAB_CACHE/toonworld` from then on.

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

    def train(self) -> tuple[Images, Images]:
        """Photos and cartoons of different scenes; items are `(3, size, size)` uint8."""
        even = Shards("train", ("photo",), self.seed, self.scenes, self.size, 0, 2, self.kind)
        odd = replace(even, names=("cartoon",), first=1, style=self.style, line_area=self.line_area)
        photos = replace(even, texture_area=self.texture_area)
        return Pictures(photos, "photo"), Pictures(odd, "cartoon")

    def evaluation(self) -> Sequence[Sample]:
        """Scenes rendered both ways, with the whole truth."""
        names = ("photo", *TRUTH)
        shards = Shards(self.evaluation_split, names, self.seed, self.evaluation_scenes, self.size, kind=self.kind)
        return Samples(replace(shards, style=self.style, line_area=self.line_area, texture_area=self.texture_area))

    def test(self) -> ToonWorld:
        """The same world, with the scenes of the split `test` to evaluate on."""
        return replace(self, evaluation_split="test")

    def evaluation_cartoons(self) -> Images:
        """Cartoons of as many further scenes of the same split, for metrics that compare sets."""
        count = self.evaluation_scenes
        further = Shards(self.evaluation_split, ("cartoon",), self.seed, count, self.size, count, 1, self.kind)
        return Pictures(replace(further, style=self.style, line_area=self.line_area), "cartoon")

    def manifest(self) -> Mapping[str, Any]:
        return {"dataset": "toonworld", "version": VERSION, **asdict(self)}


class Pictures:
    """Pictures of one domain, from a memory-mapped array; it travels to other processes as its path alone."""

    def __init__(self, shards: Shards, name: str) -> None:
        self.path = shards.path(name)
        self._array = np.load(self.path, mmap_mode="r")

    def __len__(self) -> int:
        return len(self._array)

    def __getitem__(self, index: int, /) -> Tensor:
        """`(3, size, size)` uint8."""
        return torch.from_numpy(self._array[index].copy())

    def __getstate__(self) -> dict[str, Any]:
        return {"path": self.path}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        self.path = state["path"]
        self._array = np.load(self.path, mmap_mode="r")


class Samples(Sequence[Sample]):
    """Evaluation samples, read from memory-mapped arrays when they are asked for."""

    def __init__(self, shards: Shards) -> None:
        self._arrays = {name: shards.open(name) for name in shards.names}

    def __len__(self) -> int:
        return len(self._arrays["photo"])

    @overload
    def __getitem__(self, index: int, /) -> Sample: ...
    @overload
    def __getitem__(self, index: slice, /) -> Sequence[Sample]: ...
    def __getitem__(self, index: int | slice, /) -> Sample | Sequence[Sample]:
        if isinstance(index, slice):
            return [self[at] for at in range(*index.indices(len(self)))]
        one = {name: array[index] for name, array in self._arrays.items()}
        truth = Truth(
            cartoon=_image(one["cartoon"]),
            outline=torch.from_numpy(one["outline"].copy()),
            regions=torch.from_numpy(one["regions"].astype(np.int64)),
            flat=_image(one["flat"]),
        )
        return Sample(f"toonworld-{index % len(self):04d}", _image(one["photo"]), truth)


def _image(picture: NDArray[np.uint8]) -> Tensor:
    """uint8 to float in [-1, 1]."""
    return torch.from_numpy(picture.astype(np.float32)) / 127.5 - 1
