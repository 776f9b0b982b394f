"""What people preferred: strengths of methods, agreement of raters, and whether metrics agree with them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import nan

from toonlab.stats.preferences import (
    Array,
    Preference,
    RankAgreement,
    Strengths,
    agreement,
    missing_package,
    rank_agreement,
    strengths,
    win_shares,
)
from toonlab.studies.results.votes import Ballot, Question, Vote, read_votes
from toonlab.utils.text import several

from .charts.chart import ACCENT, INK, Chart
from .charts.rows import Row, row_chart
from .findings import Findings
from .format import listed, number, signed

MISSED, REVERSED = 0.25, 0.5  # shares of checks above which a rater is left out


@dataclass
class Checks:
    """How a rater did in the trials that show whether they look: how many were failed, of how many."""

    missed: int = 0
    photos: int = 0
    reversed: int = 0
    repeats: int = 0

    @property
    def failed(self) -> bool:
        return self.missed > MISSED * self.photos or self.reversed > REVERSED * self.repeats

    @property
    def text(self) -> str:
        return f"the photo {self.missed} of {self.photos}, repeats {self.reversed} of {self.repeats}"


@dataclass(frozen=True)
class Asked:
    """What was answered to a question.

    Args:
        wins: the share of votes for the method of a row over that of a column, and how many votes, `(M, M)`, in the
            order of `ranked`.
        alpha: Krippendorff's, where it can be computed; of `shared` pairs that several raters judged.
        metrics: metric -> how well its order of the methods agrees.
    """

    text: str
    votes: int
    strengths: Strengths
    ranked: Sequence[str]
    wins: tuple[Array, Array]
    alpha: float | None
    shared: int
    metrics: Mapping[str, RankAgreement]

    def chart(self, place: int) -> Chart:
        rows = []
        for label in self.ranked:
            at = list(self.strengths.methods).index(label)
            value, interval = float(self.strengths.values[at]), self.strengths.interval(at)
            rows.append(Row(label, signed(value, 2), value, interval, colors=(INK, ACCENT, INK)))
        said = "; ".join(f"{row.label} {row.text}" for row in rows)
        caption = f"{several(self.votes, 'vote')}. Strength and its 95 % interval over raters and photos."
        about = (f"votes-{place}", self.text, caption, f"Strengths: {said}.")
        return row_chart(rows, "strength, in log-odds  (more is preferred more often)", about, zero=True)


@dataclass(frozen=True)
class Votes:
    """The section of the votes: sentences, the questions, the raters who were left out; all may be empty."""

    sentences: Sequence[str]
    asked: Sequence[Asked] = ()
    left_out: Mapping[str, Checks] = field(default_factory=dict)
    metrics: Sequence[str] = ()


def votes(found: Findings) -> Votes | None:
    """None where no vote was begun.

    Raises:
        ToonlabError: if the file of votes is damaged.
    """
    read = read_votes(found.results.directory)
    if read is None:
        return None
    ballot, given = read
    pairs = [vote for vote in given if vote.kind == "pair"]
    raters, photos = {vote.rater for vote in given}, {vote.photo for vote in pairs}
    counted = f"{several(len(given), 'vote')} of {several(len(raters), 'rater')} on {several(len(photos), 'photo')}"
    if missing := missing_package():
        return Votes([f"{counted}: {missing} is not installed; pip install 'toonlab[app]' to evaluate them."])
    checks = checked(given, ballot.questions)
    left_out = {rater: checks[rater] for rater in sorted(checks) if checks[rater].failed}
    kept = [vote for vote in pairs if vote.rater not in left_out]
    metrics = [name for name in found.results.metrics if name not in found.costs]
    asked = [
        _asked(question.text, [vote for vote in kept if vote.question == name], ballot, found, metrics)
        for name, question in ballot.questions.items()
        if any(vote.question == name for vote in kept)
    ]
    known = [name for name in metrics if any(name in each.metrics for each in asked)]
    return Votes([f"{counted}.", *_limits(kept, left_out)], asked, left_out, known)


def checked(given: Sequence[Vote], questions: Mapping[str, Question]) -> Mapping[str, Checks]:
    """rater -> checks. The photo is missed by any answer but the right one; a repeat is reversed by the other method,
    not by a tie.
    """
    checks: defaultdict[str, Checks] = defaultdict(Checks)
    first = {
        (vote.rater, vote.question, vote.photo, frozenset((vote.left, vote.right))): vote
        for vote in given
        if vote.kind == "pair"
    }
    for vote in given:
        own = checks[vote.rater]
        if vote.kind == "photo" and (right := questions[vote.question].photo):
            own.photos += 1
            own.missed += vote.winner != ("photo" if right == "wins" else "effect")
        before = first.get((vote.rater, vote.question, vote.photo, frozenset((vote.left, vote.right))))
        if vote.kind == "repeat" and before:
            own.repeats += 1
            own.reversed += None not in (vote.winner, before.winner) and vote.winner != before.winner
    return checks


def _limits(kept: Sequence[Vote], left_out: Mapping[str, Checks]) -> list[str]:
    said = []
    if left_out:
        said.append(
            f"Left out: {listed([f'{rater} ({checks.text})' for rater, checks in left_out.items()])}. A rater is left "
            f"out by the rule that more than {100 * MISSED:.0f} % of the trials with the unmodified photo were missed, "
            f"or more than {100 * REVERSED:.0f} % of the repeated pairs were answered the other way round."
        )
    if not kept:
        return [*said, "No votes are left."]
    for what, names in (("rater", {vote.rater for vote in kept}), ("photo", {vote.photo for vote in kept})):
        if len(names) == 1:
            said.append(f"All votes are of one {what}, so that the intervals say nothing of other {what}s.")
    return said


def _asked(text: str, given: Sequence[Vote], ballot: Ballot, found: Findings, metrics: Sequence[str]) -> Asked:
    score = {"left": 1.0, "tie": 0.5, "right": 0.0}
    preferences = [Preference(vote.rater, vote.photo, vote.left, vote.right, score[vote.answer]) for vote in given]
    fitted = strengths(preferences, ballot.methods)
    order = sorted(range(len(ballot.methods)), key=lambda place: -fitted.values[place])
    ranked = [ballot.methods[place] for place in order]
    shares, counts = win_shares(preferences, ranked)
    alpha, shared = agreement(preferences)
    agreements = {}
    for metric in metrics:
        values = [nan if (mean := found.mean(metric, label)) is None else mean for label in ballot.methods]
        if one := rank_agreement(fitted, values, higher=found.higher(metric)):
            agreements[metric] = one
    return Asked(text, len(given), fitted, ranked, (shares, counts.astype(float)), alpha, shared, agreements)


def rank_text(one: RankAgreement | None) -> str:
    """`+0.82 (+0.41 to +0.96), τ +0.67`; a dash where there is none."""
    if one is None:
        return "–"
    low, high = one.interval
    return f"{signed(one.spearman, 2)} ({signed(low, 2)} to {signed(high, 2)}), τ {signed(one.kendall, 2)}"


def alpha_text(asked: Asked) -> str:
    """`0.42`, or why there is none."""
    if asked.alpha is not None:
        return number(asked.alpha, 2)
    return "no pair was judged by two raters" if not asked.shared else "all gave the same answer"
