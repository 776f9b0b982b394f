"""A run whose steps take as long as the test says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from toonlab import Outcome, Run
from toonlab.registry.observers import Observers
from toonlab_progress.reporter import Reporter

RUN = Run(Path("runs"), "demo", "ctss", 0, "1a2b3c4d5e6f", {}, 400)
SCALARS = {"critic/image/adversarial": 0.4, "critic/image/total": 0.51, "generator/total": 12.345}
METRICS = {"lines": 0.652, "psnr": 16.9}


class Clock:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def evaluated() -> dict[str, Any]:
    return {"step": 400, "metrics": METRICS, "images": {}}


@pytest.fixture
def finished() -> dict[str, Any]:
    return {"outcome": Outcome("finished", 400, 130.4, metrics=METRICS)}


@pytest.fixture
def failed() -> dict[str, Any]:
    return {"outcome": Outcome("failed", 3, 1.0, "generator/total is nan [at step 3]")}


@pytest.fixture
def drive(clock: Clock) -> Callable[..., None]:
    """`drive(reporter, steps, seconds, **hooks)`: a run whose steps take `seconds`; further hooks follow its last."""

    def run_to_its_end(reporter: Reporter, steps: range, seconds: float, **hooks: Any) -> None:
        observers = Observers({"progress": reporter})
        observers.notify("on_run_start", run=RUN)
        for step in steps:
            clock.now += seconds
            observers.notify("on_step_end", run=RUN, step=step, scalars=SCALARS if step % 50 == 0 else None)
        for hook, arguments in hooks.items():
            observers.notify(hook, run=RUN, **arguments)

    return run_to_its_end
