"""The pictures of a finished run, `pictures/`: test photos, fakes, truths, and the patches of its critics.

Reports and sample sheets show these files, so that they neither load weights nor run networks. `index.json` is written
last: a directory without one has no pictures.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Annotated

from PIL import Image
from pydantic import Field, TypeAdapter

from toonlab.errors import ToonlabError
from toonlab.images.io import fitted, write_png
from toonlab.utils.reading import read_json

from .directory import write_atomically

SIDE = 384  # px of a picture's longer side, at most
INDEX = "index.json"
Box = tuple[int, int, int, int]  # top, left, height, width
Made = tuple[
    str, Mapping[str, Image.Image], Mapping[str, "Patches"]
]  # name; fake, and photo and truth if any; by critic


@dataclass(frozen=True)
class Patches:
    """The patches that a critic's sampler chooses in a fake, best first, in pixels of the original."""

    sampler: str
    boxes: Sequence[Box]


@dataclass(frozen=True)
class SamplePictures:
    """A test sample and its fake; `width` and `height` in pixels of the original, of which files may be smaller."""

    name: str
    width: Annotated[int, Field(gt=0)]
    height: Annotated[int, Field(gt=0)]
    fake: Path
    photo: Path | None = None
    truth: Path | None = None
    patches: Mapping[str, Patches] = field(default_factory=dict)

    @property
    def files(self) -> dict[str, Path]:
        """`fake` and, where there are any, `photo` and `truth`."""
        found = {"photo": self.photo, "fake": self.fake, "truth": self.truth}
        return {kind: path for kind, path in found.items() if path}


def write_pictures(run: Path, samples: Iterable[Made]) -> None:
    """Write the pictures of samples into a run's directory, and the index at the end.

    Raises:
        OSError: if something can't be written.
    """
    folder = run / "pictures"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / INDEX).unlink(missing_ok=True)
    records = [asdict(_written(folder, number, *sample)) for number, sample in enumerate(samples)]
    write_atomically(folder / INDEX, json.dumps(records, indent=1, default=str) + "\n")


def _written(
    folder: Path, number: int, name: str, pictures: Mapping[str, Image.Image], patches: Mapping[str, Patches]
) -> SamplePictures:
    files = {kind: Path(f"{number:02d}-{kind}.png") for kind in pictures}
    for kind, picture in pictures.items():
        write_png(folder / files[kind], _shrunk(picture))
    width, height = pictures["fake"].size
    return SamplePictures(name, width, height, patches=patches, **files)


def read_pictures(run: Path) -> list[SamplePictures]:
    """The pictures of a run's directory; empty if it has none.

    Raises:
        ToonlabError: if the index is damaged.
    """
    path = run / "pictures" / INDEX
    try:
        samples = read_json(path, _index(), "delete it to do without the pictures")
    except FileNotFoundError:
        return []
    for file in (file for one in samples for file in one.files.values()):
        if len(file.parts) != 1 or file.name == "..":
            raise ToonlabError(f"{path}: {str(file)!r} is no name of a file in its folder; delete the index")
    return [_in_folder(one, path.parent) for one in samples]


def _in_folder(sample: SamplePictures, folder: Path) -> SamplePictures:
    photo, truth = (folder / path if path else None for path in (sample.photo, sample.truth))
    return replace(sample, photo=photo, fake=folder / sample.fake, truth=truth)


@cache
def _index() -> TypeAdapter[list[SamplePictures]]:
    return TypeAdapter(list[SamplePictures])


def _shrunk(picture: Image.Image) -> Image.Image:
    if max(picture.size) <= SIDE:
        return picture
    return picture.resize(fitted(*picture.size, SIDE), Image.Resampling.LANCZOS)
