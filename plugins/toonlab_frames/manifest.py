"""The manifest of a set of pictures: which they are, in which split, and what was dropped; it holds no picture."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from toonlab import ToonlabError, printable

SPLITS = ("train", "validation", "test")
Split = Literal["train", "validation", "test"]
Share = Annotated[float, Field(ge=0, lt=1)]
_LARGEST = 2**28  # bytes

Hash = Annotated[str, Field(pattern=r"^[0-9a-f]+$")]
Positive = Annotated[int, Field(gt=0, le=2**15)]
Edge = Annotated[int, Field(ge=0, le=2**15)]


class Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Settings(Model):
    """What decides which pictures are chosen, and what they look like."""

    command: Literal["frames", "photos"]
    per_shot: int = 1
    side: int | None = None
    smallest: int = 0
    crop: bool = True
    validation: Share = 0.1
    test: Share = 0.1
    seed: int = 0
    version: Literal[1] = 1  # of the method; another one would choose other pictures


class Film(Model):
    """A film's file and all of its frames, counted by what became of them."""

    name: str
    sha256: Hash
    size: tuple[Positive, Positive]
    frames: dict[str, int]
    shots: int
    seconds: float
    cut_short: str | None = None


class Picture(Model):
    """A chosen picture: its file below the folder, its size, and its hashes.

    Of a film: which, the time of the frame in seconds, and the crop as left, top, right, bottom. Of a photo: the
    SHA-256 of its file.
    """

    file: str
    split: Split
    size: tuple[Positive, Positive]
    phash: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
    pixels: Hash
    film: Annotated[int, Field(ge=0)] | None = None
    shot: int | None = None
    time: Annotated[float, Field(ge=0)] | None = None
    crop: tuple[Edge, Edge, Edge, Edge] | None = None
    sha256: Hash | None = None


class Dropped(Model):
    """A picture that was not taken; `like`: the one that it nearly duplicates; `detail`: what is broken."""

    reason: str
    name: str
    shot: int | None = None
    time: float | None = None
    like: str | None = None
    detail: str | None = None


class Manifest(Model):
    """All of it, as `frames.json` and `photos.json` hold it."""

    settings: Settings
    films: list[Film]
    pictures: list[Picture]
    dropped: list[Dropped]


def read_manifest(path: Path, command: str) -> Manifest:
    """Raises a ToonlabError, of one line, if there is none, or if it is damaged or of the other command."""
    try:
        if path.stat().st_size > _LARGEST:
            raise ToonlabError(f"{printable(path)}: has more than {_LARGEST} bytes; give a manifest")
        found = TypeAdapter(Manifest).validate_json(path.read_bytes())
    except OSError as error:
        raise ToonlabError(f"{printable(path)}: can't be read: {error.strerror}; give a manifest") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        text = f"{printable(path)}: is no manifest: {where}: {first['msg']}; give one that `toonlab {command}` wrote"
        raise ToonlabError(text) from error
    if found.settings.command != command:
        remedy = f"use `toonlab {found.settings.command}`"
        raise ToonlabError(f"{printable(path)}: is a manifest of `toonlab {found.settings.command}`; {remedy}")
    for picture in found.pictures:
        _check(picture, found, path)
    return found


def _check(picture: Picture, manifest: Manifest, path: Path) -> None:
    """A file outside of the folder, a film that is not there, or a crop outside of the frame."""
    parts = picture.file.split("/")
    wrong = "" if parts[0] == picture.split and len(parts) > 1 else "is not in the folder of its split"
    if any(part in ("", ".", "..") for part in parts) or set("\\\0") & set(picture.file):
        wrong = "is no path below the folder"
    if manifest.settings.command == "frames":
        crop = picture.crop
        if picture.film is None or picture.time is None or crop is None or picture.film >= len(manifest.films):
            wrong = "lacks its film, time or crop"
        else:
            width, height = manifest.films[picture.film].size
            if not (crop[0] < crop[2] <= width and crop[1] < crop[3] <= height):
                wrong = f"has a crop outside of the film's {width}x{height} pixels"
    elif picture.sha256 is None:
        wrong = "lacks its sha256"
    if wrong:
        raise ToonlabError(f"{printable(path)}: is no manifest: {printable(picture.file)} {wrong}; get it again")


def write_manifest(path: Path, manifest: Manifest) -> None:
    """In one act: what was there before stays until the new one is whole."""
    temporary = path.with_name(f".{path.name}.part")
    temporary.write_text(manifest.model_dump_json(indent=1, exclude_none=True) + "\n", encoding="utf-8")
    temporary.replace(path)


def assign_splits(keys: Iterable[str], settings: Settings) -> dict[str, Split]:
    """A split for each key, such as a shot: the same for the same keys and seed, in the settings' shares.

    A share above 0 has at least one of three keys or more.
    """
    ordered = sorted(set(keys), key=lambda key: blake2b(f"{settings.seed}/{key}".encode()).digest())
    assigned: dict[str, Split] = dict.fromkeys(ordered, "train")
    start = 0
    shares: dict[Split, float] = {"validation": settings.validation, "test": settings.test}
    for split, share in shares.items():
        least = 1 if share and len(ordered) >= 3 else 0
        count = max(least, round(share * len(ordered)))
        assigned |= dict.fromkeys(ordered[start : start + count], split)
        start += count
    return assigned


def summary(manifest: Manifest, out: Path) -> list[str]:
    """Lines for people: where the pictures are, how many are in each split, and what was dropped, by reason."""
    splits = Counter[str](picture.split for picture in manifest.pictures)
    lines = []
    for film in manifest.films:
        frames = ", ".join(f"{name} {count:,}" for name, count in film.frames.items() if count)
        lines.append(f"{printable(film.name)}: {film.shots:,} shots in {sum(film.frames.values()):,} frames: {frames}")
    if not manifest.films:
        lines += [f"dropped: {listed(Counter(each.reason for each in manifest.dropped))}"]
    lines.append(f"{printable(out)}: {listed(splits, SPLITS)}; {manifest.settings.command}.json names them")
    return lines


def listed(counts: Counter[str], names: Sequence[str] | None = None) -> str:
    """`train 80, validation 10, test 10`; the most frequent first, if no order is given."""
    chosen = [name for name, _ in counts.most_common()] if names is None else names
    return ", ".join(f"{name} {counts[name]:,}" for name in chosen) or "none"
