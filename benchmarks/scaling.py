"""What a Dask scheduler costs a study: one and two workers next to the `local` executor, and 10,000 simulated cells.

    python benchmarks/scaling.py [--cells 8] [--steps 120] [--rounds 2] [--simulated 10000] [--slots 8]

The first part runs the same study by both executors with the same number of slots, in turns. The processes that
cells are forked from have done their imports before. The time is that from the first cell's beginning to the last one's
end: `efficiency` is `local`'s time divided by Dask's. The second part gives cells that sleep for 0.1 s to a stock
worker, with the real driver, scheduler and network of this machine: `a cell, beside it` is what a slot spends on a cell
besides those 0.1 s; the CPU times are those of the driver's and the scheduler's processes. Writes
`benchmarks/results/scaling-<device>.json`.
"""

from __future__ import annotations

import argparse
import math
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
from _common import MIB, device, report
from overhead import Clock

from toonlab import Slot, TaskContext, discover
from toonlab.recipes.load import load
from toonlab.studies.common import initial_results
from toonlab.studies.compare import compare
from toonlab.studies.executors.cell import Cell, CellSpec, cells_of
from toonlab.studies.executors.cell_task import TaskResult
from toonlab.studies.executors.display import Display
from toonlab.studies.executors.driver import CellList, Driver
from toonlab.studies.executors.options import ExecutionOptions
from toonlab.studies.executors.process import ProcessOptions
from toonlab.studies.executors.progress import StudyProgress
from toonlab.studies.results.results import Variant
from toonlab.types import Outcome
from toonlab_executors.dask import DaskExecutor
from toonlab_executors.local import cores

STUDY = """\
recipes: [plain]
at: tiny
set: {{train.steps: {steps}, observers: null}}
seeds: [{seeds}]
metrics: {{primary: lines}}
"""
SLEEP = 0.1


