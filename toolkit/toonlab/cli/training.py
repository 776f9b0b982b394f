"""One training: `train`, `resume`, `sync`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from .options import Device, Devices, Nodes, Overrides, Runs, TrackingURI, command_line


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
    """Train a recipe; a stopped or killed run continues from its last checkpoint."""
    from toonlab.api.common import warned_catalogue
    from toonlab.recipes.load import load
    from toonlab.utils.yaml import dump

    catalogue = warned_catalogue()
    loaded = load(recipe, catalogue, overrides or (), at or ())
    if show:
        print(dump(loaded.tree), end="")
        return
    from toonlab.api import console
    from toonlab.api.train import train_recipe
    from toonlab.utils.distributed import launch

    distributed = launch(device, devices, nodes)
    run = train_recipe(loaded, catalogue, runs, distributed, command_line(), tracking_uri)
    if distributed.rank == 0:
        console.show_run(run, tracking_uri)


def resume(
    run: Annotated[Path, typer.Argument(help="The directory of a run.")],
    device: Device = "auto",
    devices: Devices = 1,
    nodes: Nodes = 1,
    tracking_uri: TrackingURI = None,
) -> None:
    """Continue a stopped or killed run from its last checkpoint."""
    from toonlab.api import common, console
    from toonlab.api.train import resume as resume_run
    from toonlab.utils.distributed import launch

    catalogue = common.warned_catalogue()
    distributed = launch(device, devices, nodes)
    resumed = resume_run(run, catalogue, distributed, command_line(), tracking_uri)
    if distributed.rank == 0:
        console.show_run(resumed, tracking_uri)


def sync(
    run: Annotated[list[Path], typer.Argument(metavar="RUN", help="Directories of runs, or folders of them.")],
    tracking_uri: TrackingURI = None,
) -> None:
    """Send the events of runs that trackers lack, for example after an outage of their server."""
    from toonlab.api import common
    from toonlab.runs.sync import sync as sync_runs

    failed = False
    for synced in sync_runs(run, common.warned_catalogue(), tracking_uri):
        failed = failed or synced.error
        line = f"{synced.run.name}: {synced.line}"
        print(f"error: {line}" if synced.error else line, file=sys.stderr if synced.error else sys.stdout, flush=True)
    if failed:
        raise typer.Exit(1)
