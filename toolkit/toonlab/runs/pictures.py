"""The pictures of a finished run, `pictures/`: test photos, fakes, truths, and the patches of its critics.

Reports and sample sheets show these files, so that they neither load weights nor run networks. `index.json` is written
last: a directory without one has no pictures.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from PIL import Image

from toonlab.errors import ToonlabError
from toonlab.images.io import fitted, write_png

from .directory import write_atomically

SIDE = 384  # px of a picture's longer side, at most
INDEX = "index.json"
Box = tuple[int, int, int, int]  # top, left, height, width
Made = tuple[str, Mapping[str, Image.Image], Mapping[str, "Patches"]]  # name; photo, fake, truth if any; by critic


@dataclass(frozen=True)
class Patches:
    """The patches that a critic's sampler chooses in a fake, best first, in pixels of the original."""

    sampler: str
    boxes: Sequence[Box]


@dataclass(frozen=True)
class SamplePictures:
    """A test sample and its fake; `width` and `height` in pixels of the original, of which files may be smaller."""

    name: str
    width: int
    height: int
    photo: Path
    fake: Path
    truth: Path | None = None
    patches: Mapping[str, Patches] = field(default_factory=dict)

    @property
    def files(self) -> dict[str, Path]:
        """`photo`, `fake` and, where there is one, `truth`."""
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
    width, height = pictures["photo"].size
    return SamplePictures(name, width, height, patches=patches, **files)


def read_pictures(run: Path) -> list[SamplePictures]:
    """The pictures of a run's directory; empty if it has none.

    Raises:
        ToonlabError: if the index is damaged.
    """
    path = run / "pictures" / INDEX
    try:
        return [_sample(record, path.parent) for record in json.loads(path.read_text(encoding="utf-8"))]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise ToonlabError(f"{path}: not an index of pictures: {error}") from error


def _sample(record: dict[str, object], folder: Path) -> SamplePictures:
    files = {kind: folder / str(name) for kind in ("photo", "fake", "truth") if (name := record.pop(kind))}
    patches = {
        critic: Patches(given["sampler"], [tuple(box) for box in given["boxes"]])
        for critic, given in record.pop("patches").items()  # type: ignore[attr-defined]
    }
    return SamplePictures(**record, **files, patches=patches)  # type: ignore[arg-type]


def _shrunk(picture: Image.Image) -> Image.Image:
    if max(picture.size) <= SIDE:
        return picture
    return picture.resize(fitted(*picture.size, SIDE), Image.Resampling.LANCZOS)
