"""Lines as a log has them, a bar as a terminal shows it, and one line in a notebook that is replaced.

docs/notebook.ipynb has a real kernel; `Display` stands in for it.
"""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from toonlab import Outcome, Run
from toonlab.registry.observers import Observers
from toonlab_progress.displays import NotebookLine, PlainLines, TerminalBar

RUN = Run(Path("runs"), "demo", "ctss", 0, "1a2b3c4d5e6f", {}, 400)


def test_lines_come_at_the_start_now_and_then_and_at_the_end(
    capsys: pytest.CaptureFixture[str], drive: Any, clock: Any, evaluated: Any, finished: Any
) -> None:
    drive(PlainLines(10, clock), range(1, 401), 0.32, on_evaluation_end=evaluated, on_run_end=finished)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "ctss-s0-1a2b3c4d  400 steps, in runs/demo/ctss-s0-1a2b3c4d"
    assert lines[1] == "ctss-s0-1a2b3c4d  step 32/400  3.12 steps/s  eta 1:58"
    assert lines[2] == "ctss-s0-1a2b3c4d  step 64/400  3.12 steps/s  eta 1:48  critic/image 0.51  generator 12.3"
    assert [int(step) for step in re.findall(r"step (\d+)/400  3", "\n".join(lines))] == list(range(32, 401, 32))
    assert lines[-2] == "ctss-s0-1a2b3c4d  step 400/400  lines 0.652  psnr 16.9"
    assert lines[-1] == "ctss-s0-1a2b3c4d  step 400/400  finished in 2:10  lines 0.652  psnr 16.9"


def test_the_rate_of_a_resumed_run_is_shown_of_this_process(
    capsys: pytest.CaptureFixture[str], drive: Any, clock: Any
) -> None:
    drive(PlainLines(10, clock), range(301, 311), 2.0)
    assert "step 305/400  0.5 steps/s  eta 3:10" in capsys.readouterr().out


def test_a_failure_says_why(capsys: pytest.CaptureFixture[str], drive: Any, clock: Any, failed: Any) -> None:
    drive(PlainLines(10, clock), range(1, 4), 0.1, on_run_end=failed)
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == "ctss-s0-1a2b3c4d  step 3/400  failed in 0:01: generator/total is nan [at step 3]"


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
    assert "ctss-s0-1a2b3c4d  step 400/400  lines 0.652  psnr 16.9" in lines
    assert any("400/400" in line and "lines 0.652  critic/image 0.51" in line for line in lines)
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


class Display:
    """What is below a cell: one output, and how often it was sent."""

    def __init__(self) -> None:
        self.shown: list[str] = []

    def __call__(self, first: dict[str, str], *, raw: bool, display_id: bool) -> Display:
        assert display_id
        self.update(first, raw=raw)
        return self

    def update(self, shown: Any, *, raw: bool) -> None:
        assert raw
        assert list(shown) == ["text/plain"]
        self.shown.append(shown["text/plain"])


def test_one_line_is_replaced_by_the_next_and_the_end_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    display, now = Display(), [0.0]
    monkeypatch.setattr("IPython.display.display", display)
    observers = Observers({"progress": NotebookLine(lambda: now[0])})
    observers.notify("on_run_start", run=RUN)
    for step in range(1, 201):
        now[0] += 0.1
        observers.notify("on_step_end", run=RUN, step=step, scalars={"generator/total": 12.345})
    observers.notify("on_evaluation_end", run=RUN, step=200, metrics={"lines": 0.652, "psnr": 16.9}, images={})
    observers.notify("on_run_end", run=RUN, outcome=Outcome("finished", 400, 130.4, metrics={"lines": 0.652}))
    assert display.shown[0] == "ctss-s0-1a2b3c4d  400 steps, in runs/demo/ctss-s0-1a2b3c4d"
    assert re.fullmatch(
        r"ctss-s0-1a2b3c4d  step 1\d\d/400  ━{10,12}─{12,14}  10 steps/s  eta 0:2\d  generator 12.3", display.shown[-3]
    )
    assert display.shown[-2] == "ctss-s0-1a2b3c4d  step 200/400  lines 0.652  psnr 16.9"
    assert display.shown[-1] == "ctss-s0-1a2b3c4d  step 400/400  finished in 2:10  lines 0.652"
    assert 15 <= len(display.shown) <= 25  # once a second, at any speed of the steps
    assert not any("\n" in line or "\x1b" in line for line in display.shown)
