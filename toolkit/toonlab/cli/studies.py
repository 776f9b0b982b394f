"""Many trainings: `compare`, `tune`, `worker`, `report`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from toonlab.errors import ToonlabError

from .options import (
    Device,
    ExperimentName,
    Jobs,
    Overrides,
    Runs,
    StaleAfter,
    StorageURL,
    TrackingURI,
    discovered,
    parsed,
    track_at,
)

if TYPE_CHECKING:
    from toonlab.registry.catalogue import Catalogue
    from toonlab.studies.results.results import Results


def compare(
    experiment: ExperimentName,
    overrides: Overrides = None,
    seeds: Annotated[int | None, typer.Option("--seeds", min=1, help="Instead of the experiment's.")] = None,
    jobs: Jobs = None,
    explain: Annotated[bool, typer.Option("--explain", help="Say which cells would run, and why, and stop.")] = False,
    photos: Annotated[
        Path | None, typer.Option("--photos", help="Write the photos that are measured into a folder, and stop.")
    ] = None,
    storage: StorageURL = None,
    stale_after: StaleAfter = 120,
    runs: Runs = Path("runs"),
    device: Device = "auto",
    tracking_uri: TrackingURI = None,
) -> None:
    """Compare recipes over seeds; cells that have finished are not run again."""
    track_at(tracking_uri)
    from toonlab.studies import compare as comparison
    from toonlab.studies.executors.display import display
    from toonlab.studies.executors.options import ExecutionOptions

    catalogue = discovered()
    given = parsed(overrides)
    options = ExecutionOptions(runs, device, jobs, storage, stale_after, tracking_uri=tracking_uri)
    if photos is not None:
        print(f"{len(comparison.write_photos(experiment, catalogue, photos, given))} photos are in {photos}")
    elif explain:
        for line in comparison.explain(experiment, catalogue, options, seeds=seeds, overrides=given):
            print(line)
    else:
        results = comparison.compare(experiment, catalogue, options, seeds=seeds, overrides=given, display=display())
        _report_study(results, catalogue, device)


def tune(
    experiment: ExperimentName,
    overrides: Overrides = None,
    trials: Annotated[int | None, typer.Option("--trials", min=1, help="Instead of the experiment's.")] = None,
    jobs: Jobs = None,
    storage: StorageURL = None,
    stale_after: StaleAfter = 120,
    runs: Runs = Path("runs"),
    device: Device = "auto",
    tracking_uri: TrackingURI = None,
) -> None:
    """Search what a recipe does best with, and confirm it on fresh seeds; a search that was stopped goes on."""
    track_at(tracking_uri)
    from toonlab.studies.executors.display import display
    from toonlab.studies.executors.options import ExecutionOptions
    from toonlab.studies.tune import tune as search

    catalogue = discovered()
    given = parsed(overrides)
    options = ExecutionOptions(runs, device, jobs, storage, stale_after, tracking_uri=tracking_uri)
    results = search(experiment, catalogue, options, trials=trials, overrides=given, display=display())
    _report_study(results, catalogue, device)


def worker(
    experiment: ExperimentName,
    overrides: Overrides = None,
    storage: Annotated[str, typer.Option("--storage", help="The Optuna storage that the study is shared by.")] = "",
    jobs: Jobs = None,
    stale_after: StaleAfter = 120,
    runs: Runs = Path("runs"),
    device: Device = "auto",
    tracking_uri: TrackingURI = None,
) -> None:
    """Work on a comparison or a search that other machines work on, too, until it is done."""
    track_at(tracking_uri)
    from toonlab.studies.compare import compare
    from toonlab.studies.executors.display import display
    from toonlab.studies.executors.options import ExecutionOptions
    from toonlab.studies.plan.search import is_search
    from toonlab.studies.tune import tune

    if not storage:
        raise ToonlabError("--storage: missing; give that of `toonlab compare` or `toonlab tune`")
    catalogue = discovered()
    given = parsed(overrides)
    options = ExecutionOptions(runs, device, jobs, storage, stale_after, joined=True, tracking_uri=tracking_uri)
    work = tune if is_search(experiment) else compare
    work(experiment, catalogue, options, overrides=given, display=display())


def report(
    experiment: Annotated[str, typer.Argument(help="The study's name, or the path of its experiment's file.")],
    runs: Runs = Path("runs"),
    out: Annotated[
        Path | None, typer.Option("--out", help="The page; report.html in the study's directory if not given.")
    ] = None,
    device: Annotated[str, typer.Option("--device", help="Not needed any more: the runs have left pictures.")] = "auto",
) -> None:
    """Write a study's findings as one HTML file, and its table as CSV, Markdown and LaTeX next to it."""
    from toonlab.report import read_study, write_report

    results = read_study(experiment, runs)
    page = write_report(results, out)

    from toonlab.api import console  # imports torch, which the page does not need
    from toonlab.runs.sync import notify_of_report

    tables = [page.with_name(f"table.{name}") for name in ("csv", "md", "tex")]
    console.paths({"report": [page], "tables": tables})
    if directory := console.last_run(results):
        catalogue = discovered()
        notify_of_report(directory, page, catalogue)
        console.whereabouts(directory, catalogue)


def _report_study(results: Results, catalogue: Catalogue, device: str) -> None:
    """What a study has to show: the table, the report, and where everything is."""
    from toonlab.api import console
    from toonlab.api.study import conclude
    from toonlab.studies.results import tables

    tables.show(results.name, results.rows, results.caveats, results.measured)  # at once: the report takes a while
    conclude(results, catalogue, device)
    console.study(results, catalogue, table=False)
    if results.failed:
        raise typer.Exit(1)
