"""The report of a study, written at its end or by `toonlab report`."""

from __future__ import annotations

from pathlib import Path

from toonlab.registry.catalogue import Catalogue
from toonlab.report import read_study, write_report
from toonlab.runs.sync import tell_of_report

from .results import Results


def conclude(results: Results, device: str = "auto", tracking_uri: str | None = None) -> None:
    """Write the report of a study that has just run, if any cell has finished, and notify its trackers."""
    from toonlab.studies.executors.process import apart

    if not any(cell.status == "finished" for cell in results.cells):
        return
    page = write_report(results, results.catalogue, device=device)
    if directory := results.last_run:
        apart(tell_of_report, directory, page, tracking_uri)  # in a process that has imported the trackers already


def report(
    experiment: str, catalogue: Catalogue, *, runs: Path = Path("runs"), out: Path | None = None, device: str = "auto"
) -> tuple[Results, Path]:
    """Write the report of an earlier study, and notify its trackers.

    Returns:
        The study's results, and the page.

    Raises:
        ToonlabError: if there is no such study, nothing has finished, or the page can't be written.
    """
    results = Results.from_study(read_study(experiment, runs), catalogue)
    page = write_report(results, catalogue, out, device)
    if directory := results.last_run:
        tell_of_report(directory, page)
    return results, page
