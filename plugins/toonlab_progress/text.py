"""Numbers and lines as text."""

from collections.abc import Mapping

from toonlab import Outcome, Run, duration

_TOTAL = "/total"
_FEW = 3


def number(value: float) -> str:
    """At least three digits, without an exponent below a million: `0.0512`, `12.3`, `4521`."""
    return f"{value:.0f}" if 999.5 <= abs(value) < 1e6 else f"{value:.3g}"


def numbers(values: Mapping[str, float]) -> str:
    return "  ".join(f"{name} {number(value)}" for name, value in values.items())


def losses(scalars: Mapping[str, float]) -> dict[str, float]:
    """The losses to show: the totals of the generator and of each critic; if there is none, the first three losses."""
    totals = {name.removesuffix(_TOTAL): value for name, value in scalars.items() if name.endswith(_TOTAL)}
    return totals or dict(list(scalars.items())[:_FEW])


def speed(rate: float | None, steps_left: int) -> str:
    """`3.1 steps/s  eta 1:20`; nothing while the rate is unknown."""
    return "" if rate is None else f"{number(rate)} steps/s  eta {duration(steps_left / rate)}"


def start(run: Run) -> str:
    """`ctss-s0-1a2b3c4d  400 steps, in runs/…`"""
    return f"{run.name}  {run.steps} steps, in {run.directory}"


def line(run: Run, step: int, *details: str) -> str:
    """`ctss-s0-1a2b3c4d  step 150/400  …`"""
    return "  ".join([run.name, f"step {step}/{run.steps}", *filter(None, details)])


def ending(run: Run, outcome: Outcome) -> str:
    """A line with how a run ended."""
    reason = f": {outcome.reason}" if outcome.reason else ""
    return line(run, outcome.step, f"{outcome.status} in {duration(outcome.seconds)}{reason}", numbers(outcome.metrics))
