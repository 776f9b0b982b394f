from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toonlab_progress.pace import Pace


def test_the_rate_is_unknown_until_there_is_a_difference() -> None:
    pace = Pace()
    assert (pace.known, pace.rate) == (False, None)
    pace.tick(7, 100.0)
    assert (pace.known, pace.rate) == (True, None)
    pace.tick(7, 100.0)
    assert pace.rate is None
    pace.tick(8, 100.5)
    assert pace.rate == pytest.approx(2)


def test_only_the_last_minute_counts() -> None:
    pace = Pace(window=60)
    for second in range(1000):  # fast at first, then one step a second
        pace.tick(10 * second if second < 500 else 5000 + second - 500, second)
    assert pace.rate == pytest.approx(1)


@given(
    rate=st.floats(0.01, 1000),
    first=st.integers(0, 10**6),
    times=st.lists(st.floats(0.1, 100), min_size=1, max_size=50),
)
def test_a_steady_pace_is_measured_whenever_one_looks(rate: float, first: int, times: list[float]) -> None:
    pace, step, now = Pace(), first, 5.0
    pace.tick(step, now)
    for seconds in times:
        steps = max(1, round(rate * seconds))
        step, now = step + steps, now + steps / rate
        pace.tick(step, now)
    assert pace.rate == pytest.approx(rate, rel=1e-6)
