"""The command `toonlab app`."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from threading import Event
from typing import Annotated

import typer

from toonlab import discover, printable


def app(
    shown: Annotated[
        list[str] | None,
        typer.Argument(metavar="[STUDY|RUN]...", help="Studies by name, runs by directory; else the newest study."),
    ] = None,
    runs: Annotated[Path, typer.Option("--runs", help="The folder of all runs.")] = Path("runs"),
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Of 127.0.0.1; 0 takes a free one.")] = 7860,
    device: Annotated[
        str, typer.Option("--device", help="auto (a GPU where there is one), cpu, cuda, cuda:1, …")
    ] = "auto",
    max_side: Annotated[int, typer.Option("--max-side", min=256, help="Of a cartoon's longer side, in pixels.")] = 2048,
    max_mb: Annotated[int, typer.Option("--max-mb", min=1, help="Of an uploaded file.")] = 32,
    max_seconds: Annotated[int, typer.Option("--max-seconds", min=1, help="Of a clip.")] = 20,
) -> None:
    """Show what each method of a study makes of your photos, in the browser; nothing leaves this machine."""
    from .serving import HOST, bound, private_folder, serve

    with private_folder() as work, bound(port) as listener:
        from .methods import load_methods
        from .page import head, page, style, theme

        methods, left_out = load_methods(shown or [], runs, device)
        for line in left_out:
            typer.echo(f"left out: {printable(line)}", err=True)
        ending = Event()
        blocks = page(methods, discover(), work, device, max_side, max_seconds, ending)
        address = f"http://{HOST}:{listener.getsockname()[1]}/"
        count = "1 method" if len(methods) == 1 else f"{len(methods)} methods"
        typer.echo(f"{address} shows {count}; Ctrl+C ends this")
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # the photos are removed then as well
        serve(blocks, listener, max_mb, ending, theme=theme(), css=style(), head=head())
    typer.echo("ended; the photos and cartoons of this page are removed")
