"""Votes on a study's pictures: `votes.jsonl` in the study's directory, a ballot on the first line, then a vote a line.

Lines are only ever appended, each synced to the disk. A last line that a crash tore is ignored and, before the next
vote, cut off.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from functools import cache
from hashlib import blake2b
from pathlib import Path
from threading import Lock
from typing import Annotated, ClassVar, Literal

from filelock import FileLock, Timeout
from pydantic import ConfigDict, Field, TypeAdapter

from toonlab.errors import ToonlabError
from toonlab.runs.directory import digest
from toonlab.runs.pictures import SamplePictures, read_pictures
from toonlab.utils import yaml
from toonlab.utils.reading import parse_json, read_bytes
from toonlab.utils.text import printable

from .results import StudyResults

FILE = "votes.jsonl"
RATER = r"[a-z0-9][a-z0-9-]{0,19}"
_REMEDY = "move it away to begin a vote of its own"
_STRICT = ConfigDict(extra="forbid")
_TEXT = Field(min_length=1, max_length=200)


@dataclass(frozen=True)
class Question:
    """A question that is asked of each pair.

    Args:
        text: as raters read it: `Which is more like a cartoon?`
        photo: whether the unmodified photo wins or loses it against any effect, which is asked of inattentive raters;
            None where neither is right.
    """

    __pydantic_config__: ClassVar = _STRICT

    text: Annotated[str, _TEXT]
    photo: Literal["wins", "loses"] | None = None


Questions = Mapping[str, Question]
QUESTIONS: Questions = {
    "cartoon": Question("Which is more like a cartoon?", photo="loses"),
    "scene": Question("Which keeps the scene better?", photo="wins"),
    "overall": Question("Which do you like better overall?"),
}


@dataclass(frozen=True)
class Ballot:
    """What is voted on.

    Args:
        questions: name -> question, in the order in which they are asked.
        pictures: a hash of the files of all pictures.
    """

    __pydantic_config__: ClassVar = _STRICT

    methods: Annotated[Sequence[str], Field(min_length=2)]
    photos: Annotated[Sequence[str], Field(min_length=1)]
    questions: Annotated[Mapping[Annotated[str, _TEXT], Question], Field(min_length=1)]
    pictures: str


@dataclass(frozen=True)
class Vote:
    """An answer of a rater to a question; of several to the same question of a trial, the last one counts.

    Args:
        trial: its number in the rater's order, from 0.
        kind: `repeat`: the pair of an earlier trial with its sides swapped; `photo`: the photo against an effect.
        left: the label of the method at the left; of the kind `photo`, `photo` or `effect`.
        right: likewise.
        seconds: from the question to the answer.
        time: seconds since 1970.
    """

    __pydantic_config__: ClassVar = _STRICT

    rater: Annotated[str, Field(pattern=f"^{RATER}$")]
    trial: Annotated[int, Field(ge=0)]
    question: str
    kind: Literal["pair", "repeat", "photo"]
    photo: str
    left: str
    right: str
    answer: Literal["left", "tie", "right"]
    seconds: float
    time: float

    @property
    def winner(self) -> str | None:
        """The label that was preferred; None for a tie."""
        return {"left": self.left, "right": self.right, "tie": None}[self.answer]


@cache
def _ballot() -> TypeAdapter[Ballot]:
    return TypeAdapter(Ballot)


@cache
def _vote() -> TypeAdapter[Vote]:
    return TypeAdapter(Vote)


@cache
def _questions() -> TypeAdapter[dict[str, Question]]:
    return TypeAdapter(dict[str, Question])


def read_questions(path: Path) -> Questions:
    """The questions of a YAML file: `questions: {NAME: {text: …, photo: wins}}`, `photo` if wanted.

    Raises:
        ToonlabError: if it can't be read, or does not fit.
    """
    tree = yaml.load_file(path)
    asked = tree.get("questions")
    if not isinstance(asked, Mapping) or not asked or len(tree) > 1:
        raise ToonlabError(f"{printable(path)}: expected `questions: {{NAME: {{text: …}}}}` and nothing else")
    try:
        return parse_json(json.dumps(asked, default=str), _questions())
    except ValueError as error:
        raise ToonlabError(f"{printable(path)}: questions.{error}") from error


# -- the pictures


@dataclass(frozen=True)
class VotePictures:
    """The pictures to vote on: photo -> its file, and photo -> label -> the file of what the method made of it."""

    photos: Mapping[str, Path]
    fakes: Mapping[str, Mapping[str, Path]]

    @property
    def methods(self) -> list[str]:
        return list(next(iter(self.fakes.values())))

    def ballot(self, questions: Questions) -> Ballot:
        """Raises an OSError if a picture can't be read."""
        files = [*self.photos.values(), *(path for by_label in self.fakes.values() for path in by_label.values())]
        hashes = [blake2b(path.read_bytes(), digest_size=16).hexdigest() for path in files]
        return Ballot(self.methods, list(self.fakes), dict(questions), digest(hashes))


