"""The same set again, from a manifest and another person's own copies of the films or photos."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from toonlab import ToonlabError, printable, progress

from .choice import opened, save
from .film import Crop, Reader, picture
from .folder import OutFolder, staged
from .looks import SAME_BITS, distance, perceptual_hash, pixel_hash
from .manifest import Film, Manifest, Picture


class Agreement(NamedTuple):
    """How many pictures of a set are equal to the pixel, look the same, and are missing or differ."""

    equal: int
    alike: int
    missing: list[str]


def rebuild_frames(videos: Sequence[Path], manifest: Manifest, folder: OutFolder) -> Manifest:
    """Make the pictures of a manifest that the films have, in `folder.work`; the manifest of these.

    Raises:
        ToonlabError: if there are not as many films as in the manifest, one can't be read, or no picture agrees.
    """
    if len(videos) != len(manifest.films):
        names = ", ".join(printable(film.name) for film in manifest.films)
        count = f"{len(manifest.films)} film{'s' if len(manifest.films) != 1 else ''}"
        raise ToonlabError(f"--manifest: is of {count} ({names}), got {len(videos)}; give them in that order")
    kept = list[Picture]()
    for number, (path, film) in enumerate(zip(videos, manifest.films, strict=True)):
        wanted = sorted((each for each in manifest.pictures if each.film == number), key=lambda each: each.time or 0)
        reader = Reader(path)

        def make(wanted: Picture, reader: Reader = reader, film: Film = film) -> Image.Image | None:
            return _frame(reader, wanted, film)

        kept += agreeing(wanted, make, folder, f"{printable(path)}: pictures")
    return only(kept, manifest, f"{printable(videos[0])}: no picture of the manifest is in it at its time")


def agreeing(
    wanted: Sequence[Picture], make: Callable[[Picture], Image.Image | None], folder: OutFolder, about: str
) -> Iterator[Picture]:
    """The pictures that look as they should; they are in `folder.work` afterwards."""
    with progress(about, len(wanted)) as to:
        for done, each in enumerate(wanted):
            to(done)
            file = folder.work / "pictures" / staged(each.file)
            image = opened(file) or make(each)
            if image is not None and distance(perceptual_hash(image), each.phash) <= SAME_BITS:
                save(image, file)
                yield each


def only(kept: Sequence[Picture], manifest: Manifest, nothing: str) -> Manifest:
    """The manifest of these pictures, in its own order. Raises a ToonlabError if there are none."""
    if not kept:
        raise ToonlabError(f"{nothing}; was the manifest made from another copy?")
    files = {each.file for each in kept}
    return manifest.model_copy(update={"pictures": [each for each in manifest.pictures if each.file in files]})


def _frame(reader: Reader, wanted: Picture, film: Film) -> Image.Image | None:
    shown = reader.at(wanted.time or 0.0)
    if shown is None:
        return None
    assert wanted.crop is not None  # as `read_manifest` has checked
    left, top, right, bottom = wanted.crop
    across, down = shown.frame.width / film.size[0], shown.frame.height / film.size[1]
    crop: Crop = (round(left * across), round(top * down), round(right * across), round(bottom * down))
    return picture(shown.frame, crop, wanted.size) if crop[0] < crop[2] and crop[1] < crop[3] else None


def agreement(manifest: Manifest, out: Path, image_of: Callable[[Path], Image.Image | None] = opened) -> Agreement:
    """Compare the files of a folder with a manifest."""
    equal, alike, missing = 0, 0, list[str]()
    for wanted in manifest.pictures:
        image = image_of(out / wanted.file)
        if image is not None and pixel_hash(image) == wanted.pixels:
            equal += 1
        elif image is not None and distance(perceptual_hash(image), wanted.phash) <= SAME_BITS:
            alike += 1
        else:
            missing.append(wanted.file)
    return Agreement(equal, alike, missing)
