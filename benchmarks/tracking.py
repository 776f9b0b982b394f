"""What tracking costs the demo: MLflow and progress, as every recipe has them.

    python benchmarks/tracking.py [--experiment demo] [--seeds 2] [--pairs 6] [--steps 100]

All cells of an experiment are trained once, one after the other in this process, and the seconds that the runs spend in
their observers' hooks are measured within it: sending to MLflow, creating its tables, and importing mlflow, which a
study does once, in the process from which those of its cells are forked. Their share of the whole is what tracking
costs; since all of it is of one run on one machine, noise hardly matters. MLflow writes to SQLite in the folder of all
runs, as by default.

Pairs of a CTSS training without and with observers, in turns, are the check from outside: the wall clock, noise and
all. Writes `benchmarks/results/tracking-<device>.json`.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from _common import Row, device, report

from toonlab import discover
from toonlab.engine.train import train
from toonlab.recipes.load import load
from toonlab.registry.observers import Observers
from toonlab.studies.plan.experiment import plan_cells, read_experiment

WITHOUT = ["observers.mlflow=null", "observers.progress=null"]


class Meter:
    """Within `reading`, the wall seconds of observers by hook."""

    def __init__(self) -> None:
        self.hooks: Counter[str] = Counter()
        self.first_start: float | None = None

    @contextlib.contextmanager
    def reading(self) -> Iterator[None]:
        tell = Observers.notify

        def timed_tell(observers: Observers, hook: str, **arguments: Any) -> list[Any]:
            start = time.perf_counter()
            try:
                return tell(observers, hook, **arguments)
            finally:
                seconds = time.perf_counter() - start
                self.hooks[hook] += seconds
                if hook == "on_run_start" and self.first_start is None:
                    self.first_start = seconds

        Observers.notify = timed_tell
        try:
            yield
        finally:
            Observers.notify = tell


def whole(root: Path, experiment: str, seeds: int | None) -> Row:
    """An experiment, with what its observers take of it."""
    meter, catalogue = Meter(), discover()
    cells = plan_cells(*read_experiment(experiment, seeds), {}, catalogue)
    with meter.reading(), contextlib.redirect_stdout(io.StringIO()):
        start = time.perf_counter()
        for cell in cells:
            train(cell.recipe, catalogue, root, Path(experiment).stem)
        seconds = time.perf_counter() - start
    hooks = sum(meter.hooks.values())
    return {
        "what": f"{experiment}, {len(cells)} cells",
        "seconds": round(seconds, 1),
        "in hooks s": round(hooks, 2),
        "of it the first start s": round(meter.first_start or 0.0, 2),  # importing mlflow, creating tables
        "tracking %": round(100 * hooks / seconds, 2),
    }


def once(root: Path, name: str, observed: bool, steps: int) -> float:
    """Seconds of a training."""
    catalogue = discover()
    recipe = load("ctss", catalogue, [f"train.steps={steps}", *([] if observed else WITHOUT)], at=["tiny"])
    with contextlib.redirect_stdout(io.StringIO()):
        start = time.perf_counter()
        train(recipe, catalogue, root, name)
        return time.perf_counter() - start


def paired(root: Path, steps: int, count: int) -> Row:
    """The same training without and with observers, so many times, in an order that alternates."""
    pairs = []
    for number in range(count):
        order = (False, True) if number % 2 == 0 else (True, False)
        seconds = {observed: once(root, f"pair-{number}-{observed}", observed, steps) for observed in order}
        pairs.append((seconds[False], seconds[True]))
    without, with_ = (min(times) for times in zip(*pairs, strict=True))
    more = sorted(100 * (b / a - 1) for a, b in pairs)
    return {
        "what": f"ctss, {steps} steps, {count} pairs",
        "seconds": round(without, 2),
        "with observers s": round(with_, 2),
        "median more %": round(statistics.median(more), 1),
        "least and most more %": f"{more[0]:+.1f} {more[-1]:+.1f}",
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--experiment", default="demo")
    parser.add_argument("--seeds", type=int, help="instead of the experiment's")
    parser.add_argument("--pairs", type=int, default=6)
    parser.add_argument("--steps", type=int, default=100, help="of each training of a pair")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows = [whole(Path(folder) / "whole", options.experiment, options.seeds)]
        if options.pairs:
            rows.append(paired(Path(folder) / "pairs", options.steps, options.pairs))
    report("tracking", device(), rows, vars(options))


if __name__ == "__main__":
    main()
