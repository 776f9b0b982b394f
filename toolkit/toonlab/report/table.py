"""The table of a report: a row for each variant, with the values of its seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from toonlab.studies.results.tables import PHOTO

from .findings import Findings
from .format import interval, mean_and_spread, number, probability, signed
from .summary import SYMBOLS

if TYPE_CHECKING:
    from toonlab.stats.paired import Difference


@dataclass(frozen=True)
class Entry:
    """The text of a row in one column, and the value to sort by; None where there is no value."""

    text: str
    sort: float | None
    best: bool = False


@dataclass(frozen=True)
class Detail:
    """One metric of a variant in full."""

    metric: str
    seeds: Sequence[tuple[int, str]]
    difference: str = ""
    p: str = ""
    p_permutation: str = ""
    effect: str = ""
    verdict: str = ""
    symbol: str = ""


@dataclass(frozen=True)
class Line:
    """A row: `verdict` and `difference` are of the primary metric."""

    label: str
    entries: Sequence[Entry]
    count: int = 0
    note: str = ""
    verdict: str = ""
    symbol: str = ""
    difference: Entry | None = None
    interval: str = ""
    details: Sequence[Detail] = ()

    @property
    def title(self) -> str:
        """`ctss (1 failed)`."""
        return f"{self.label} ({self.note})" if self.note else self.label


def lines(found: Findings) -> list[Line]:
    """A row for each variant, below one of the unmodified photo unless a variant has the same values."""
    rows = [_line(found, label) for label in found.labels]
    if any(row.name == PHOTO for row in found.results.rows):
        values = {name: found.results.photo.get(name) for name in found.columns}
        rows.insert(
            0,
            Line(PHOTO, [Entry("–" if v is None else number(v, found.digits(name)), v) for name, v in values.items()]),
        )
    return rows


def _line(found: Findings, label: str) -> Line:
    verdict, first = found.verdict(label), found.differences.get(found.primary, {}).get(label)
    shown, digits = first if verdict != "baseline" else None, found.digits(found.primary)
    return Line(
        label=label,
        entries=[_entry(found, column, label) for column in found.columns],
        count=sum(cell.status == "finished" for cell in found.results.of(label)),
        note=found.results.note(label),
        verdict=verdict,
        symbol=SYMBOLS[verdict],
        difference=Entry(signed(shown.mean, digits), shown.mean) if shown else None,
        interval=_between(shown, digits),
        details=[_detail(found, column, label) for column in found.columns if found.values(column, label)],
    )


def _p(value: float | None) -> str:
    return "" if value is None else probability(value).removeprefix("p ").removeprefix("= ")


def _between(difference: Difference | None, digits: int) -> str:
    return interval(difference.interval, digits) if difference and difference.interval else ""


def _entry(found: Findings, metric: str, label: str) -> Entry:
    values, mean = found.values(metric, label), found.mean(metric, label)
    alone = len(found.ranked(metric)) < 2
    return Entry(mean_and_spread(values, found.digits(metric)), mean, best=not alone and label in found.best(metric))


def _detail(found: Findings, metric: str, label: str) -> Detail:
    by_seed = sorted(found.results.values(metric)[label].items())
    digits, difference = found.digits(metric), found.differences.get(metric, {}).get(label)
    seeds = [(seed, number(value, digits)) for seed, value in by_seed]
    verdict = found.verdict(label, metric)
    if difference is None or verdict == "baseline":
        return Detail(metric, seeds)
    between = f" ({_between(difference, digits)})" if difference.interval else ""
    return Detail(
        metric=metric,
        seeds=seeds,
        difference=f"{signed(difference.mean, digits)}{between}",
        p=_p(difference.p),
        p_permutation=_p(difference.p_permutation),
        effect="" if difference.effect is None else signed(difference.effect),
        verdict=verdict,
        symbol=SYMBOLS[verdict],
    )
