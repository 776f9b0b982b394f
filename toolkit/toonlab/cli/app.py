"""The command line. Nothing heavy is imported before a command runs."""

from __future__ import annotations

import atexit
import gc
import sys
import warnings

import typer

from . import authoring, lists, pictures, studies, training
from .group import Group

app = typer.Typer(
    cls=Group,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="A pluggable GAN for photo cartoonization, and a benchmark that compares cartoonization GANs fairly.",
)
for command in (
    training.train,
    training.resume,
    training.sync,
    studies.compare,
    studies.tune,
    studies.worker,
    studies.report,
    pictures.cartoonize,
    pictures.inspect,
    authoring.new,
    lists.recipes,
):
    app.command()(command)
app.add_typer(lists.plugins, name="plugins")


def _show_warning(message: Warning | str, category: type[Warning], *_: object, **__: object) -> None:
    print(f"warning: {message}", file=sys.stderr)


def main() -> None:
    """The entry point of `toonlab`."""
    warnings.showwarning = _show_warning
    atexit.register(gc.freeze)  # without it the last collection walks all of torch's objects: half a second
    app()
