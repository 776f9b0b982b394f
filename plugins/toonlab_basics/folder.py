"""Unpaired pictures from two folders, of photos and of cartoons."""

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

    Pictures come in the order of their relative paths, are decoded on access (see `toonlab.read_picture`), and keep
    their size unless `resize` is given. Files with an invalid header are left out with one warning that names them; a
    file that turns out to be damaged on decoding is an error.

    Args:
        photos: folder of the training photos.
        cartoons: folder of the training cartoons.
        evaluation: folder of the evaluation photos. By default the training photos, which the generator has seen.
        test: folder of the photos for the final results, measured once, at the end of a run. By default the evaluation
            photos.
        evaluation_cartoons: folder of the real cartoons that sets of fakes are compared with. By default the training
            cartoons, which favours a generator that memorised them.
        resize: shorter side of all pictures in pixels, up or down; the engine crops afterwards.
        cache: `ram` decodes all training pictures before the first step and keeps them: 3 bytes per pixel, shared by
            forked workers.
        max_pixels: larger pictures are left out, since a small file may unpack to more than fits in memory. The default
            is Pillow's own.
    """
    return FolderDataset(photos, cartoons, evaluation, test, evaluation_cartoons, resize, cache, max_pixels)


@dataclass(frozen=True)
class FolderDataset:
    """The dataset of `folder`, which documents the parameters."""

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
        """Photos without truth, decoded on access."""
        folder = self.evaluation_folder
        if folder is None:
            return Samples(self.photo_folder, self._photo_names, self.resize)
        return Samples(folder, _usable(folder, self.max_pixels), self.resize)

    def test(self) -> FolderDataset:
        """The dataset with the photos of `test` as evaluation photos; itself, without such a folder."""
        return self if self.test_folder is None else replace(self, evaluation_folder=self.test_folder, test_folder=None)

    def evaluation_cartoons(self) -> Pictures:
        """Real cartoons to compare fakes with, as uint8 `(3, H, W)`."""
        folder = self.evaluation_cartoon_folder
        if folder is None:
            return self.train()[1]
        return Pictures(folder, _usable(folder, self.max_pixels), self.resize)

    def manifest(self) -> Mapping[str, Any]:
        """The names and sizes of the files, and the settings that change their pixels."""
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
    """Evaluation photos in [-1, 1]; a sample's name is its path below the folder."""

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
    """The pictures with valid headers; warns of the others, and raises if there are only invalid ones."""
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
