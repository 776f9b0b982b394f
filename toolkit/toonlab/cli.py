"""The command line. Nothing heavy is imported before a command runs."""

from __future__ import annotations

import json
import os
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from .errors import ToonlabError
from .group import Group

if TYPE_CHECKING:
    from .events import Run
    from .plugins import Catalogue
    from .results import Results
    from .specs import Recipe
    from .train import Trained


app = typer.Typer(
    cls=Group,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="A bench for GAN image cartoonization: every part a plugin, every comparison fair.",
)

Overrides = Annotated[
    list[str] | None, typer.Argument(metavar="[KEY=VALUE]...", help="Such as train.steps=400 or critics.patch=null.")
]
Side = Literal["real", "fake"]
Images = Annotated[
    list[str],
    typer.Argument(metavar="IMAGE|KEY=VALUE", help="Files, folders with all below them, and parameters of the part."),
]
Model = Annotated[
    str,
    typer.Argument(metavar="MODEL", help="A run's directory, a .safetensors file, a recipe that learns nothing."),
]
ExperimentName = Annotated[
    str, typer.Argument(metavar="EXPERIMENT", help="A name that `toonlab recipes` lists, or a path.")
]
Jobs = Annotated[
    int | None, typer.Option("--jobs", min=1, help="Cells at once; by default one for each GPU, or one on a CPU.")
]
StorageURL = Annotated[
    str | None,
    typer.Option("--storage", help="An Optuna storage by which machines share the work: postgresql+psycopg://…"),
]
StaleAfter = Annotated[
    int, typer.Option("--stale-after", min=6, help="Seconds without a sign of life after which others take a cell up.")
]
Runs = Annotated[Path, typer.Option("--runs", help="The folder of all runs.")]
Device = Annotated[str, typer.Option("--device", help="auto (a GPU where there is one), cpu, cuda, cuda:1, …")]
Devices = Annotated[int, typer.Option("--devices", min=1, help="Processes on this machine, one for each device.")]
Nodes = Annotated[int, typer.Option("--nodes", min=1, help="Machines; start the command on each, or use torchrun.")]
TrackingURI = Annotated[
    str | None, typer.Option("--tracking-uri", help="Where trackers keep the runs, instead of what recipes say.")
]


@app.command()
def train(
    recipe: Annotated[str, typer.Argument(help="A name that `toonlab recipes` lists, or a path.")],
    overrides: Overrides = None,
    at: Annotated[list[str] | None, typer.Option("--at", help="Lay a file of overrides over it, such as tiny.")] = None,
    show: Annotated[bool, typer.Option("--print", help="Print the resolved recipe and stop.")] = False,
    runs: Runs = Path("runs"),
    device: Device = "auto",
    devices: Devices = 1,
    nodes: Nodes = 1,
    tracking_uri: TrackingURI = None,
) -> None:
    """Train a recipe; one that was stopped or killed goes on from its last checkpoint."""
    _track_at(tracking_uri)
    from .recipe import load

    catalogue = _discover()
    loaded = load(recipe, catalogue, overrides or (), at or ())
    if show:
        from .yamlfile import dump

        print(dump(loaded.tree), end="")
        return
    from .devices import launch
    from .train import train as run_training

    world = launch(device, devices, nodes)
    trained = run_training(loaded, catalogue, runs, world=world)
    if world.rank == 0:
        _report(loaded, trained, catalogue)


@app.command()
def resume(
    run: Annotated[Path, typer.Argument(help="The directory of a run.")],
    device: Device = "auto",
    devices: Devices = 1,
    nodes: Nodes = 1,
    tracking_uri: TrackingURI = None,
) -> None:
    """Go on with a run that was stopped or killed, from its last checkpoint."""
    _track_at(tracking_uri)
    from .devices import launch
    from .recipe import load
    from .train import resume as go_on

    catalogue = _discover()
    world = launch(device, devices, nodes)
    trained = go_on(run, catalogue, world)
    if world.rank == 0:
        _report(load(run / "recipe.yaml", catalogue), trained, catalogue)


@app.command()
def sync(
    run: Annotated[list[Path], typer.Argument(metavar="RUN", help="Directories of runs, or folders of them.")],
    tracking_uri: TrackingURI = None,
) -> None:
    """Replay to trackers what they miss of runs, such as after a server was away."""
    _track_at(tracking_uri)
    from .sync import sync as complete

    failed = False
    for synced in complete(run, _discover()):
        failed = failed or synced.error
        line = f"{synced.run.name}: {synced.line}"
        print(f"error: {line}" if synced.error else line, file=sys.stderr if synced.error else sys.stdout, flush=True)
    if failed:
        raise typer.Exit(1)


