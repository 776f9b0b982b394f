"""From films to chosen pictures: the sharpest frame of each shot, without blurred ones and near-duplicates."""

from __future__ import annotations

import json
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from functools import cache
from hashlib import file_digest
from pathlib import Path

from PIL import Image
from pydantic import TypeAdapter, ValidationError

from toonlab import ToonlabError, duration, printable, progress

from .film import Crop, Facts, Pixels, Reader, Size, facts, picture, read_frames, shown_size, small_rgb
from .folder import OutFolder, staged
from .looks import BLURRED, Duplicates, blur, perceptual_hash, pixel_hash
from .manifest import Dropped, Film, Manifest, Picture, Settings, assign_splits, listed
from .shots import LONGEST, Kind, Segment, ShotFinder, look
from .survey import survey

_SHORT = (1.0, 0.02)  # seconds, and share of the film, by which it may end sooner than its file says
_START = -1.0  # before the first frame
_SEGMENT = TypeAdapter(Segment)
_SURVEY = TypeAdapter(tuple[Size, Crop])


def choose_frames(videos: Sequence[Path], folder: OutFolder, settings: Settings) -> Manifest:
    """Choose pictures of films, and leave them in `folder.work`.

    What is known of a film is appended to a log in `folder.work` shot by shot, and a picture there is not made twice,
    so that an interrupted run continues, with the same result.

    Raises:
        ToonlabError: if a film can't be read, or no picture is left.
    """
    films, pictures, dropped, known = list[Film](), list[Picture](), list[Dropped](), Duplicates()
    for number, (path, stem) in enumerate(zip(videos, _stems(videos), strict=True)):
        film = FilmChoice(path, number, stem, folder.work, settings)
        films.append(film.choose(known))
        pictures += film.pictures
        dropped += film.dropped
    if not pictures:
        frames = sum((Counter(film.frames) for film in films), Counter[str]())
        raise ToonlabError(f"{printable(videos[0])}: no frame could be chosen of {listed(frames)}; give another film")
    return with_splits(Manifest(settings=settings, films=films, pictures=pictures, dropped=dropped))


def with_splits(manifest: Manifest) -> Manifest:
    """All pictures of a shot, or each photo, in a split of the manifest's shares; the file's folder is the split."""
    keys = [f"{each.film}/{each.shot}" if each.sha256 is None else each.pixels for each in manifest.pictures]
    splits = assign_splits(keys, manifest.settings)
    placed = [
        each.model_copy(update={"split": splits[key], "file": f"{splits[key]}/{staged(each.file)}"})
        for key, each in zip(keys, manifest.pictures, strict=True)
    ]
    return manifest.model_copy(update={"pictures": placed})


class FilmChoice:
    """The choice of pictures of one film; `choose` fills `pictures`, all in the training split, and `dropped`."""

    def __init__(self, path: Path, number: int, stem: str, work: Path, settings: Settings) -> None:
        self.path, self.number, self.stem, self.work, self.settings = path, number, stem, work, settings
        self.pictures, self.dropped = list[Picture](), list[Dropped]()

    def choose(self, known: Duplicates) -> Film:
        """Choose pictures that are unlike those `known`, and add them to these."""
        told = facts(self.path)
        log = Log(self.work / f"film-{self.number}.jsonl")
        segments = list(self._segments(log, told))
        shots = [segment for segment in segments if segment.kind == "shot"]
        with progress(f"{printable(self.path)}: pictures", len(shots)) as to:
            self._pick(shots, log.survey, told.aspect, known, to)
        last = max((segment.end for segment in segments), default=0.0)
        return Film(
            name=_name(self.path),
            sha256=sha256(self.path),
            size=log.survey[0],
            frames=self._counted(segments),
            shots=len(shots),
            seconds=round(last, 3),
            cut_short=self._cut_short(last, told),
        )

    def _segments(self, log: Log, told: Facts) -> Iterator[Segment]:
        if log.empty:
            size, crop = survey(self.path)
            log.begin(size, crop if self.settings.crop else (0, 0, *size))
        yield from log.segments
        if not log.complete:
            with progress(f"{printable(self.path)}: shots", told.seconds) as to:
                for segment in find_segments(self.path, log.end, *log.survey, self.settings.per_shot, to):
                    log.add(segment)
                    yield segment
            log.finish()

    def _pick(
        self,
        shots: Sequence[Segment],
        found: tuple[Size, Crop],
        aspect: float,
        known: Duplicates,
        to: Callable[[float], None],
    ) -> None:
        reader, crop = Reader(self.path), found[1]
        for shot, segment in enumerate(shots):
            to(shot)
            for part, time in enumerate(segment.sharpest):
                name = f"{self.stem}-{shot:05d}" + (f"-{part}" if self.settings.per_shot > 1 else "")

                def make(time: float = time) -> Image.Image | None:
                    shown = reader.at(time)
                    if shown is None:
                        return None
                    return picture(shown.frame, crop, shown_size(shown.frame, crop, aspect, self.settings.side))

                self._consider(name, shot, time, crop, make, known)

    def _consider(
        self, name: str, shot: int, time: float, crop: Crop, make: Callable[[], Image.Image | None], known: Duplicates
    ) -> None:
        """Keep the picture, or note why not."""
        file = self.work / "pictures" / f"{name}.png"
        image = opened(file) or make()
        reason, like, phash = None, None, "" if image is None else perceptual_hash(image)
        if image is None:
            reason = "damaged"
        elif (like := known.like(phash)) is not None:
            reason = "duplicate"
        elif blur(image) > BLURRED:
            reason = "blurred"
        if reason or image is None:
            self.dropped.append(
                Dropped(reason=reason or "damaged", name=name, shot=shot, time=round(time, 6), like=like)
            )
            return
        save(image, file)
        known.add(name, phash)
        self.pictures.append(
            Picture(
                file=f"train/{name}.png",
                split="train",
                size=image.size,
                phash=phash,
                pixels=pixel_hash(image),
                film=self.number,
                shot=shot,
                time=round(time, 6),
                crop=crop,
            )
        )

    def _counted(self, segments: Sequence[Segment]) -> dict[str, int]:
        """All frames by what became of them."""
        counts = Counter[str]({"chosen": len(self.pictures)})
        lost = Counter(each.reason for each in self.dropped)
        for segment in segments:
            counts["less sharp" if segment.kind == "shot" else segment.kind] += segment.frames
        counts["less sharp"] -= len(self.pictures) + lost.total()
        return dict((counts + lost).most_common())

    def _cut_short(self, last: float, told: Facts) -> str | None:
        if told.seconds is None or told.seconds - last <= max(_SHORT[0], _SHORT[1] * told.seconds):
            return None
        text = f"can be read up to {duration(last)} of {duration(told.seconds)}"
        warnings.warn(f"{printable(self.path)}: {text}; that part is used", UserWarning, stacklevel=2)
        return text


