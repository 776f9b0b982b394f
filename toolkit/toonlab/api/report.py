"""The report of a study, written at its end or by `toonlab report`."""

from __future__ import annotations

from pathlib import Path

from toonlab.registry.catalogue import Catalogue
from toonlab.report import read_study, write_report
from toonlab.runs.sync import notify_of_report

from .results import Results


def conclude(results: Results, tracking_uri: str | None = None) -> None:
    """Write the report of a study that has just run, if any cell has finished, and notify its trackers."""
    from toonlab.studies.executors.fork_server import call_preloaded

    if not any(cell.status == "finished" for cell in results.cells):
        return
    page = write_report(results)
    if directory := results.last_run:
        call_preloaded(
            notify_of_report, directory, page, None, tracking_uri
        )  # in a process that has imported the trackers already


def report(
    experiment: str, catalogue: Catalogue, *, runs: Path = Path("runs"), out: Path | None = None
) -> tuple[Results, Path]:
    """Write the report of an earlier study, and notify its trackers.

    Returns:
        The study's results, and the page.

    Raises:
        ToonlabError: if there is no such study, nothing has finished, or the page can't be written.
    """
    results = Results.from_study(read_study(experiment, runs), catalogue)
    page = write_report(results, out)
    if directory := results.last_run:
        notify_of_report(directory, page, catalogue)
    return results, page
