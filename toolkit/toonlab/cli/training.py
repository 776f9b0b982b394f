"""One training: `train`, `resume`, `sync`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .options import Device, Devices, Nodes, Overrides, Runs, TrackingURI, command_line

if TYPE_CHECKING:
    from toonlab.engine.train import Trained
    from toonlab.registry.catalogue import Catalogue


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
        print(dump(loaded.tree, unicode=(sys.stdout.encoding or "").lower().startswith("utf")), end="")
        return
    from toonlab.engine import train as engine
    from toonlab.utils.distributed import launch

    distributed = launch(device, devices, nodes)
    trained = engine.train(
        loaded, catalogue, runs, distributed=distributed, command=command_line(), tracking_uri=tracking_uri
    )
    if distributed.rank == 0:
        _show(trained, catalogue, tracking_uri)


def resume(
    run: Annotated[Path, typer.Argument(help="The directory of a run.")],
    device: Device = "auto",
    devices: Devices = 1,
    nodes: Nodes = 1,
    tracking_uri: TrackingURI = None,
) -> None:
    """Continue a stopped or killed run from its last checkpoint."""
    from toonlab.api import common
    from toonlab.engine import train as engine
    from toonlab.utils.distributed import launch

    catalogue = common.warned_catalogue()
    distributed = launch(device, devices, nodes)
    trained = engine.resume(run, catalogue, distributed, command_line(), tracking_uri)
    if distributed.rank == 0:
        _show(trained, catalogue, tracking_uri)


def _show(trained: Trained, catalogue: Catalogue, tracking_uri: str | None) -> None:
    from toonlab.api.console import show_run
    from toonlab.api.run import TrainedRun

    show_run(TrainedRun.of(trained.run, trained.reused, catalogue), tracking_uri)


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
