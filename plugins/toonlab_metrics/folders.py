"""Folders of pictures as an evaluation data set: photos, and the truth and real cartoons as far as there are any."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor

from toonlab import (
    Images,
    OnAccess,
    PartError,
    Sample,
    ToonlabError,
    Truth,
    find_pictures,
    picture_manifest,
    picture_problems,
    picture_stem,
    printable,
    read_picture,
)
from toonlab.ops.levels import to_float

FIELDS = ("cartoon", "outline", "regions", "flat")
_NAMED = 20  # problems that one message names


@dataclass(frozen=True)
class EvaluationFolders:
    """Evaluation photos, optionally with the truth and real cartoons; without training data.

    A picture of the truth belongs to the photo of the same name, whose suffix may differ, and has the photo's size.

    Args:
        photos: folder of the photos, including subfolders.
        cartoons: folder of real cartoons of any scenes, for metrics that compare sets.
        truth: folder of the true cartoons; or of one or more folders `cartoon`, `outline` (bright on lines), `flat`
            (the colours without lines) and `regions` (one colour for each region).
        pictures: in place of photos, the folder of the pictures that are measured: their photos are unknown.
    """

    photos: Path | None = None
    cartoons: Path | None = None
    truth: Path | None = None
    pictures: Path | None = None

    def __post_init__(self) -> None:
        if (self.photos is None) == (self.pictures is None):
            raise PartError("evaluation_folders: give one of photos and pictures")
        if self.truth and self.pictures:
            raise PartError("evaluation_folders: truth belongs to photos, by their names; give photos, too")

    def train(self) -> tuple[Images, Images]:
        raise PartError("evaluation_folders: has no training data; train on the data set folder")

    def evaluation(self) -> Sequence[Sample]:
        """The photos, decoded on access, in the order of their paths.

        Raises:
            ToonlabError: with a line for each picture that is invalid, missing or superfluous.
        """
        names = usable(folder := self._samples)
        truth = {field: _matched(pictures, names, folder) for field, pictures in self.fields.items()}
        files = [(name, {field: found[picture_stem(name)] for field, found in truth.items()}) for name in names]
        return OnAccess(files, partial(_sample, folder, self.photos is not None))

    def evaluation_cartoons(self) -> Images | None:
        """The real cartoons, uint8 `(3, H, W)`, decoded on access."""
        if self.cartoons is None:
            return None
        return OnAccess([self.cartoons / name for name in usable(self.cartoons)], read_picture)

    @cached_property
    def fields(self) -> dict[str, Path]:
        """The folders of the truth by the fields of `Truth`."""
        if self.truth is None:
            return {}
        found = {field: self.truth / field for field in FIELDS if (self.truth / field).is_dir()}
        return found or {"cartoon": self.truth}

    @property
    def _samples(self) -> Path:
        folder = self.photos or self.pictures
        assert folder is not None  # one of them is given
        return folder

    def manifest(self) -> Mapping[str, Any]:
        """The number of the files and a digest of their contents."""
        folders = {"photos": self.photos, "pictures": self.pictures, "cartoons": self.cartoons, **self.fields}
        return {role: picture_manifest(folder, contents=True) for role, folder in folders.items() if folder is not None}


def _sample(folder: Path, has_photo: bool, name_and_truth: tuple[str, Mapping[str, Path]]) -> Sample:
    """The picture of that name with its truth, whose files are given by the fields of `Truth`."""
    name, files = name_and_truth
    photo, known = _image(folder / name), {field: _READERS[field](path) for field, path in files.items()}
    for field, truth in known.items():
        if truth.shape[-2:] != photo.shape[-2:]:
            (height, width), (rows, columns) = truth.shape[-2:], photo.shape[-2:]
            raise ToonlabError(
                f"{printable(files[field])}: {width}x{height} pixels, but its photo has {columns}x{rows}"
            )
    return Sample(name, photo, Truth(**known) if known else None, has_photo)


def usable(folder: Path) -> list[str]:
    """The names of the pictures of a folder; an invalid one is an error, since a measurement needs all of them."""
    names = find_pictures(folder)
    if bad := picture_problems(folder, names):
        raise ToonlabError(
            "\n".join(f"{printable(folder / name)}: {reason}" for name, reason in list(bad.items())[:_NAMED])
        )
    return names


def _matched(folder: Path, photos: Sequence[str], photo_folder: Path) -> dict[str, Path]:
    """The files of the truth by the photos' names without suffix."""
    found = {picture_stem(name): folder / name for name in usable(folder)}
    wanted = {picture_stem(name) for name in photos}
    missing = [
        f"{printable(folder / name)}.png: missing; {photo_folder} has such a photo"
        for name in sorted(wanted - set(found))
    ]
    extra = [f"{printable(found[name])}: {photo_folder} has no such photo" for name in sorted(set(found) - wanted)]
    if problems := [*missing, *extra]:
        more = [f"{folder}: {len(problems) - _NAMED} more like these"] if problems[_NAMED:] else []
        raise ToonlabError("\n".join(problems[:_NAMED] + more))
    return found


def _image(path: Path) -> Tensor:
    return to_float(read_picture(path))


def _outline(path: Path) -> Tensor:
    return read_picture(path).float().mean(0) > 127.5


def _regions(path: Path) -> Tensor:
    """A number for each colour, of any depth."""
    pixels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if pixels is None:
        raise ToonlabError(f"{printable(path)}: can't be decoded; repair or remove it")
    colors = pixels.reshape(*pixels.shape[:2], -1).astype(np.int64)
    return torch.from_numpy(colors @ (1 << 16 * np.arange(colors.shape[2], dtype=np.int64)))


_READERS = {"cartoon": _image, "flat": _image, "outline": _outline, "regions": _regions}