def find_segments(
    path: Path, after: float, size: Size, crop: Crop, per_shot: int, to: Callable[[float], None]
) -> Iterator[Segment]:
    """The segments of a film's frames after a time at which another segment ended."""
    finder, skipped = ShotFinder(per_shot), dict[str, Segment]()
    for shown in read_frames(path, max(0.0, after)):
        if shown.time <= after + 1e-6:
            continue
        to(shown.time)
        other_size = (shown.frame.width, shown.frame.height) != size
        if other_size or shown.frame.is_corrupt:
            kind: Kind = "other size" if other_size else "damaged"
            skipped.setdefault(kind, Segment(kind, 0, 0.0)).frames += 1
            skipped[kind].end = shown.time
            continue
        for segment in finder.add(look(shown.time, _inside(small_rgb(shown.frame, LONGEST), crop, size))):
            yield from skipped.values()
            skipped.clear()
            yield segment
    yield from skipped.values()
    yield from finder.end()


def _inside(small: Pixels, crop: Crop, size: Size) -> Pixels:
    """The part of a frame that was scaled down which is inside of the crop."""
    scale = small.shape[1] / size[0]
    left, top, right, bottom = (round(edge * scale) for edge in crop)
    return small[top : max(bottom, top + 1), left : max(right, left + 1)]


class Log:
    """What is known of a film, a line each: size and crop, segments, the end. A line that a kill cut off is removed."""

    def __init__(self, path: Path) -> None:
        self.path, self.segments, self.complete = path, list[Segment](), False
        self.survey: tuple[Size, Crop] = ((0, 0), (0, 0, 0, 0))
        good = 0
        content = path.read_bytes() if path.exists() else b""
        for line in content.splitlines(keepends=True):
            if not line.endswith(b"\n") or not self._understood(line, first=not good):
                break
            good += len(line)
        self.empty = not good
        if content[good:]:
            path.write_bytes(content[:good])

    def _understood(self, line: bytes, first: bool) -> bool:
        try:
            if first:
                self.survey = _SURVEY.validate_json(line)
            elif line == b"null\n":
                self.complete = True
            else:
                self.segments.append(_SEGMENT.validate_json(line))
        except ValidationError:
            return False
        return True

    @property
    def end(self) -> float:
        """The time of the last frame of all segments so far."""
        return max((segment.end for segment in self.segments), default=_START)

    def begin(self, size: Size, crop: Crop) -> None:
        self.survey = (size, crop)
        self._append([size, crop])

    def add(self, segment: Segment) -> None:
        self._append(asdict(segment))

    def finish(self) -> None:
        self._append(None)

    def _append(self, value: object) -> None:
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(value) + "\n")


def opened(file: Path) -> Image.Image | None:
    """The picture of a file; None if there is none."""
    if not file.exists():
        return None
    with Image.open(file) as image:
        image.load()
        return image


def save(image: Image.Image, file: Path) -> None:
    """As a PNG file, whole or not at all; one that is there stays."""
    if file.exists():
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_name(f".{file.name}.part")
    image.save(temporary, "PNG")
    temporary.replace(file)


def sha256(path: Path) -> str:
    """Of a file's bytes, which are read once as long as they do not change."""
    state = path.stat()
    return _sha256(path, state.st_size, state.st_mtime_ns)


@cache
def _sha256(path: Path, *_: int) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def _name(path: Path) -> str:
    return path.name.encode("utf-8", "replace").decode()


def _stems(videos: Sequence[Path]) -> list[str]:
    """A different beginning of file names for each film."""
    stems = list[str]()
    for path in videos:
        stem = _name(path).rpartition(".")[0].lstrip(".").replace("\\", "_") or "film"
        number = sum(other == stem or other.startswith(f"{stem}~") for other in stems)
        stems.append(f"{stem}~{number + 1}" if number else stem)
    return stems
