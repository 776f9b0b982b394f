"""What several commands take and print."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from toonlab.registry.catalogue import Catalogue

Overrides = Annotated[
    list[str] | None, typer.Argument(metavar="[KEY=VALUE]...", help="Such as train.steps=400 or critics.patch=null.")
]
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


def track_at(uri: str | None) -> None:
    """For all observers of this process and of those that it starts."""
    if uri is not None:
        os.environ["TOONLAB_TRACKING_URI"] = uri


def discovered() -> Catalogue:
    """The catalogue, with a warning for everything that did not load."""
    from toonlab.registry.catalogue import discover

    catalogue = discover()
    for failure in catalogue.failures:
        print(f"warning: {failure}", file=sys.stderr)
    return catalogue


def parsed(overrides: list[str] | None) -> dict[str, Any]:
    """`train.steps=400` -> `{"train.steps": 400}`."""
    from toonlab.recipes.load import parse_override

    return dict(parse_override(text) for text in overrides or ())
