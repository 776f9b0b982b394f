"""Progress where there is no terminal."""

from __future__ import annotations

import pytest

from toonlab.utils.progress import progress


def test_a_line_now_and_then_with_the_time_left(capsys: pytest.CaptureFixture[str]) -> None:
    now = [0.0]
    with progress("film: shots", 100.0, lambda: now[0]) as to:
        for done in range(20, 60, 2):  # 20 were done before
            to(float(done))
            now[0] += 1
    assert capsys.readouterr().err.splitlines() == ["film: shots: 40%, 0:30 left"]


def test_a_total_that_is_not_known(capsys: pytest.CaptureFixture[str]) -> None:
    now = [0.0]
    with progress("film: shots", None, lambda: now[0]) as to:
        for done in range(12):
            to(float(done))
            now[0] += 1
    assert capsys.readouterr().err.splitlines() == ["film: shots"]
