"""Plain lines, as a log has them."""

from __future__ import annotations

import re
from typing import Any

import pytest

from toonlab_progress.lines import PlainLines


def test_lines_come_at_the_start_now_and_then_and_at_the_end(
    capsys: pytest.CaptureFixture[str], drive: Any, clock: Any, evaluated: Any, finished: Any
) -> None:
    drive(PlainLines(10, clock), range(1, 401), 0.32, on_evaluation_end=evaluated, on_run_end=finished)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "ctss-s0-1a2b3c4d  400 steps, in runs/demo/ctss-s0-1a2b3c4d"
    assert lines[1] == "ctss-s0-1a2b3c4d  step 32/400  3.12 steps/s  eta 1:58"
    assert lines[2] == "ctss-s0-1a2b3c4d  step 64/400  3.12 steps/s  eta 1:48  critic/image 0.51  generator 12.3"
    assert [int(step) for step in re.findall(r"step (\d+)/400  3", "\n".join(lines))] == list(range(32, 401, 32))
    assert lines[-2] == "ctss-s0-1a2b3c4d  step 400/400  outline_f1 0.652  psnr 16.9"
    assert lines[-1] == "ctss-s0-1a2b3c4d  step 400/400  finished in 2:10  outline_f1 0.652  psnr 16.9"


def test_the_rate_of_a_resumed_run_is_that_of_this_process(
    capsys: pytest.CaptureFixture[str], drive: Any, clock: Any
) -> None:
    drive(PlainLines(10, clock), range(301, 311), 2.0)
    assert "step 305/400  0.5 steps/s  eta 3:10" in capsys.readouterr().out


def test_a_failure_says_why(capsys: pytest.CaptureFixture[str], drive: Any, clock: Any, failed: Any) -> None:
    drive(PlainLines(10, clock), range(1, 4), 0.1, on_run_end=failed)
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == "ctss-s0-1a2b3c4d  step 3/400  failed in 0:01: generator/total is nan [at step 3]"
