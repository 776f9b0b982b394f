"""Many trainings: `compare`, `tune`, `report`, `watch`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from toonlab.utils.text import printable, several

from .options import ExperimentName, Overrides, Runs, StorageURL, parsed, with_execution_options

if TYPE_CHECKING:  # and therefore in quotes: typer evaluates the other annotations
    from toonlab.api.results import Results
    from toonlab.studies.executors.options import ExecutionOptions


@with_execution_options
def compare(
    experiment: ExperimentName,
    options: "ExecutionOptions",
    overrides: Overrides = None,
    seeds: Annotated[int | None, typer.Option("--seeds", min=1, help="Instead of the experiment's.")] = None,
    until_decided: Annotated[
        bool, typer.Option("--until-decided", help="Add seeds until no comparison is undecided, up to 24.")
    ] = False,
    register: Annotated[
        bool, typer.Option("--register", help="Write down first what is compared; the report says whether it was kept.")
    ] = False,
    plan: Annotated[
        float | None, typer.Option("--plan", metavar="DELTA", help="Tell how many seeds a difference takes, and stop.")
    ] = None,
    explain: Annotated[bool, typer.Option("--explain", help="List the cells to run, with reasons, and stop.")] = False,
    step_time: Annotated[
        float | None,
        typer.Option(
            "--step-time", metavar="SECONDS", min=0, help="For the hours that --explain tells; else measured."
        ),
    ] = None,
    photos: Annotated[
        Path | None, typer.Option("--photos", help="Write the photos that are measured into a folder, and stop.")
    ] = None,
) -> None:
    """Compare recipes over seeds; cells that have finished are not run again."""
    from toonlab.api import common, study
    from toonlab.studies.compare import explain as explained
    from toonlab.studies.compare import plan_seeds, write_photos

    catalogue, changes = common.warned_catalogue(), parsed(overrides)
    if photos is not None:
        written = write_photos(experiment, catalogue, photos, changes)
        print(f"{several(len(written), 'photo')} in {printable(photos)}")
    elif explain:
        given: dict[str, Any] = {"seeds": seeds, "until_decided": until_decided, "step_time": step_time}
        print(*explained(experiment, catalogue, options, overrides=changes, **given), sep="\n")
    elif plan is not None:
        lines = plan_seeds(experiment, catalogue, plan, options, until_decided=until_decided, overrides=changes)
        print(*lines, sep="\n")
    else:
        known: dict[str, Any] = {"seeds": seeds, "until_decided": until_decided, "register": register}
        _conclude(study.run_comparison(experiment, catalogue, options, overrides=changes, **known), options)


@with_execution_options
def tune(
    experiment: ExperimentName,
    options: "ExecutionOptions",
    overrides: Overrides = None,
    trials: Annotated[
        int | None, typer.Option("--trials", min=1, help="For each recipe, instead of the experiment's budget.")
    ] = None,
    until_decided: Annotated[
        bool,
        typer.Option("--until-decided", help="Add seeds to the confirmation until nothing is undecided, up to 24."),
    ] = False,
    save: Annotated[
        str | None, typer.Option("--save", metavar="NAME", help="Write the winner as a recipe: baselines/NAME.yaml.")
    ] = None,
    storage: StorageURL = None,
) -> None:
    """Search recipes' best parameters, and confirm them on fresh seeds; a stopped search continues."""
    from toonlab.api import common, study

    known: dict[str, Any] = {"trials": trials, "until_decided": until_decided, "save": save, "storage": storage}
    found = study.run_search(experiment, common.warned_catalogue(), options, overrides=parsed(overrides), **known)
    if save:
        saved = study.saved(experiment, save)
        print(f"saved: {', '.join(map(str, saved)) or 'nothing, as no trial was better than the default'}")
    _conclude(found, options)


def report(
    experiment: Annotated[str, typer.Argument(help="The study's name, or the path of its experiment's file.")],
    runs: Runs = Path("runs"),
    out: Annotated[
        Path | None, typer.Option("--out", help="The page; report.html in the study's directory if not given.")
    ] = None,
    device: Annotated[str, typer.Option("--device", help="Has no effect: reports load no weights.")] = "auto",
) -> None:
    """Write a study's report as one HTML file, and its table as CSV, Markdown and LaTeX next to it."""
    from toonlab.api import common, console
    from toonlab.api.results import report as write

    console.show_report(*write(experiment, common.warned_catalogue(), runs=runs, out=out))


def watch(
    experiment: Annotated[str, typer.Argument(help="The study's name, or the path of its experiment's file.")],
    runs: Runs = Path("runs"),
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Of 127.0.0.1; 0 takes a free one.")] = 8765,
) -> None:
    """Show a study in the browser while it runs: marks, table, curves, samples. It writes nothing."""
    from toonlab.report import read_study
    from toonlab.report.watch import server

    with server(read_study(experiment, runs).directory, port) as serving:
        print(f"http://127.0.0.1:{serving.server_port}/ shows the study; Ctrl+C ends this", flush=True)
        serving.serve_forever()


def _conclude(results: "Results", options: "ExecutionOptions") -> None:
    """Print the table, write the report and print where everything is; exit code 1 if a run failed."""
    from toonlab.api import console
    from toonlab.api.results import conclude

    console.show_table(results)  # first, because the report takes a while
    conclude(results, options.tracking_uri)
    console.show_paths(results, options.tracking_uri)
    if results.failed:
        raise typer.Exit(1)