def _track_at(uri: str | None) -> None:
    """For all observers of this process and of those that it starts."""
    if uri is not None:
        os.environ["TOONLAB_TRACKING_URI"] = uri


def _report(recipe: Recipe, trained: Trained, catalogue: Catalogue) -> None:
    """What a run has to show: the table, the samples, the weights, and where to look further."""
    from . import tables
    from .checkpoint import candidates
    from .evaluate import caveats

    directory, outcome = trained.run.directory, trained.outcome
    if trained.again:
        print(f"{trained.run.name}: finished before, not run again; delete {directory} to train it anew")
    if outcome.status == "stopped":
        print(f"stopped at step {outcome.step}: {outcome.reason}")
    if outcome.metrics:
        wanted = [part.use for part in recipe.evaluate.metrics]
        ours = {**tables.leading(outcome.metrics, wanted), "seconds": outcome.seconds}
        row = tables.Row(trained.run.recipe_name, {name: [value] for name, value in ours.items()})
        rows = tables.with_photo(tables.leading(outcome.photo, wanted), [row])
        tables.show(trained.run.name, rows, caveats(recipe.evaluate.metrics, catalogue), outcome.measured)
    _print_paths({"samples": sorted((directory / "samples").glob("*.png"))[-1:], "run": [directory]})
    _print_paths({"weights": candidates(directory)[-1:]})
    _print_whereabouts(trained.run, catalogue)


def _print_paths(paths: dict[str, list[Path]]) -> None:
    for label, found in paths.items():
        for path in found:
            print(f"{label + ':':9}{path}")


def _print_whereabouts(run: Run, catalogue: Catalogue) -> None:
    from .sync import observers_of

    for line in observers_of(run, catalogue).tell("where_to_look", run=run):
        print(line)


@app.command()
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
    _track_at(tracking_uri)
    from . import compare as comparison
    from .live import view
    from .recipe import parse_override

    catalogue = _discover()
    given = dict(parse_override(text) for text in overrides or ())
    if photos is not None:
        print(f"{len(comparison.write_photos(experiment, catalogue, photos, given))} photos are in {photos}")
    elif explain:
        for line in comparison.explain(experiment, catalogue, runs, seeds, given):
            print(line)
    else:
        where = comparison.Where(runs, device, jobs, storage, stale_after)
        results = comparison.compare(experiment, catalogue, where, seeds, given, view())
        _report_study(results, catalogue, device)


@app.command()
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
    _track_at(tracking_uri)
    from .compare import Where
    from .live import view
    from .recipe import parse_override
    from .tune import tune as search

    catalogue = _discover()
    given = dict(parse_override(text) for text in overrides or ())
    where = Where(runs, device, jobs, storage, stale_after)
    results = search(experiment, catalogue, where, trials, given, view())
    _report_study(results, catalogue, device)


@app.command()
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
    _track_at(tracking_uri)
    from .compare import Where, compare
    from .live import view
    from .recipe import parse_override
    from .search import is_search
    from .tune import tune

    if not storage:
        raise ToonlabError("--storage: missing; give that of `toonlab compare` or `toonlab tune`")
    catalogue = _discover()
    given = dict(parse_override(text) for text in overrides or ())
    where = Where(runs, device, jobs, storage, stale_after, joined=True)
    work = tune if is_search(experiment) else compare
    work(experiment, catalogue, where, overrides=given, view=view())


def _report_study(results: Results, catalogue: Catalogue, device: str) -> None:
    """What a study has to show: the table, the report, and where everything is."""
    from . import tables
    from .report import write_report

    tables.show(results.name, results.rows, results.caveats, results.measured)
    directory = results.directory
    if any(cell.status == "finished" for cell in results.cells):
        page = write_report(results, catalogue, device=device)
        _print_paths({"report": [page], "samples": [p for p in [directory / "samples.png"] if p.exists()]})
        _tell_trackers(results, page, catalogue)
    _print_paths({"table": [directory / "results.md"], "runs": [directory]})
    for cell in results.failed:
        print(f"failed: {cell.label}: {cell.reason}", file=sys.stderr)
    if results.failed:
        raise typer.Exit(1)


def _tell_trackers(results: Results, page: Path, catalogue: Catalogue) -> None:
    """They get the report, and say where to look."""
    from .sync import observers_of, read_run

    here = [results.directory / cell.run for cell in results.cells if cell.status == "finished"]
    for directory in [directory for directory in here if directory.is_dir()][-1:]:
        run, _ = read_run(directory)
        observers_of(run, catalogue).tell("on_report", run=run, path=page)
        _print_whereabouts(run, catalogue)


