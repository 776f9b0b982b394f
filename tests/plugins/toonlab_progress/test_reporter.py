"""What a person sees of a run, on a terminal and in a log."""

from __future__ import annotations

import io
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from toonlab.registry.observers import Observers
from toonlab.types import Outcome, Run
from toonlab_progress import progress, register_observers
from toonlab_progress.bar import Bar
from toonlab_progress.lines import Lines
from toonlab_progress.reporter import Reporter

RUN = Run(Path("runs"), "demo", "ctss", 0, "1a2b3c4d5e6f", {}, 400)
SCALARS = {"critic/image/adversarial": 0.4, "critic/image/total": 0.51, "generator/total": 12.345}


class Clock:
    """Time that goes on when the test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def drive(reporter: Reporter, clock: Clock, steps: range, seconds: float, **also: Any) -> Observers:
    """A run whose steps take `seconds`; `also` is told at its last step."""
    observers = Observers({"progress": reporter})
    observers.notify("on_run_start", run=RUN)
    for step in steps:
        clock.now += seconds
        observers.notify("on_step_end", run=RUN, step=step, scalars=SCALARS if step % 50 == 0 else None)
    for hook, arguments in also.items():
        observers.notify(hook, run=RUN, **arguments)
    return observers


FINISHED = {"outcome": Outcome("finished", 400, 130.4, metrics={"outline_f1": 0.652, "psnr": 16.9})}
FAILED = {"outcome": Outcome("failed", 3, 1.0, "generator/total is nan [at step 3]")}
EVALUATED = {"step": 400, "metrics": {"outline_f1": 0.652, "psnr": 16.9}, "images": {}}


def test_lines_come_at_the_start_now_and_then_and_at_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    drive(Lines(10, clock), clock, range(1, 401), 0.32, on_evaluation_end=EVALUATED, on_run_end=FINISHED)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "ctss-s0-1a2b3c4d  400 steps, in runs/demo/ctss-s0-1a2b3c4d"
    assert lines[1] == "ctss-s0-1a2b3c4d  step 32/400  3.12 steps/s  eta 1:58"
    assert lines[2] == "ctss-s0-1a2b3c4d  step 64/400  3.12 steps/s  eta 1:48  critic/image 0.51  generator 12.3"
    assert [int(step) for step in re.findall(r"step (\d+)/400  3", "\n".join(lines))] == list(range(32, 401, 32))
    assert lines[-2] == "ctss-s0-1a2b3c4d  step 400/400  outline_f1 0.652  psnr 16.9"
    assert lines[-1] == "ctss-s0-1a2b3c4d  step 400/400  finished in 2:10  outline_f1 0.652  psnr 16.9"


def test_the_rate_of_a_resumed_run_is_that_of_this_life(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    drive(Lines(10, clock), clock, range(301, 311), 2.0)
    assert "step 305/400  0.5 steps/s  eta 3:10" in capsys.readouterr().out


def test_a_failure_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    drive(Lines(10, clock), clock, range(1, 4), 0.1, on_run_end=FAILED)
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == "ctss-s0-1a2b3c4d  step 3/400  failed in 0:01: generator/total is nan [at step 3]"


@pytest.fixture
def terminal() -> Console:
    return Console(file=io.StringIO(), force_terminal=True, width=140, color_system=None, legacy_windows=False)


def shown(terminal: Console) -> list[str]:
    assert isinstance(terminal.file, io.StringIO)
    return re.split(r"[\r\n]+", re.sub(r"\x1b\[[\d;?]*[a-zA-Z]", "", terminal.file.getvalue()))


def test_a_bar_shows_step_rate_eta_and_losses(terminal: Console) -> None:
    clock = Clock()
    drive(Bar(terminal, clock), clock, range(1, 101), 0.32, on_run_end=FINISHED)
    drawn = next(line for line in shown(terminal) if " 76/400" in line)
    assert re.match(r"ctss-s0-1a2b3c4d ━.* +76/400 3.12 steps/s  eta 1:44  critic/image 0.51  generator 12.3", drawn)


def test_evaluations_and_the_end_leave_lines(terminal: Console) -> None:
    clock = Clock()
    drive(Bar(terminal, clock), clock, range(1, 101), 0.1, on_evaluation_end=EVALUATED, on_run_end=FAILED)
    lines = [line.rstrip() for line in shown(terminal)]
    assert "ctss-s0-1a2b3c4d  step 400/400  outline_f1 0.652  psnr 16.9" in lines
    assert any("400/400" in line and "outline_f1 0.652  critic/image 0.51" in line for line in lines)
    assert lines[-2] == "ctss-s0-1a2b3c4d  step 3/400  failed in 0:01: generator/total is nan [at step 3]"


def test_a_bar_fits_into_a_narrow_terminal(terminal: Console) -> None:
    terminal.width = 60
    clock = Clock()
    drive(Bar(terminal, clock), clock, range(1, 101), 0.1, on_run_end=FINISHED)
    drawn = [line for line in shown(terminal) if "/400 " in line and "finished" not in line]
    assert drawn
    assert max(map(len, drawn)) <= 60


@pytest.mark.parametrize("steps_a_second", [10, 1000])
def test_a_bar_is_drawn_at_most_twice_a_second(terminal: Console, steps_a_second: int) -> None:
    clock = Clock()
    drive(Bar(terminal, clock), clock, range(1, 10 * steps_a_second), 1 / steps_a_second, on_run_end=FINISHED)
    assert 15 <= sum("steps/s" in line for line in shown(terminal)) <= 20


def test_where_there_is_no_terminal_there_are_lines(capsys: pytest.CaptureFixture[str]) -> None:
    assert isinstance(progress(every_seconds=3.5), Lines)
    assert progress(every_seconds=3.5).every_seconds == 3.5
    assert register_observers() == {"progress": progress}


def test_where_there_is_one_there_is_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setenv("TTY_INTERACTIVE", "1")
    assert isinstance(progress(), Bar)
    monkeypatch.setenv("TTY_INTERACTIVE", "0")
    assert isinstance(progress(), Lines)


def test_importing_the_plugin_imports_no_rich() -> None:
    code = "import sys, toonlab_progress; sys.exit('rich' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
