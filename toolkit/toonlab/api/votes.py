"""A vote on a study's pictures, for programs that take votes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from toonlab.report import read_study
from toonlab.stats.preferences import half_width, votes_needed
from toonlab.studies.results.votes import (
    FILE,
    QUESTIONS,
    RATER,
    Questions,
    Vote,
    VoteFile,
    latest,
    read_questions,
    vote_pictures,
)


class Poll:
    """What raters are asked of a study's pictures, and their votes so far, in `votes.jsonl` of the study's directory.

    `methods` and `photos` are labels, `questions` maps names to questions, `pictures.photos[photo]` and
    `pictures.fakes[photo][method]` are files. `RATER` is the pattern of a rater's code.

    Args:
        experiment: the name of a study, or the path of its experiment's file.
        runs: the folder of all studies.
        questions: a YAML file of questions; three questions if not given.

    Raises:
        ToonlabError: if there is no such study, fewer than two of its methods have left pictures, or the questions
            can't be read.
    """

    RATER = RATER

    def __init__(self, experiment: str, runs: Path = Path("runs"), questions: Path | None = None) -> None:
        results = read_study(experiment, runs)
        self.name, self.path = results.name, results.directory / FILE
        self.questions: Questions = QUESTIONS if questions is None else read_questions(questions)
        self.pictures = vote_pictures(results)
        self._ballot = self.pictures.ballot(self.questions)
        self._file = VoteFile(self.path, self._ballot)

    @property
    def methods(self) -> list[str]:
        return list(self._ballot.methods)

    @property
    def photos(self) -> list[str]:
        return list(self._ballot.photos)

    @contextmanager
    def opened(self) -> Iterator[Poll]:
        """Hold the file of votes, for one process; its last line is cut off if a crash tore it.

        Raises:
            ToonlabError: if another process holds it, it is damaged, or it is of other questions, methods or pictures.
        """
        with self._file.opened():
            yield self

    def append(self, vote: Vote) -> None:
        """Write a vote; when this returns, it is on the disk. Threads may call it at the same time.

        Raises:
            OSError: if it can't be written; nothing of it is left then.
        """
        self._file.append(vote)

    def votes(self, rater: str | None = None) -> list[Vote]:
        """All votes, or those of a rater; of votes that were corrected, the last one."""
        return [vote for vote in latest(self._file.votes) if rater in (None, vote.rater)]

    def precision(self, raters: int, pairs: int) -> float:
        """Half of the 95 % interval of the share that prefers one of two alike methods, if each rater judges `pairs`.

        `docs/vote.md` says what is assumed of raters and photos.
        """
        return half_width(raters * pairs, len(self.methods), raters, len(self.photos))

    def pairs_needed(self, precision: float, raters: int) -> int | None:
        """How many pairs each of so many raters must judge for a `precision`; None if no number is enough."""
        votes = votes_needed(precision, len(self.methods), raters, len(self.photos))
        return None if votes is None else -(-votes // raters)
