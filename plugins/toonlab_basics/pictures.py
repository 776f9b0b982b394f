"""Pictures from another program in place of a generator."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from toonlab import PartError, Sample, ToonlabError, find_pictures, picture_manifest, picture_stem, read_picture
from toonlab.ops.levels import to_float

_NAMED = 20  # bad pictures that one message names


class Pictures(nn.Module):
    """Pictures that another program made of the evaluation photos, to compare with generators.

    A picture belongs to the photo with the same path below the folder; suffixes may differ. `toonlab compare EXPERIMENT
    --photos DIR` writes the photos under these names.

    Args:
        path: the folder of the pictures, one for each photo, with the size of the photo.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path

    def forward(self, photo: Tensor) -> Tensor:
        raise PartError(f"{self.path}: pictures of certain photos can be measured, but make none of other photos")

    def fake(self, sample: Sample) -> Tensor:
        """The picture of a sample's photo: `(3, H, W)` in [-1, 1]."""
        return to_float(read_picture(self.path / self._files[picture_stem(sample.name)][0]))

    def manifest(self) -> Mapping[str, Any]:
        """The number of the files and a digest of their contents."""
        return picture_manifest(self.path, contents=True)

    def check(self, samples: Sequence[Sample]) -> None:
        """Raise a `ToonlabError` with a line for each picture that is missing, left over, unreadable or too small."""
        problems = [*self._left_over(samples), *self._unfit(samples)]
        if problems:
            more = [f"{self.path}: {len(problems) - _NAMED} more like these"] if problems[_NAMED:] else []
            raise ToonlabError("\n".join(problems[:_NAMED] + more))

    @cached_property
    def _files(self) -> dict[str, list[str]]:
        """The files by their names without suffix; several files for one name are an error."""
        found: dict[str, list[str]] = {}
        for name in find_pictures(self.path):
            found.setdefault(picture_stem(name), []).append(name)
        return found

    def _left_over(self, samples: Sequence[Sample]) -> Iterator[str]:
        wanted = {picture_stem(sample.name) for sample in samples}
        for stem, (first, *others) in self._files.items():
            if stem not in wanted:
                text = f"of none of the {len(samples)} photos that are measured; remove it, or name it as its photo"
                yield f"{self.path / first}: {text}"
            yield from (f"{self.path / other}: {first} is of the same photo; remove one of them" for other in others)

    def _unfit(self, samples: Sequence[Sample]) -> Iterator[str]:
        for sample in samples:
            stem = picture_stem(sample.name)
            if stem not in self._files:
                yield f"{self.path / stem}.png: missing; make it of the photo {sample.name}"
                continue
            try:
                size, wanted = self.fake(sample).shape[1:], sample.photo.shape[1:]
            except ToonlabError as error:
                yield str(error).replace("repair or remove it", "make it again")
                continue
            if size != wanted:
                height, width = size
                text = f"{width}x{height} pixels, but its photo has {wanted[1]}x{wanted[0]}; make it of that size"
                yield f"{self.path / self._files[stem][0]}: {text}"