@contextmanager
def cluster(workers: int, threads: int = 1) -> Iterator[tuple[str, psutil.Process]]:
    """A scheduler and stock workers: the scheduler's address and process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address, started = f"tcp://127.0.0.1:{port}", []
    environment = {**os.environ, "OMP_NUM_THREADS": str(max(1, cores() // workers))}  # as `local`'s; else Dask sets 1

    def start(kind: str, *words: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", f"distributed.cli.dask_{kind}", *words, "--no-dashboard"]
        started.append(subprocess.Popen(command, stderr=subprocess.DEVNULL, cwd=folder, env=environment))
        return started[-1]

    with tempfile.TemporaryDirectory() as folder:
        scheduler = start("scheduler", "--host", "127.0.0.1", "--port", str(port))
        for _ in range(workers):
            start("worker", address, "--nthreads", str(threads), "--resources", f"slot={threads}")
        try:
            yield address, psutil.Process(scheduler.pid)
        finally:
            for process in reversed(started):
                process.terminate()
                process.wait()


# -- the same study by both executors


def seconds(folder: Path, executor: Mapping[str, Any], seeds: Sequence[int], steps: int) -> float:
    """From the first cell's beginning to the last one's end."""
    clock = Clock()
    clock.watch()
    folder.mkdir(parents=True)
    (folder / "study.yaml").write_text(STUDY.format(steps=steps, seeds=", ".join(map(str, seeds))))
    results = compare(str(folder / "study.yaml"), discover(), ExecutionOptions(folder / "runs", executor))
    assert all(cell.status == "finished" for cell in results.cells)
    return max(clock.ended.values()) - min(clock.began.values())


def efficiency(slots: int, cells: int, steps: int, rounds: int) -> dict[str, Any]:
    fastest = {"local": math.inf, "dask": math.inf}
    with cluster(slots) as (address, _), tempfile.TemporaryDirectory() as folder:
        executors = {"local": {"use": "local", "jobs": slots}, "dask": {"use": "dask", "scheduler": address}}
        for name, executor in executors.items():  # imports, and the rendered scenes
            seconds(Path(folder) / f"{name}-first", executor, range(100, 100 + 2 * slots), 2)
        for number in range(rounds):
            for name, executor in executors.items():
                taken = seconds(Path(folder) / f"{name}-{number}", executor, range(cells), steps)
                fastest[name] = min(fastest[name], taken)
    return {
        "slots": slots,
        "cells": cells,
        **{f"{name} s": round(taken, 1) for name, taken in fastest.items()},
        "efficiency": round(fastest["local"] / fastest["dask"], 3),
    }


# -- simulated cells


def simulated(cell: Cell, options: ProcessOptions, context: TaskContext) -> TaskResult:
    """In place of `run_cell`."""
    time.sleep(SLEEP)
    outcome = Outcome("finished", 1, SLEEP, metrics={"lines": 0.5})
    return TaskResult(replace(cell.waiting, status="finished", outcome=outcome.to_json()))


class SimulatedExecutor:
    """An executor that runs the simulation of each cell."""

    def __init__(self, executor: DaskExecutor) -> None:
        self.executor = executor
        self.stop = executor.stop

    @property
    def slots(self) -> Sequence[Slot]:
        return self.executor.slots

    def submit(self, function: Any, /, *arguments: Any, **named: Any) -> Any:
        return self.executor.submit(simulated, *arguments, **named)


def many_cells(count: int, slots: int) -> dict[str, Any]:
    catalogue, this = discover(), psutil.Process()
    recipe = load("plain", catalogue, ["observers=null"], at=["tiny"])
    variant = Variant("plain", {})
    with ExitStack() as stack:
        address, scheduler = stack.enter_context(cluster(1, slots))
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        executor = stack.enter_context(DaskExecutor(address))
        while len(executor.slots) < slots:
            time.sleep(0.5)
        before = {"driver": this.memory_info().rss, "scheduler": scheduler.memory_info().rss}
        used = {"driver": sum(this.cpu_times()[:2]), "scheduler": sum(scheduler.cpu_times()[:2])}
        began = time.monotonic()
        specs = [CellSpec(variant, replace(recipe, train=replace(recipe.train, seed=n))) for n in range(count)]
        cells = cells_of(specs, catalogue)
        planned = time.monotonic()
        directory = Path(folder) / "many"
        directory.mkdir()
        results = initial_results(directory, [recipe], catalogue, cells=[cell.waiting for cell in cells])
        progress = StudyProgress(results)
        Driver(SimulatedExecutor(executor), progress, ProcessOptions(directory)).run(
            CellList(cells, progress), Display()
        )
        ended = time.monotonic()
        assert [cell.status for cell in progress.results.cells] == ["finished"] * count
        cpu = {"driver": sum(this.cpu_times()[:2]), "scheduler": sum(scheduler.cpu_times()[:2])}
        after = {"driver": this.memory_info().rss, "scheduler": scheduler.memory_info().rss}
    row: dict[str, Any] = {"slots": slots, "cells": count, "plan s": round(planned - began, 1)}
    row["run s"] = round(ended - planned, 1)
    row["a cell, beside it ms"] = round(1000 * ((ended - planned) * slots / count - SLEEP), 1)
    for name in before:
        row[f"{name} CPU ms/cell"] = round(1000 * (cpu[name] - used[name]) / count, 2)
        row[f"{name} MiB"] = f"{before[name] // MIB} -> {after[name] // MIB}"
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", type=int, default=8)
    parser.add_argument("--steps", type=int, default=120)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--simulated", type=int, default=10_000)
    parser.add_argument("--slots", type=int, default=8)
    options = parser.parse_args()
    rows = [efficiency(slots, options.cells, options.steps, options.rounds) for slots in (1, 2) if options.rounds]
    rows += [many_cells(count, options.slots) for count in (options.simulated // 10, options.simulated)]
    report("scaling", device(), rows, {**vars(options), "load before": round(os.getloadavg()[2], 1)})


if __name__ == "__main__":
    main()
