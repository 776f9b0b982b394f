"""Pictures from another program in place of a generator."""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from math import log
from pathlib import Path
from typing import Any, Literal

import torch.nn.functional as F
from torch import Tensor, nn

from toonlab import PartError, Sample, ToonlabError, find_pictures, picture_manifest, picture_stem, read_picture
from toonlab.ops.levels import to_float

_NAMED = 20  # bad pictures that one message names


class Pictures(nn.Module):
    """Pictures that another program made of the evaluation photos, to compare with generators.

    A picture belongs to the photo with the same path below the folder; suffixes may differ. `toonlab compare EXPERIMENT
    --photos DIR` writes the photos under these names.

    Args:
        path: the folder of the pictures, one for each photo.
        fit: what becomes of pictures of another size than their photo's: `resize` (bicubic, antialiased), `crop` (a
            larger one is cut to its middle), or `error`. One warning counts them.
        match: the path of a picture, without suffix, by that of its photo: `{stem}_out`.
    """

    def __init__(self, path: Path, fit: Literal["resize", "crop", "error"] = "resize", match: str = "{stem}") -> None:
        super().__init__()
        if "{stem}" not in match:
            raise PartError(f"pictures: match={match!r} has no {{stem}}, the name of the photo; such as {{stem}}_out")
        self.path, self.fit, self.match = path, fit, match

    def forward(self, photo: Tensor) -> Tensor:
        raise PartError(f"{self.path}: pictures of certain photos can be measured, but make none of other photos")

    def fake(self, sample: Sample) -> Tensor:
        """The picture of a sample's photo: `(3, H, W)` in [-1, 1], of its size."""
        picture, (height, width) = self._read(sample), sample.photo.shape[1:]
        if self.fit == "resize" and picture.shape != sample.photo.shape:
            resized = F.interpolate(picture[None], (height, width), mode="bicubic", antialias=True)[0]
            return resized.clamp(-1, 1)
        top, left = ((had - wanted) // 2 for had, wanted in zip(picture.shape[1:], (height, width), strict=True))
        return picture[:, top : top + height, left : left + width]

    def manifest(self) -> Mapping[str, Any]:
        """The number of the files and a digest of their contents."""
        return picture_manifest(self.path, contents=True)

    def check(self, samples: Sequence[Sample]) -> None:
        """Warn of pictures that are made to fit.

        Raises:
            ToonlabError: with a line for each picture that is missing, left over, unreadable or of a size that can't be
                made to fit; with one line if all names differ from the photos' in the same way.
        """
        if pattern := self._other_pattern(samples):
            text = f"none of its pictures is named {self.match!r} as the photos, but all are {pattern!r}"
            raise ToonlabError(f"{self.path}: {text}; give match: {pattern!r} (toonlab score --match {pattern!r})")
        changes: dict[str, Change] = {}
        problems = [*self._left_over(samples), *self._unfit(samples, changes)]
        if problems:
            more = [f"{self.path}: {len(problems) - _NAMED} more like these"] if problems[_NAMED:] else []
            raise ToonlabError("\n".join(problems[:_NAMED] + more))
        if changes:
            done = {"resize": "resized", "crop": "cropped"}[self.fit]
            name, ((height, width), (rows, columns)) = max(changes.items(), key=lambda item: _extent(item[1]))
            text = f"{len(changes)} of {len(samples)} pictures are {done} to the sizes of their photos"
            most = f"the largest change: {name}, {width}x{height} to {columns}x{rows}"
            warnings.warn(f"{self.path}: {text}; {most}", UserWarning, stacklevel=2)

    def _stem(self, sample: Sample) -> str:
        """The path of the sample's picture, without suffix."""
        return self.match.replace("{stem}", picture_stem(sample.name))

    def _read(self, sample: Sample) -> Tensor:
        return to_float(read_picture(self.path / self._files[self._stem(sample)][0]))

    @cached_property
    def _files(self) -> dict[str, list[str]]:
        """The files by their names without suffix; several files for one name are an error."""
        found: dict[str, list[str]] = {}
        for name in find_pictures(self.path):
            found.setdefault(picture_stem(name), []).append(name)
        return found

    def _other_pattern(self, samples: Sequence[Sample]) -> str | None:
        """A pattern by which every photo has a picture, if by `match` none has."""
        stems = [picture_stem(sample.name) for sample in samples]
        if not stems or any(self._stem(sample) in self._files for sample in samples):
            return None
        patterns = [name.replace(stems[0], "{stem}", 1) for name in self._files if stems[0] in name]
        return next((p for p in patterns if all(p.replace("{stem}", stem) in self._files for stem in stems)), None)

    def _left_over(self, samples: Sequence[Sample]) -> Iterator[str]:
        wanted = {self._stem(sample) for sample in samples}
        for stem, (first, *others) in self._files.items():
            if stem not in wanted:
                text = f"of none of the {len(samples)} photos that are measured; remove it, or name it as its photo"
                yield f"{self.path / first}: {text}"
            yield from (f"{self.path / other}: {first} is of the same photo; remove one of them" for other in others)

    def _unfit(self, samples: Sequence[Sample], changes: dict[str, "Change"]) -> Iterator[str]:
        """The problems of the samples' pictures; fills in the changes of the others."""
        for sample in samples:
            stem = self._stem(sample)
            if stem not in self._files:
                yield f"{self.path / stem}.png: missing; make it of the photo {sample.name}"
                continue
            try:
                (height, width), (rows, columns) = self._read(sample).shape[1:], sample.photo.shape[1:]
            except ToonlabError as error:
                yield str(error).replace("repair or remove it", "make it again")
                continue
            smaller = height < rows or width < columns
            name, text = self._files[stem][0], f"{width}x{height} pixels, but its photo has {columns}x{rows}"
            if (height, width) == (rows, columns):
                continue
            if self.fit == "error":
                yield f"{self.path / name}: {text}; make it of that size, or fit=resize"
            elif self.fit == "crop" and smaller:
                yield f"{self.path / name}: {text}, so it can't be cropped to that; make it of that size, or fit=resize"
            else:
                changes[name] = ((height, width), (rows, columns))


Change = tuple[tuple[int, int], tuple[int, int]]  # height and width of a picture, and of its photo


def _extent(change: Change) -> float:
    """How much a side changes at most, as a ratio's logarithm."""
    return max(abs(log(was / becomes)) for was, becomes in zip(*change, strict=True))
