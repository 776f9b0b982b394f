"""A bar, as a terminal shows it."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from rich.console import Console

from toonlab_progress.bar import TerminalBar


@pytest.fixture
def terminal() -> Console:
    return Console(file=io.StringIO(), force_terminal=True, width=140, color_system=None, legacy_windows=False)


def shown(terminal: Console) -> list[str]:
    assert isinstance(terminal.file, io.StringIO)
    return re.split(r"[\r\n]+", re.sub(r"\x1b\[[\d;?]*[a-zA-Z]", "", terminal.file.getvalue()))


def test_a_bar_shows_step_rate_eta_and_losses(terminal: Console, drive: Any, clock: Any, finished: Any) -> None:
    drive(TerminalBar(terminal, clock), range(1, 101), 0.32, on_run_end=finished)
    drawn = next(line for line in shown(terminal) if " 76/400" in line)
    assert re.match(r"ctss-s0-1a2b3c4d ━.* +76/400 3.12 steps/s  eta 1:44  critic/image 0.51  generator 12.3", drawn)


def test_evaluations_and_the_end_leave_lines(
    terminal: Console, drive: Any, clock: Any, evaluated: Any, failed: Any
) -> None:
    drive(TerminalBar(terminal, clock), range(1, 101), 0.1, on_evaluation_end=evaluated, on_run_end=failed)
    lines = [line.rstrip() for line in shown(terminal)]
    assert "ctss-s0-1a2b3c4d  step 400/400  outline_f1 0.652  psnr 16.9" in lines
    assert any("400/400" in line and "outline_f1 0.652  critic/image 0.51" in line for line in lines)
    assert lines[-2] == "ctss-s0-1a2b3c4d  step 3/400  failed in 0:01: generator/total is nan [at step 3]"


def test_a_bar_fits_into_a_narrow_terminal(terminal: Console, drive: Any, clock: Any, finished: Any) -> None:
    terminal.width = 60
    drive(TerminalBar(terminal, clock), range(1, 101), 0.1, on_run_end=finished)
    drawn = [line for line in shown(terminal) if "/400 " in line and "finished" not in line]
    assert drawn
    assert max(map(len, drawn)) <= 60


@pytest.mark.parametrize("steps_a_second", [10, 1000])
def test_a_bar_is_drawn_at_most_twice_a_second(
    terminal: Console, steps_a_second: int, drive: Any, clock: Any, finished: Any
) -> None:
    drive(TerminalBar(terminal, clock), range(1, 10 * steps_a_second), 1 / steps_a_second, on_run_end=finished)
    assert 15 <= sum("steps/s" in line for line in shown(terminal)) <= 20
