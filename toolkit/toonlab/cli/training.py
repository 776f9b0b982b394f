"""One training: `train`, `resume`, `sync`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .options import Device, Devices, Nodes, Overrides, Runs, TrackingURI, discovered, track_at

if TYPE_CHECKING:
    from toonlab.engine.train import Trained
    from toonlab.registry.catalogue import Catalogue


def train(
    recipe: Annotated[str, typer.Argument(help="A name that `toonlab recipes` lists, or a path.")],
    overrides: Overrides = None,
    at: Annotated[list[str] | None, typer.Option("--at", help="Apply a file of overrides, such as tiny.")] = None,
    show: Annotated[bool, typer.Option("--print", help="Print the resolved recipe and stop.")] = False,
    runs: Runs = Path("runs"),
    device: Device = "auto",
    devices: Devices = 1,
    nodes: Nodes = 1,
    tracking_uri: TrackingURI = None,
) -> None:
    """Train a recipe; one that was stopped or killed goes on from its last checkpoint."""
    track_at(tracking_uri)
    from toonlab.recipes.load import load

    catalogue = discovered()
    loaded = load(recipe, catalogue, overrides or (), at or ())
    if show:
        from toonlab.utils.yaml import dump

        print(dump(loaded.tree), end="")
        return
    from toonlab.engine.train import train as run_training
    from toonlab.utils.distributed import launch

    distributed = launch(device, devices, nodes)
    trained = run_training(loaded, catalogue, runs, distributed=distributed)
    if distributed.rank == 0:
        _report(trained, catalogue)


def resume(
    run: Annotated[Path, typer.Argument(help="The directory of a run.")],
    device: Device = "auto",
    devices: Devices = 1,
    nodes: Nodes = 1,
    tracking_uri: TrackingURI = None,
) -> None:
    """Go on with a run that was stopped or killed, from its last checkpoint."""
    track_at(tracking_uri)
    from toonlab.engine.train import resume as go_on
    from toonlab.utils.distributed import launch

    catalogue = discovered()
    distributed = launch(device, devices, nodes)
    trained = go_on(run, catalogue, distributed)
    if distributed.rank == 0:
        _report(trained, catalogue)


def sync(
    run: Annotated[list[Path], typer.Argument(metavar="RUN", help="Directories of runs, or folders of them.")],
    tracking_uri: TrackingURI = None,
) -> None:
    """Replay to trackers what they miss of runs, such as after a server was away."""
    from toonlab.runs.sync import sync as complete

    failed = False
    for synced in complete(run, discovered(), tracking_uri):
        failed = failed or synced.error
        line = f"{synced.run.name}: {synced.line}"
        print(f"error: {line}" if synced.error else line, file=sys.stderr if synced.error else sys.stdout, flush=True)
    if failed:
        raise typer.Exit(1)


def _report(trained: Trained, catalogue: Catalogue) -> None:
    from toonlab.api import console
    from toonlab.api.run import TrainedRun

    console.run(TrainedRun.of(trained.run, trained.reused), catalogue)
