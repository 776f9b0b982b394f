"""Runs and studies as lines on standard output, as the commands print them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from toonlab.registry.catalogue import Catalogue
from toonlab.runs.sync import observers_of, read_run
from toonlab.studies.results import tables

if TYPE_CHECKING:
    from .results import Results
    from .run import TrainedRun


def show_run(run: TrainedRun, tracking_uri: str | None = None) -> None:
    """Print the table, the samples, the weights, and where trackers show the run.

    Args:
        tracking_uri: where trackers kept the run, in place of its recipe's `tracking_uri`.
    """
    directory, outcome = run.directory, run.outcome
    if run.reused:
        print(f"{run.name}: finished before, not run again; delete {directory} to train it again")
    if outcome and outcome.status == "stopped":
        print(f"stopped at step {outcome.step}: {outcome.reason}")
    if table := run.table:
        tables.show(run.name, table.rows, table.caveats, table.measured)
    _print_paths(samples=run.samples[-1:], run=[directory], weights=[run.weights] if run.weights else [])
    _print_trackers(directory, run.catalogue, tracking_uri)


def show_table(results: Results) -> None:
    """Print the table of a study."""
    tables.show(results.name, results.rows, results.caveats, results.measured)


def show_paths(results: Results, tracking_uri: str | None = None) -> None:
    """Print where the report, the samples, the table and the runs of a study are; failures go to standard error."""
    directory = results.directory
    if last := results.last_run:
        samples = [path for path in [directory / "samples.png"] if path.exists()]
        _print_paths(report=[results.report] if results.report else [], samples=samples)
        _print_trackers(last, results.catalogue, tracking_uri)
    _print_paths(table=[directory / "results.md"], runs=[directory])
    for cell in results.failed:
        print(f"failed: {cell.label}: {cell.reason}", file=sys.stderr)


def show_report(results: Results, page: Path) -> None:
    """Print where the report of a study and its tables are."""
    _print_paths(report=[page], tables=[page.with_name(f"table.{kind}") for kind in ("csv", "md", "tex")])
    if last := results.last_run:
        _print_trackers(last, results.catalogue)


def _print_paths(**paths: Sequence[Path]) -> None:
    for label, found in paths.items():
        for path in found:
            print(f"{label + ':':9}{path}")


def _print_trackers(directory: Path, catalogue: Catalogue, tracking_uri: str | None = None) -> None:
    """Print where the observers of a run's recipe show it."""
    run, _ = read_run(directory)
    for line in observers_of(run, catalogue, tracking_uri).notify("where_to_look", run=run):
        print(line)