def vote_pictures(results: StudyResults) -> VotePictures:
    """The test photos that all methods of a study have left pictures of, each method by its first seed with pictures.

    Raises:
        ToonlabError: if there are fewer than two methods, or no photo that all have.
    """
    made = dict[str, dict[str, SamplePictures]]()
    for variant in results.variants:
        runs = [cell.run for cell in results.of(variant.label) if cell.status == "finished"]
        if samples := next((found for run in runs if (found := read_pictures(results.directory / run))), None):
            largest = sorted(samples, key=lambda sample: sample.width)
            made[variant.label] = {sample.name: sample for sample in largest if sample.photo}
    if len(made) < 2:
        raise ToonlabError(
            f"{results.directory}: {len(made)} of its methods have left pictures of photos; a vote takes two or more"
        )
    first, *others = made.values()
    names = [name for name in first if all(name in other for other in others)]
    if not names:
        raise ToonlabError(f"{results.directory}: there is no photo that all of its methods have left a picture of")
    photos = {name: photo for name in names if (photo := first[name].photo)}
    return VotePictures(photos, {name: {label: each[name].fake for label, each in made.items()} for name in names})


# -- the file


def read_votes(directory: Path) -> tuple[Ballot, list[Vote]] | None:
    """The ballot and the votes of a study's directory; of votes that were corrected, the last one; None without votes.

    Raises:
        ToonlabError: if the file is damaged anywhere but at its end.
    """
    try:
        ballot, votes, _ = _parsed(directory / FILE)
    except FileNotFoundError:
        return None
    return (ballot, latest(votes)) if ballot else None


def latest(votes: Sequence[Vote]) -> list[Vote]:
    """Without the votes that a later one of the same rater, trial and question corrects."""
    return list({(vote.rater, vote.trial, vote.question): vote for vote in votes}.values())


def _parsed(path: Path) -> tuple[Ballot | None, list[Vote], int]:
    """The ballot, all votes, and how many bytes of the file are whole lines."""
    content = read_bytes(path, _REMEDY)
    whole = content.rfind(b"\n") + 1
    ballot, votes = None, list[Vote]()
    for number, line in enumerate(content[:whole].splitlines(), 1):
        try:
            if number == 1:
                ballot = parse_json(line, _ballot())
            else:
                votes.append(_of_ballot(parse_json(line, _vote()), ballot))
        except ValueError as error:
            raise ToonlabError(f"{path}, line {number}: can't be read: {error}; mend it, or {_REMEDY}") from error
    return ballot, votes, whole


def _of_ballot(vote: Vote, ballot: Ballot | None) -> Vote:
    """The vote; a ValueError if the ballot has no such question or method."""
    if ballot and vote.question not in ballot.questions:
        raise ValueError(f"question: got {vote.question!r}, which the first line does not have")
    if ballot and vote.kind != "photo" and not {vote.left, vote.right} <= set(ballot.methods):
        raise ValueError(f"left, right: got {vote.left!r} and {vote.right!r}, not both methods of the first line")
    return vote


class VoteFile:
    """The votes of a study, open for one process; `append` may be called from several threads."""

    def __init__(self, path: Path, ballot: Ballot) -> None:
        self.path, self.ballot, self.votes = path, ballot, list[Vote]()
        self._lock = Lock()

    @contextmanager
    def opened(self) -> Iterator[VoteFile]:
        """Hold the file; its torn last line is cut off.

        Raises:
            ToonlabError: if another process holds it, it is damaged, or it belongs to another ballot.
        """
        lock = FileLock(self.path.with_name(f".{self.path.name}.lock"), timeout=0)
        try:
            lock.acquire()
        except Timeout:
            raise ToonlabError(f"{self.path}: another process takes votes there; end that one first") from None
        try:
            self._read()
            yield self
        finally:
            lock.release()

    def _read(self) -> None:
        try:
            ballot, self.votes, whole = _parsed(self.path)
        except FileNotFoundError:
            ballot, whole = None, 0
        if ballot is None:
            self._write(_line(self.ballot), 0)
            return
        if changed := [
            each.name for each in fields(Ballot) if getattr(ballot, each.name) != getattr(self.ballot, each.name)
        ]:
            raise ToonlabError(
                f"{self.path}: was begun with other {' and '.join(changed)} than the study has now; {_REMEDY}"
            )
        if whole < self.path.stat().st_size:
            self._write(b"", whole)

    def append(self, vote: Vote) -> None:
        """Write a vote; when this returns, it is on the disk.

        Raises:
            OSError: if it can't be written; nothing of it is left then.
        """
        with self._lock:
            self._write(_line(vote), self.path.stat().st_size)
            self.votes.append(vote)

    def _write(self, line: bytes, at: int) -> None:
        new = not self.path.exists()
        with self.path.open("ab" if at else "wb") as file:
            try:
                file.truncate(at)
                file.write(line)
                file.flush()
                os.fsync(file.fileno())
            except OSError:
                file.truncate(at)
                raise
        if new:
            _sync(self.path.parent)


def _line(record: Ballot | Vote) -> bytes:
    return (json.dumps(asdict(record), ensure_ascii=False) + "\n").encode()


def _sync(folder: Path) -> None:
    """Make the name of a new file last."""
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
