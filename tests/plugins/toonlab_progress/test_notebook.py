"""In a notebook a run is one line that is replaced; docs/notebook.ipynb has a real kernel, this stands in for it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from toonlab.registry.observers import Observers
from toonlab.types import Outcome, Run
from toonlab_progress.notebook import NotebookLine

RUN = Run(Path("runs"), "demo", "ctss", 0, "1a2b3c4d5e6f", {}, 400)


class Display:
    """What is below a cell: one output, and how often it was sent."""

    def __init__(self) -> None:
        self.shown: list[str] = []

    def __call__(self, first: dict[str, str]) -> Display:
        self.update(first, raw=True)
        return self

    def update(self, shown: Any, *, raw: bool) -> None:
        assert raw
        assert list(shown) == ["text/plain"]
        self.shown.append(shown["text/plain"])


def test_one_line_is_replaced_by_the_next_and_the_end_stays() -> None:
    display, now = Display(), [0.0]
    observers = Observers({"progress": NotebookLine(display, lambda: now[0])})
    observers.notify("on_run_start", run=RUN)
    for step in range(1, 201):
        now[0] += 0.1
        observers.notify("on_step_end", run=RUN, step=step, scalars={"generator/total": 12.345})
    observers.notify("on_evaluation_end", run=RUN, step=200, metrics={"outline_f1": 0.652, "psnr": 16.9}, images={})
    observers.notify("on_run_end", run=RUN, outcome=Outcome("finished", 400, 130.4, metrics={"outline_f1": 0.652}))
    assert display.shown[0] == "ctss-s0-1a2b3c4d  400 steps, in runs/demo/ctss-s0-1a2b3c4d"
    assert re.fullmatch(
        r"ctss-s0-1a2b3c4d  step 1\d\d/400  ━{10,12}─{12,14}  10 steps/s  eta 0:2\d  generator 12.3", display.shown[-3]
    )
    assert display.shown[-2] == "ctss-s0-1a2b3c4d  step 200/400  outline_f1 0.652  psnr 16.9"
    assert display.shown[-1] == "ctss-s0-1a2b3c4d  step 400/400  finished in 2:10  outline_f1 0.652"
    assert 15 <= len(display.shown) <= 25  # once a second, at any speed of the steps
    assert not any("\n" in line or "\x1b" in line for line in display.shown)
