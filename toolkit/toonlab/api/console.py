"""What a run and a study have to show, as lines on standard output: what the commands print."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from toonlab.registry.catalogue import Catalogue, discover
from toonlab.runs.sync import observers_of, read_run
from toonlab.studies.results import tables
from toonlab.studies.results.results import Results

if TYPE_CHECKING:
    from .run import TrainedRun


def run(shown: TrainedRun, catalogue: Catalogue | None = None) -> None:
    """The table, the samples, the weights, and where to look further."""
    directory, outcome = shown.directory, shown.outcome
    if shown.reused:
        print(f"{shown.name}: finished before, not run again; delete {directory} to train it anew")
    if outcome and outcome.status == "stopped":
        print(f"stopped at step {outcome.step}: {outcome.reason}")
    if results := shown.as_study:
        tables.show(shown.name, results.rows, results.caveats, results.measured)
    paths({"samples": shown.samples[-1:], "run": [directory]})
    paths({"weights": [shown.weights] if shown.weights else []})
    whereabouts(directory, catalogue)


def study(results: Results, catalogue: Catalogue | None = None, table: bool = True) -> None:
    """The table, and where everything is."""
    directory, page = results.directory, results.directory / "report.html"
    if table:
        tables.show(results.name, results.rows, results.caveats, results.measured)
    if last := last_run(results):
        paths({"report": [p for p in [page] if p.exists()]})
        paths({"samples": [p for p in [directory / "samples.png"] if p.exists()]})
        whereabouts(last, catalogue)
    paths({"table": [directory / "results.md"], "runs": [directory]})
    for cell in results.failed:
        print(f"failed: {cell.label}: {cell.reason}", file=sys.stderr)


def paths(found: Mapping[str, Sequence[Path]]) -> None:
    for label, these in found.items():
        for path in these:
            print(f"{label + ':':9}{path}")


def whereabouts(directory: Path, catalogue: Catalogue | None = None) -> None:
    """Where the observers of a run's recipe say that it can be seen."""
    shown, _ = read_run(directory)
    for line in observers_of(shown, catalogue or discover()).notify("where_to_look", run=shown):
        print(line)


def last_run(results: Results) -> Path | None:
    """The directory of the last cell that has finished here."""
    here = [results.directory / cell.run for cell in results.cells if cell.status == "finished"]
    return next((directory for directory in reversed(here) if directory.is_dir()), None)
