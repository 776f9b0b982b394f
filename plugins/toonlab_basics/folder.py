"""Unpaired pictures in folders: one of photos, one of cartoons."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, overload

from pydantic import Field
from torch import Tensor

from toonlab import Dataset, Sample, ToonlabError, find_pictures, picture_manifest, picture_problems, read_picture
from toonlab.ops.levels import to_float

PILLOW_LIMIT = 178_956_970  # pixels; Pillow refuses larger pictures, and warns of those of half that size
MAX_PIXELS = PILLOW_LIMIT // 2

_NAMED = 20  # bad pictures that one message names


def folder(
    photos: Path,
    cartoons: Path,
    evaluation: Path | None = None,
    test: Path | None = None,
    evaluation_cartoons: Path | None = None,
    resize: Annotated[int, Field(gt=0)] | None = None,
    cache: Literal["none", "ram"] = "none",
    max_pixels: Annotated[int, Field(gt=0, le=PILLOW_LIMIT)] = MAX_PIXELS,
) -> Dataset:
    """Unpaired pictures in two folders and all below them: jpg, png, webp, bmp, tif.

    Pictures are in the order of their relative paths, decoded when they are asked for (`read_picture` says how), and
    keep their size unless `resize` is given. Files that can't be used by what their headers say are named in one
    warning and left out; one that turns out to be damaged when it is decoded is an error that names it.

    Args:
        photos: folder of the photos to train on.
        cartoons: folder of the cartoons to train on.
        evaluation: folder of the photos to evaluate on. Without it the training photos serve, which shows what the
            generator does with photos that it has seen.
        test: folder of the photos that results are reported on, looked at once, at the end of a run. Without it, those
            to evaluate on serve.
        evaluation_cartoons: folder of the real cartoons that sets of fakes are compared with. Without it those to train
            on serve, which favours a generator that has them by heart.
        resize: shorter side in pixels, up or down, for all pictures; the engine crops afterwards.
        cache: `ram` decodes all training pictures before the first step and keeps them: 3 bytes per pixel, once for
            all workers that fork.
        max_pixels: larger pictures are left out, since a small file may unpack to more than fits in memory. The default
            is Pillow's own.
    """
    return FolderDataset(photos, cartoons, evaluation, test, evaluation_cartoons, resize, cache, max_pixels)


@dataclass(frozen=True)
class FolderDataset:
    """The dataset that `folder` makes; its docstring explains the parameters."""

    photo_folder: Path
    cartoon_folder: Path
    evaluation_folder: Path | None
    test_folder: Path | None
    evaluation_cartoon_folder: Path | None
    resize: int | None
    cache: Literal["none", "ram"]
    max_pixels: int

    def train(self) -> tuple[Pictures, Pictures]:
        """Photos and cartoons, as uint8 `(3, H, W)`."""
        return self._train

    def evaluation(self) -> Samples:
        """Photos without truth, decoded when they are asked for."""
        folder = self.evaluation_folder
        if folder is None:
            return Samples(self.photo_folder, self._photo_names, self.resize)
        return Samples(folder, _usable(folder, self.max_pixels), self.resize)

    def test(self) -> FolderDataset:
        """The same with the photos of `test` to evaluate on; itself, if there is no such folder."""
        return self if self.test_folder is None else replace(self, evaluation_folder=self.test_folder, test_folder=None)

    def evaluation_cartoons(self) -> Pictures:
        """Real cartoons to compare fakes with, as uint8 `(3, H, W)`."""
        folder = self.evaluation_cartoon_folder
        if folder is None:
            return self.train()[1]
        return Pictures(folder, _usable(folder, self.max_pixels), self.resize)

    def manifest(self) -> Mapping[str, Any]:
        """Names and sizes of the files, not where they lie: a data set may move."""
        folders = {
            "photos": self.photo_folder,
            "cartoons": self.cartoon_folder,
            "evaluation": self.evaluation_folder,
            "test": self.test_folder,
            "evaluation_cartoons": self.evaluation_cartoon_folder,
        }
        manifests = {role: picture_manifest(folder) for role, folder in folders.items() if folder is not None}
        return {**manifests, "resize": self.resize, "max_pixels": self.max_pixels}

    @cached_property
    def _train(self) -> tuple[Pictures, Pictures]:
        names = self._photo_names, _usable(self.cartoon_folder, self.max_pixels)  # both, before decoding any
        decode_now = self.cache == "ram"
        photos = Pictures(self.photo_folder, names[0], self.resize, decode_now)
        return photos, Pictures(self.cartoon_folder, names[1], self.resize, decode_now)

    @cached_property
    def _photo_names(self) -> list[str]:
        return _usable(self.photo_folder, self.max_pixels)


class Pictures:
    """Picture files as a map-style set: item -> uint8 `(3, H, W)`; `names` are their paths below the folder."""

    def __init__(self, folder: Path, names: Sequence[str], resize: int | None, decode_now: bool = False) -> None:
        self.folder, self.names, self.resize = folder, names, resize
        self._decoded: list[Tensor] | None = None
        if decode_now:
            with ThreadPoolExecutor() as pool:  # decoders release the interpreter's lock
                self._decoded = list(pool.map(self._read, names))

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int) -> Tensor:
        return self._read(self.names[index]) if self._decoded is None else self._decoded[index]

    def _read(self, name: str) -> Tensor:
        return read_picture(self.folder / name, self.resize)


class Samples(Sequence[Sample]):
    """Photos to evaluate on, in [-1, 1]; a sample's name is its path below the folder."""

    def __init__(self, folder: Path, names: Sequence[str], resize: int | None) -> None:
        self._folder, self._names, self._resize = folder, names, resize

    def __len__(self) -> int:
        return len(self._names)

    @overload
    def __getitem__(self, index: int) -> Sample: ...
    @overload
    def __getitem__(self, index: slice) -> list[Sample]: ...
    def __getitem__(self, index: int | slice) -> Sample | list[Sample]:
        if isinstance(index, slice):
            return [self[place] for place in range(len(self))[index]]
        name = self._names[index]
        return Sample(name, to_float(read_picture(self._folder / name, self._resize)))


def _usable(folder: Path, max_pixels: int) -> list[str]:
    """The pictures whose headers are in order; warns of the others, and raises if there are only others."""
    names = find_pictures(folder)
    bad = picture_problems(folder, names, max_pixels)
    listed = "; ".join(f"{name}: {reason}" for name, reason in list(bad.items())[:_NAMED])
    listed += f"; and {len(bad) - _NAMED} more" if len(bad) > _NAMED else ""
    if len(bad) == len(names):
        raise ToonlabError(f"{folder}: none of its pictures can be used: {listed}")
    if bad:
        message = f"{folder}: {len(bad)} of {len(names)} pictures are left out: {listed}"
        warnings.warn(message, UserWarning, stacklevel=2)
    return [name for name in names if name not in bad]