@app.command()
def report(
    experiment: Annotated[str, typer.Argument(help="The study's name, or the path of its experiment's file.")],
    runs: Runs = Path("runs"),
    out: Annotated[
        Path | None, typer.Option("--out", help="The page; report.html in the study's directory if not given.")
    ] = None,
    device: Device = "auto",
) -> None:
    """Write what a study found as one HTML file, and its table as CSV, Markdown and LaTeX beside it."""
    from .report import read_study, write_report

    results, catalogue = read_study(experiment, runs), _discover()
    page = write_report(results, catalogue, out, device)
    _print_paths({"report": [page], "tables": [page.with_name(f"table.{name}") for name in ("csv", "md", "tex")]})
    _tell_trackers(results, page, catalogue)


@app.command()
def cartoonize(
    model: Model,
    images: Images,
    out: Annotated[Path, typer.Option("--out", help="The folder to write PNG files into.")],
    post: Annotated[str | None, typer.Option("--post", help="A post-processor; key=value sets it.")] = None,
    max_side: Annotated[int | None, typer.Option("--max-side", min=1, help="Scale larger pictures down to it.")] = None,
    batch: Annotated[int, typer.Option("--batch", min=1, help="Pictures of one size at once.")] = 4,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files of OUT.")] = False,
    device: Device = "auto",
) -> None:
    """Turn pictures into cartoons with a trained model, or one that needs no training."""
    from .cartoonize import cartoonize_pictures, load_model
    from .devices import pick_device
    from .picturefiles import follow, parted, plan

    catalogue = _discover()
    paths, settings = parted(images)
    own = {key: settings.pop(key) for key in list(settings) if key.startswith("generator.")}
    if settings and post is None:
        raise ToonlabError(f"{next(iter(settings))}=…: no such file; as a parameter it needs --post NAME")
    touch = catalogue.make("postprocessors", post, **settings) if post else None
    jobs = plan(paths, out, overwrite)
    generator = load_model(model, catalogue, own)
    results = cartoonize_pictures(generator, jobs, pick_device(device), batch, max_side, touch)
    written = follow(results, len(jobs), "cartoonizing")
    print(f"{len(written)} of {len(jobs)} pictures are in {out}")


@app.command()
def inspect(
    images: Images,
    out: Annotated[Path, typer.Option("--out", help="The folder to write PNG files into.")] = Path("inspect"),
    sampler: Annotated[str | None, typer.Option("--sampler", help="In place of its own; key=value sets it.")] = None,
    representation: Annotated[str | None, typer.Option("--representation", help="In place of its own.")] = None,
    recipe: Annotated[str, typer.Option("--recipe", help="Whose patch critic looks.")] = "ctss",
    critic: Annotated[str | None, typer.Option("--critic", help="The first with a sampler if not given.")] = None,
    side: Annotated[Side, typer.Option("--as", help="What the pictures count as.")] = "real",
    max_side: Annotated[int, typer.Option("--max-side", min=1, help="Scale larger pictures down to it.")] = 512,
) -> None:
    """Draw what a patch critic looks at: the filtered image, saliency, chosen patches, and what the critic sees."""
    from .inspect import critic_view, inspect_pictures
    from .picturefiles import follow, parted, plan

    catalogue = _discover()
    paths, settings = parted(images)
    view = critic_view(catalogue, recipe, critic, sampler, representation, settings)
    jobs = plan(paths, out, overwrite=True)
    written = follow(inspect_pictures(view, jobs, side, max_side), len(jobs), "looking")
    print(f"{len(written)} of {len(jobs)} pictures are in {out}")


@app.command()
def plugins(
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """List every part by kind: parameters, types, constraints, defaults, search ranges, distribution."""
    from .plugins import discover

    catalogue = discover()
    if as_json:
        print(json.dumps(catalogue.to_json(), indent=1))
        return
    from .listing import show_catalogue

    show_catalogue(catalogue)


@app.command()
def recipes() -> None:
    """List the recipes, the experiments and the files for --at."""
    from .listing import show_shelf

    show_shelf()


def _discover() -> Catalogue:
    """The catalogue, with a warning for everything that did not load."""
    from .plugins import discover

    catalogue = discover()
    for failure in catalogue.failures:
        print(f"warning: {failure}", file=sys.stderr)
    return catalogue


def _show_warning(message: Warning | str, category: type[Warning], *_: object, **__: object) -> None:
    print(f"warning: {message}", file=sys.stderr)


def main() -> None:
    """The entry point of `toonlab`."""
    warnings.showwarning = _show_warning
    app()
