from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toonlab import Outcome, Run
from toonlab_progress import text


@pytest.mark.parametrize(
    ("value", "shown"),
    [(12.345, "12.3"), (0.05123, "0.0512"), (4521.3, "4521"), (999.7, "1000"), (-2000.0, "-2000"), (0.0, "0"),
     (3e-7, "3e-07"), (2e9, "2e+09"), (float("nan"), "nan"), (float("inf"), "inf")],
)  # fmt: skip
def test_number(value: float, shown: str) -> None:
    assert text.number(value) == shown


@given(st.floats(1e-3, 1e6, exclude_max=True))
def test_a_number_is_within_half_a_percent_and_has_no_exponent(value: float) -> None:
    shown = text.number(value)
    assert "e" not in shown
    assert float(shown) == pytest.approx(value, rel=5.1e-3)


def test_losses_are_the_totals_of_each_side() -> None:
    scalars = {"critic/image/adversarial": 1.0, "critic/image/total": 300.0, "generator/content": 2.0}
    assert text.losses(scalars | {"generator/total": 12.3}) == {"critic/image": 300.0, "generator": 12.3}


def test_without_totals_the_first_three_are_shown() -> None:
    assert text.losses({"a": 1.0, "b": 2.0, "c": 3.0, "d": 4.0}) == {"a": 1.0, "b": 2.0, "c": 3.0}
    assert text.losses({}) == {}


def test_speed() -> None:
    assert text.speed(3.125, 250) == "3.12 steps/s  eta 1:20"
    assert text.speed(None, 250) == ""


def test_an_ending_gives_status_time_reason_and_metrics() -> None:
    run = Run(Path("runs"), "demo", "ctss", 0, "1a2b3c4d5e6f", {}, 400)
    outcome = Outcome("stopped", 7, 61.0, "enough", metrics={"psnr": 17.25})
    assert text.ending(run, outcome) == "ctss-s0-1a2b3c4d  step 7/400  stopped in 1:01: enough  psnr 17.2"
