"""What a result owes to the choice of the checkpoint: the last one, the best on validation, the best on test."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import isfinite
from statistics import fmean

from toonlab.runs.directory import read_metrics
from toonlab.studies.results.results import CellResult
from toonlab.utils.text import shown

from .findings import Findings
from .format import listed

_ONE = (
    "Every run was evaluated once, at its end: there was one checkpoint to choose. With train.evaluate_every there are "
    "more."
)
_TESTED = (
    "Each run measured the test samples at every evaluation (evaluate.audit). Nothing was decided by that: the best on "
    "test is an oracle, whose score no honest choice can claim."
)
_UNKNOWN = (
    "On the validation samples, where the best on validation is a maximum of what is shown. The test samples were "
    "measured once, with the weights that count, so the oracle is unknown; evaluate.audit: true measures them at every "
    "evaluation."
)
Values = Mapping[int, float]  # step -> the primary metric


@dataclass(frozen=True)
class Audit:
    """label -> the means over seeds of the primary metric at the last checkpoint, at the best on validation, and, where
    the runs were `tested` at every evaluation, at the best on test; no rows if no run was evaluated twice.
    """

    rows: Mapping[str, Sequence[float]]
    tested: bool

    @property
    def sentences(self) -> list[str]:
        """What was measured, and between which methods the order depends on the choice."""
        if not self.rows:
            return [_ONE]
        said = [_TESTED if self.tested else _UNKNOWN]
        if flips := [f"{shown(one)} and {shown(other)}" for one, other in self.flips()]:
            return [*said, f"The choice flips the order of {listed(flips)}."]
        return [*said, "The order of the methods is the same by each choice."] if len(self.rows) > 1 else said

    def flips(self) -> list[tuple[str, str]]:
        """The pairs of which one leads by one choice and the other by another."""
        pairs = combinations(self.rows, 2)
        return [(one, other) for one, other in pairs if _flips(self.rows[one], self.rows[other])]


def _flips(one: Sequence[float], other: Sequence[float]) -> bool:
    differences = [a - b for a, b in zip(one, other, strict=True)]
    return min(differences) < 0 < max(differences)


def audit(found: Findings) -> Audit:
    """Read from the directories of the finished runs; nothing is measured again."""
    runs = [(cell.variant.label, *_course(found, cell)) for cell in found.finished]
    runs = [run for run in runs if run[1]]
    if not any(len(validation) > 1 for _, validation, _ in runs):
        return Audit({}, tested=False)
    tested = all(validation.keys() <= test.keys() for _, validation, test in runs)
    by_label: defaultdict[str, list[Sequence[float]]] = defaultdict(list)
    for label, validation, test in runs:
        if tested or len(validation) > 1:
            by_label[label].append(_choices(validation, test if tested else None, higher=found.higher(found.primary)))
    rows = {label: [fmean(column) for column in zip(*by_label[label], strict=True)] for label in by_label}
    return Audit({label: rows[label] for label in found.labels if label in rows}, tested)


def _course(found: Findings, cell: CellResult) -> tuple[Values, Values]:
    """The primary metric on validation and test samples, by step; empty where the last value is missing."""
    lines = [
        line for line in read_metrics(found.results.directory / cell.run / "metrics.jsonl") if "evaluation" in line
    ]
    name, last = found.primary, max((line["step"] for line in lines), default=0)
    validation, test = (
        {line["step"]: value for line in lines if isfinite(value := line.get(kind, {}).get(name, float("nan")))}
        for kind in ("evaluation", "audit")
    )
    if len(lines) == 1 and name in cell.values:  # its weights are those that were tested
        test = {last: cell.values[name]}
    return (validation, test) if last in validation else ({}, {})


def _choices(validation: Values, test: Values | None, *, higher: bool) -> Sequence[float]:
    best, measured = max if higher else min, validation if test is None else test
    chosen = best(validation, key=lambda step: validation[step])
    return [measured[max(validation)], measured[chosen], *([] if test is None else [best(test.values())])]
