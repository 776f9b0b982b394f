"""Unpaired pictures from two folders, of photos and of cartoons."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, overload

from pydantic import Field, PositiveInt
from torch import Tensor

from toonlab import Sample, ToonlabError, find_pictures, picture_manifest, picture_problems, read_picture
from toonlab.ops.levels import to_float

PILLOW_LIMIT = 178_956_970  # pixels; Pillow refuses larger pictures, and warns of those of half that size
MAX_PIXELS = PILLOW_LIMIT // 2

_NAMED = 20  # bad pictures that one message names


class FolderDataset:
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

    def __init__(
        self,
        photos: Path,
        cartoons: Path,
        evaluation: Path | None = None,
        test: Path | None = None,
        evaluation_cartoons: Path | None = None,
        resize: PositiveInt | None = None,
        cache: Literal["none", "ram"] = "none",
        max_pixels: Annotated[int, Field(gt=0, le=PILLOW_LIMIT)] = MAX_PIXELS,
    ) -> None:
        folders = {
            "photos": photos,
            "cartoons": cartoons,
            "evaluation": evaluation,
            "test": test,
            "evaluation_cartoons": evaluation_cartoons,
        }
        self.folders = {role: path for role, path in folders.items() if path is not None}
        self._resize, self._cache, self._max_pixels = resize, cache, max_pixels

    def train(self) -> tuple[Pictures, Pictures]:
        """Photos and cartoons, as uint8 `(3, H, W)`."""
        return self._train

    def evaluation(self) -> Samples:
        """Photos without truth, decoded on access."""
        return Samples(self._pictures("evaluation" if "evaluation" in self.folders else "photos"))

    def test(self) -> FolderDataset:
        """The dataset with the photos of `test` as evaluation photos; itself, without such a folder."""
        if "test" not in self.folders:
            return self
        other = copy(self)
        other.folders = {role: path for role, path in self.folders.items() if role != "test"}
        other.folders["evaluation"] = self.folders["test"]
        return other

    def evaluation_cartoons(self) -> Pictures:
        """Real cartoons to compare fakes with, as uint8 `(3, H, W)`."""
        return self._pictures("evaluation_cartoons") if "evaluation_cartoons" in self.folders else self.train()[1]

    def manifest(self) -> Mapping[str, Any]:
        """The names and sizes of the files, and the settings that change their pixels."""
        manifests = {role: picture_manifest(folder) for role, folder in self.folders.items()}
        return {**manifests, "resize": self._resize, "max_pixels": self._max_pixels}

    @cached_property
    def _train(self) -> tuple[Pictures, Pictures]:
        photos, cartoons = self._pictures("photos"), self._pictures("cartoons")  # both, before decoding any
        if self._cache == "ram":
            photos.decode()
            cartoons.decode()
        return photos, cartoons

    def _pictures(self, role: str) -> Pictures:
        folder = self.folders[role]
        names = self._photo_names if role == "photos" else _usable(folder, self._max_pixels)
        return Pictures(folder, names, self._resize)

    @cached_property
    def _photo_names(self) -> list[str]:
        return _usable(self.folders["photos"], self._max_pixels)  # warns once, though they may be evaluated on, too


class Pictures:
    """Picture files as a map-style set: item -> uint8 `(3, H, W)`; `names` are their paths below the folder."""

    def __init__(self, folder: Path, names: Sequence[str], resize: int | None) -> None:
        self.folder, self.names, self.resize = folder, names, resize
        self._decoded: list[Tensor] | None = None

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int) -> Tensor:
        return self._read(self.names[index]) if self._decoded is None else self._decoded[index]

    def decode(self) -> None:
        """Decode all pictures now, and keep them."""
        with ThreadPoolExecutor() as pool:  # decoders release the interpreter's lock
            self._decoded = list(pool.map(self._read, self.names))

    def _read(self, name: str) -> Tensor:
        return read_picture(self.folder / name, self.resize)


class Samples(Sequence[Sample]):
    """Evaluation photos in [-1, 1]; a sample's name is its path below the folder."""

    def __init__(self, pictures: Pictures) -> None:
        self._pictures = pictures

    def __len__(self) -> int:
        return len(self._pictures)

    @overload
    def __getitem__(self, index: int) -> Sample: ...
    @overload
    def __getitem__(self, index: slice) -> list[Sample]: ...
    def __getitem__(self, index: int | slice) -> Sample | list[Sample]:
        if isinstance(index, slice):
            return [self[place] for place in range(len(self))[index]]
        return Sample(self._pictures.names[index], to_float(self._pictures[index]))


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
