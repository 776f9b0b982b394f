"""What tracking costs: the demo's CTSS with its observers, MLflow and progress, against the same run without.

    python benchmarks/tracking.py [--steps 300] [--repeat 4]

Both runs of a pair follow each other, in an order that alternates. MLflow writes to SQLite beside the runs, as by
default. Importing mlflow (once in a process) and making its tables (once in a store) are reported by themselves, and
not part of the runs. `of it in hooks` is the time that a run spent in its observers' hooks; what MLflow's own thread
does beside the training shows in wall and processor time only. Writes `benchmarks/results/tracking-<device>.json`.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from _common import device, report

from toonlab import discover
from toonlab.events import Observers
from toonlab.recipe import load
from toonlab.train import train

WITHOUT = ["observers.mlflow=null", "observers.progress=null"]
IMPORT = (
    "import time, torch, toonlab.train; start = time.perf_counter(); import mlflow; print(time.perf_counter() - start)"
)
Times = dict[str, float]


class Hooks:
    """Seconds that are spent in observers' hooks."""

    def __init__(self) -> None:
        self.seconds = 0.0

    @contextlib.contextmanager
    def timed(self) -> Iterator[None]:
        tell = Observers.tell

        def timed_tell(observers: Observers, hook: str, **arguments: Any) -> list[Any]:
            start = time.perf_counter()
            try:
                return tell(observers, hook, **arguments)
            finally:
                self.seconds += time.perf_counter() - start

        Observers.tell = timed_tell  # type: ignore[method-assign]
        try:
            yield
        finally:
            Observers.tell = tell  # type: ignore[method-assign]


def run(root: Path, name: str, observed: bool, steps: int) -> Times:
    """Train once: seconds by the wall clock, by the processor (all threads), and in hooks."""
    catalogue = discover()
    overrides = [f"train.steps={steps}", *([] if observed else WITHOUT)]
    recipe, hooks = load("ctss", catalogue, overrides, at=["tiny"]), Hooks()
    with contextlib.redirect_stdout(io.StringIO()), hooks.timed():
        wall, processor = time.perf_counter(), time.process_time()
        train(recipe, catalogue, root, name)
        wall, processor = time.perf_counter() - wall, time.process_time() - processor
    return {"wall": wall, "processor": processor, "hooks": hooks.seconds}


def pairs(root: Path, steps: int, repeat: int) -> list[tuple[Times, Times]]:
    """The same run without and with observers, so many times."""
    found = []
    for number in range(repeat):
        order = (False, True) if number % 2 == 0 else (True, False)
        times = {observed: run(root, f"pair-{number}-{observed}", observed, steps) for observed in order}
        found.append((times[False], times[True]))
    return found


def summary(found: list[tuple[Times, Times]]) -> list[dict[str, Any]]:
    rows = [
        {
            "observers": name,
            "fastest s": round(min(pair[i]["wall"] for pair in found), 2),
            "median s": round(statistics.median(pair[i]["wall"] for pair in found), 2),
            "least processor s": round(min(pair[i]["processor"] for pair in found), 2),
            "in hooks s": round(statistics.median(pair[i]["hooks"] for pair in found), 3),
        }
        for i, name in enumerate(("none", "mlflow, progress"))
    ]
    rows[1]["of it in hooks %"] = round(
        100 * statistics.median(with_["hooks"] / with_["wall"] for _, with_ in found), 2
    )
    for name, key in (("wall", "fastest s"), ("processor", "least processor s")):
        rows[1][f"more {name} %"] = round(100 * (rows[1][key] / rows[0][key] - 1), 2)
    differences = [100 * (with_["wall"] / without["wall"] - 1) for without, with_ in found]
    rows[1]["pairs' wall %"] = " ".join(f"{difference:+.1f}" for difference in differences)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--repeat", type=int, default=4)
    options = parser.parse_args()
    done = [
        subprocess.run([sys.executable, "-c", IMPORT], capture_output=True, text=True, check=True) for _ in range(3)
    ]
    once = {"import mlflow s": round(min(float(process.stdout) for process in done), 2)}
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        run(root, "first", observed=False, steps=2)  # renders the pictures
        first, second = (run(root, f"store-{number}", observed=True, steps=2)["wall"] for number in range(2))
        once["first run in a process and store, more s"] = round(first - second, 2)
        found = pairs(root, options.steps, options.repeat)
    report("tracking", device(), summary(found), {**vars(options), **once})
    print(once)


if __name__ == "__main__":
    main()
