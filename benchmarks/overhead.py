"""What a study costs beside the training of its cells: seconds per cell, and in percent of a cell that lasts a minute.

    python benchmarks/overhead.py [--cells 6] [--steps 60] [--jobs 1]

A comparison of one small recipe with several seeds. `start` is the time before the first cell begins: planning, and
identities. What a cell costs beside its run is the time from its beginning to its end on the board without the run's
own seconds, those from its start to its outcome: forking, making data and networks, the tracker's end, and the study's
own files; the first waits for what is left of the fork server's imports, too. `end` is what comes after the last cell:
the sheet of samples. Writes `benchmarks/results/overhead-<device>.json`.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

from _common import device, report

from toonlab import discover
from toonlab.studies.compare import compare
from toonlab.studies.executors.options import ExecutionOptions
from toonlab.studies.executors.progress import StudyProgress
from toonlab.studies.results.results import CellResult

STUDY = "recipes: [plain]\nat: tiny\nset: {{train.steps: {steps}}}\nseeds: {cells}\nmetrics: {{primary: lines}}\n"


class Clock:
    """When each cell began and ended."""

    def __init__(self) -> None:
        self.began: dict[str, float] = {}
        self.ended: dict[str, float] = {}

    def watch(self) -> None:
        begin, end = StudyProgress.begin, StudyProgress.end

        def timed_begin(progress: StudyProgress, cell: CellResult) -> None:
            self.began[cell.run] = time.monotonic()
            begin(progress, cell)

        def timed_end(progress: StudyProgress, *cells: CellResult) -> None:
            end(progress, *cells)
            self.ended |= {cell.run: time.monotonic() for cell in cells}

        StudyProgress.begin, StudyProgress.end = timed_begin, timed_end


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", type=int, default=6)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--jobs", type=int, default=1)
    options = parser.parse_args()
    clock = Clock()
    clock.watch()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "study.yaml"
        file.write_text(STUDY.format(steps=options.steps, cells=options.cells))
        start = time.monotonic()
        results = compare(
            str(file), discover(), ExecutionOptions(Path(folder) / "runs", parameters={"jobs": options.jobs})
        )
        stop = time.monotonic()
    beside = [clock.ended[cell.run] - clock.began[cell.run] - cell.values["seconds"] for cell in results.cells]
    between = statistics.median(beside)
    row = {
        "cells": options.cells,
        "start s": round(min(clock.began.values()) - start, 2),
        "a run's own s": round(statistics.median(cell.values["seconds"] for cell in results.cells), 2),
        "first cell, beside it s": round(beside[0], 2),
        "a cell, beside it s": round(between, 2),
        "% of a minute": round(100 * between / 60, 2),
        "end s": round(stop - max(clock.ended.values()), 2),
    }
    report("overhead", device(), [row], vars(options))


if __name__ == "__main__":
    main()
