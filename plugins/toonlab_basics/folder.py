"""Pictures from two folders, of photos and of cartoons."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from copy import copy
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, PositiveInt

from toonlab import ToonlabError, find_pictures, picture_manifest, printable, scan_pictures

from .picture_files import Pictures, Samples, listed

PILLOW_LIMIT = 178_956_970  # pixels; Pillow refuses larger pictures, and warns of those of half that size
MAX_PIXELS = PILLOW_LIMIT // 2


class FolderDataset:
    """Unpaired pictures in two folders and all below them, of the kinds that `toonlab.find_pictures` finds.

    With `train.supervised` the photo and the cartoon of the same relative path are a pair.

    Pictures come in the order of their relative paths, are decoded on access (see `toonlab.read_picture`), and keep
    their size unless `resize` is given.

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
        unreadable: `skip` leaves out pictures with an invalid header or cut short, with one warning that names them;
            in place of a training picture that turns out to be damaged on decoding, the next one is read. `error`
            decodes all training pictures before the first step, and names those that can't be read.
        small: training pictures that are smaller than `train.size` are an `error` before the first step, are left out
            (`skip`), or are enlarged (`resize`).
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
        unreadable: Literal["skip", "error"] = "skip",
        small: Literal["error", "skip", "resize"] = "error",
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
        self._unreadable, self._small, self._crop = unreadable, small, 0
        self._sizes: dict[Path, dict[str, tuple[int, int]]] = {}

    def train(self) -> tuple[Pictures, Pictures]:
        """Photos and cartoons, as uint8 `(3, H, W)`."""
        return self._train

    def pairs(self) -> tuple[Pictures, Pictures]:
        """The same, if both folders have the same names, in the same sizes; none is read in place of another.

        Raises:
            ToonlabError: with the pictures that have no partner.
        """
        photos, cartoons = map(copy, self._train)
        sizes, others = (self._sizes[pictures.folder] for pictures in (photos, cartoons))
        wrong = dict.fromkeys(sorted(set(photos.names) ^ set(cartoons.names)), "in one of the folders alone")
        both = [name for name in photos.names if name not in wrong]
        wrong |= {name: "of two sizes" for name in both if sizes[name] != others[name]}
        if wrong:
            text = f"{printable(photos.folder)} and {printable(cartoons.folder)}: no pairs: {len(wrong)} pictures"
            raise ToonlabError(f"{text}: {listed(wrong)}; give both folders the same names, in the same sizes")
        photos.replace = cartoons.replace = False
        return photos, cartoons

    def evaluation(self) -> Samples:
        """Photos without truth, decoded on access."""
        role = "evaluation" if "evaluation" in self.folders else "photos"
        return Samples(self._pictures(role, self._names(role)))  # a measurement needs each of them: none is replaced

    def for_crops(self, size: int) -> FolderDataset:
        """The dataset for training on crops of `size` pixels; see `small`."""
        other = copy(self)
        other._crop = size
        other.__dict__.pop("_train", None)
        return other

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
        role = "evaluation_cartoons" if "evaluation_cartoons" in self.folders else "cartoons"
        return self._pictures(role, self._names(role), replace=self._unreadable == "skip")

    def manifest(self) -> Mapping[str, Any]:
        """The names and sizes of the pictures that can be used, and the settings that change their pixels."""
        found = {role: picture_manifest(path, names=self._names(role)) for role, path in self.folders.items()}
        return {**found, "resize": self._resize, "max_pixels": self._max_pixels}

    @cached_property
    def _train(self) -> tuple[Pictures, Pictures]:
        photos, cartoons = (self._large_enough(role) for role in ("photos", "cartoons"))  # both, before decoding any
        if self._cache == "ram" or self._unreadable == "error":
            for pictures in (photos, cartoons):
                pictures.decode(keep=self._cache == "ram")
        return photos, cartoons

    def _pictures(self, role: str, names: Sequence[str], replace: bool = False) -> Pictures:
        return Pictures(self.folders[role], names, [self._resize] * len(names), replace)

    def _large_enough(self, role: str) -> Pictures:
        """The training pictures of a folder, after `small` is applied."""
        folder, names, sizes, crop = self.folders[role], self._names(role), self._sizes[self.folders[role]], self._crop
        pictures = self._pictures(role, names, replace=self._unreadable == "skip")
        if self._resize is not None:
            if self._resize < crop:
                raise ToonlabError(f"data.resize={self._resize}: less than train.size={crop}; raise it to that")
            return pictures
        small = {
            name: f"{width}x{height} pixels" for name, (width, height) in sizes.items() if min(width, height) < crop
        }
        if not small:
            return pictures
        if self._small == "resize":
            pictures.sides = [crop if name in small else None for name in names]
            return pictures
        text = f"{printable(folder)}: smaller than train.size={crop}: {len(small)} of {len(names)} pictures"
        if self._small == "error" or len(small) == len(names):
            remedy = "lower train.size, or data.small=skip or resize"
            raise ToonlabError(f"{text}: {listed(small)}; {remedy}")
        warnings.warn(f"{text}, left out: {listed(small)}", UserWarning, stacklevel=2)
        return self._pictures(role, [name for name in names if name not in small], pictures.replace)

    def _names(self, role: str) -> list[str]:
        """The pictures of a folder that can be used; warns once of the others."""
        folder = self.folders[role]
        if folder not in self._sizes:
            self._sizes[folder] = _usable(folder, self._max_pixels, self._unreadable)
        return list(self._sizes[folder])


def _usable(folder: Path, max_pixels: int, unreadable: str) -> dict[str, tuple[int, int]]:
    """The sizes of the pictures that can be used; the others are a warning, or an error if `unreadable` says so."""
    names = find_pictures(folder)
    sizes, bad = scan_pictures(folder, names, max_pixels)
    if not sizes:
        raise ToonlabError(f"{printable(folder)}: none of its pictures can be used: {listed(bad)}")
    if bad and unreadable == "error":
        remedy = "repair or remove them, or data.unreadable=skip"
        raise ToonlabError(
            f"{printable(folder)}: {len(bad)} of {len(names)} pictures can't be used: {listed(bad)}; {remedy}"
        )
    if bad:
        message = f"{printable(folder)}: left out: {len(bad)} of {len(names)} pictures: {listed(bad)}"
        warnings.warn(message, UserWarning, stacklevel=2)
    return sizes
