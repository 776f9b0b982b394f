"""Verdicts, and the three sentences that open a report: the question, the result and its limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from toonlab.utils.text import several

from .findings import Findings
from .format import interval, listed, number, p_value, shown, signed

if TYPE_CHECKING:
    from toonlab.stats.paired import Difference

SYMBOLS = {"better": "▲", "worse": "▼", "inconclusive": "≈", "untested": "○", "baseline": "·"}
FEWEST = 3  # seeds that a test takes
TESTED = ("better", "worse", "inconclusive")
Group = Mapping[str, "Difference"]


def sentences(found: Findings) -> tuple[str, str, str]:
    """The three sentences of a comparison; they claim no more than its tests allow."""
    return sentence([_question(found), _finished(found)]), sentence(_result(found)), sentence(_limits(found))


def by_verdict(found: Findings) -> dict[str, Group]:
    """verdict -> label -> difference of the primary metric, without the baseline."""
    differences = {label: one for label in found.labels if (one := found.difference(label))}
    verdicts = (*TESTED, "untested")
    return {verdict: {label: d for label, d in differences.items() if d.verdict == verdict} for verdict in verdicts}


def in_numbers(difference: Difference, digits: int) -> str:
    """`+0.042, 95 % interval +0.021 to +0.063, p = 0.012`."""
    parts = [signed(difference.mean, digits)]
    parts += [f"95 % interval {interval(difference.interval, digits)}"] if difference.interval else []
    parts += [f"p = {p_value(difference.p)}".replace("= <", "<")] if difference.p is not None else []
    return ", ".join(parts)


def sentence(clauses: Sequence[str]) -> str:
    """Clauses with a capital and a full stop; none begins with a name, whose spelling must not change."""
    text = "; ".join(clauses)
    return f"{text[0].upper()}{text[1:]}."


def _question(found: Findings) -> str:
    labels, baseline = found.labels, found.results.baseline
    against = baseline in labels and len(labels) > 1
    compared = [label for label in labels if label != baseline] if against else labels
    who = listed([*map(shown, compared)], 7) if len(compared) <= 7 else several(len(compared), "variant")
    by = f"by {found.primary} ({'more' if found.higher(found.primary) else 'less'} is better)"
    to = f" with {shown(baseline or '')}" if against else ""
    return f"this study compares {who}{to} {by} over {several(len(found.seeds), 'seed')}"


def _finished(found: Findings) -> str:
    done, total = len(found.finished), len(found.results.cells)
    return f"all {total} runs finished" if 1 < done == total else f"{done} of {several(total, 'run')} finished"


def _result(found: Findings) -> list[str]:
    ranked, groups, digits = found.ranked(found.primary), by_verdict(found), found.digits(found.primary)
    if not ranked:
        return [f"no run has a value of {found.primary}, so nothing can be said"]
    if not any(groups[verdict] for verdict in TESTED):
        best = number(found.mean(found.primary, ranked[0]) or 0.0, digits)
        chance = "; it may lead by chance" if len(ranked) > 1 else ""
        return [_why_untested(found), f"the best mean is {best}, of {shown(ranked[0])}{chance}"]
    clauses = [clause for verdict in (*TESTED, "untested") for clause in _clause(verdict, groups[verdict], digits)]
    return [f"compared with {shown(found.results.baseline or '')}, {clauses[0]}", *clauses[1:]]


def _clause(verdict: str, group: Group, digits: int) -> list[str]:
    """The clause for the variants with one verdict; with numbers if they are few."""
    few, one = len(group) <= 2, len(group) == 1
    numbers = {label: f" ({in_numbers(d, digits)})" if few and d.interval else "" for label, d in group.items()}
    who = listed([f"{shown(label)}{text}" for label, text in numbers.items()])
    if not group:
        return []
    if verdict == "untested":
        return [f"{who} could not be tested, with too few seeds"]
    if verdict == "inconclusive":
        return [f"the difference of {who} is inconclusive" if one else f"the differences of {who} are inconclusive"]
    return [f"{who} {'is' if one else 'are'} {verdict}"]


def _why_untested(found: Findings) -> str:
    baseline, seeds = found.results.baseline, len(found.seeds)
    if baseline is None or baseline not in found.labels:
        return "no test was made, as there is no baseline"
    if len(found.labels) == 1:
        return "no test was made, as there is nothing to compare with"
    if seeds < FEWEST:
        return f"no test was made, as {several(seeds, 'seed')} {'is' if seeds == 1 else 'are'} too few"
    if not found.values(found.primary, baseline):
        return f"no test was made, as no run of {baseline} has finished"
    return f"no test was made, as none has {FEWEST} finished seeds in common with {baseline}"


def _limits(found: Findings) -> list[str]:
    groups, failed = by_verdict(found), len(found.results.failed)
    tests = sum(len(groups[verdict]) for verdict in TESTED)
    lost = [f"{several(failed, 'run')} failed and {'counts' if failed == 1 else 'count'} nowhere"] if failed else []
    if not tests:
        no_evidence = "these results are no evidence of a difference"
        return [*lost, f"a test takes a baseline and {FEWEST} seeds of each, so {no_evidence}"]
    corrected = f"the p values are corrected for {tests} tests (Holm)" if tests > 1 else "one test was made"
    least = [d.detectable for d in groups["inconclusive"].values() if d.detectable is not None]
    if not least:
        return [*lost, corrected, "results on other data or with other training may differ"]
    ends = dict.fromkeys(number(end(least), found.digits(found.primary)) for end in (min, max))
    missed = f"so many seeds miss differences below {' to '.join(ends)} more often than one time in five"
    return [*lost, corrected, f"inconclusive is not equal: {missed}", "further seeds narrow that (--seeds)"]
