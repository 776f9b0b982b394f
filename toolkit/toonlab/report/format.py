"""The format of numbers in reports: significant digits, with a typographic minus."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import floor, isfinite, log10
from statistics import fmean, stdev
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from toonlab.stats.verdicts import TypicalDifference


def places(values: Iterable[float]) -> int:
    """Digits after the point that numbers of one kind get, by the largest: 3 for 0.652, 2 for 14.60, 0 for 215."""
    largest = max((abs(value) for value in values if isfinite(value)), default=0.0)
    if largest >= 100 or largest == 0:
        return 0
    return 2 if largest >= 10 else 3 if largest >= 0.1 else min(2 - floor(log10(largest)), 12)


def number(value: float, digits: int | None = None) -> str:
    """`0.652`, `14.60`, `215`, `12,400`, `0.00123`; with as many digits after the point as given."""
    return f"{value:z,.{places([value]) if digits is None else digits}f}".replace("-", "−")


def signed(value: float, digits: int | None = None) -> str:
    """`+0.042`, `−0.042`."""
    return number(value, digits) if value < 0 else f"+{number(value, digits)}"


def interval(bounds: Sequence[float], digits: int | None = None) -> str:
    """`+0.021 to +0.063`."""
    return f"{signed(bounds[0], digits)} to {signed(bounds[1], digits)}"


def difference_text(difference: TypicalDifference, digits: int | None = None) -> str:
    """`+0.042 (+0.021 to +0.063)`: the typical difference, and the interval where there is one."""
    between = f" ({interval(difference.interval, digits)})" if difference.interval else ""
    return f"{signed(difference.median, digits)}{between}"


def p_value(p: float | None) -> str:
    """`0.012`, `< 0.001`; a dash where there is no test."""
    if p is None:
        return "–"
    return "< 0.001" if p < 0.001 else f"{p:.3f}" if p < 0.1 else f"{p:.2f}"


def mean_and_spread(values: Sequence[float], digits: int | None = None) -> str:
    """`0.652 ± 0.024`: mean and standard deviation; a dash where there is nothing."""
    if not values:
        return "–"
    digits = places(values) if digits is None else digits
    return number(fmean(values), digits) + (f" ± {number(stdev(values), digits)}" if len(values) > 1 else "")


def listed(names: Sequence[str], most: int = 5) -> str:
    """`a, b and c`; names beyond `most` are counted."""
    shown = list(names) if len(names) <= most else [*names[: most - 1], f"{len(names) - most + 1} others"]
    return " and ".join([", ".join(shown[:-1]), shown[-1]]) if len(shown) > 1 else "".join(shown)
