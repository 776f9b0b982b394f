"""Numbers, durations and whole lines as people read them."""

from __future__ import annotations

from collections.abc import Mapping

from toonlab import Outcome, Run
from toonlab.utils.text import duration

_TOTAL = "/total"
_FEW = 3


def number(value: float) -> str:
    """Three digits, and no exponent where it can be helped: `0.0512`, `12.3`, `4521`."""
    return f"{value:.0f}" if 999.5 <= abs(value) < 1e6 else f"{value:.3g}"


def numbers(values: Mapping[str, float]) -> str:
    return "  ".join(f"{name} {number(value)}" for name, value in values.items())


def losses(scalars: Mapping[str, float]) -> dict[str, float]:
    """The few to show: each side's total, named by its side; where there is no total, the first three."""
    totals = {name.removesuffix(_TOTAL): value for name, value in scalars.items() if name.endswith(_TOTAL)}
    return totals or dict(list(scalars.items())[:_FEW])


def speed(rate: float | None, steps_left: int) -> str:
    """`3.1 steps/s  eta 1:20`; nothing while the rate is unknown."""
    return "" if rate is None else f"{number(rate)} steps/s  eta {duration(steps_left / rate)}"


def line(run: Run, step: int, *details: str) -> str:
    """`ctss-s0-1a2b3c4d  step 150/400  …`"""
    return "  ".join([run.name, f"step {step}/{run.steps}", *filter(None, details)])


def ending(run: Run, outcome: Outcome) -> str:
    """How a run ended, in a line."""
    reason = f": {outcome.reason}" if outcome.reason else ""
    return line(run, outcome.step, f"{outcome.status} in {duration(outcome.seconds)}{reason}", numbers(outcome.metrics))
