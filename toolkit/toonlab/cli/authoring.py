"""For authors of plugins: `new`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

KINDS = (
    "sampler, representation, discriminator, generator, objective, discriminator-loss, generator-loss, features, "
    "dataset, metric or observer"
)


def new(
    kind: Annotated[str, typer.Argument(help=f"{KINDS}.", metavar="KIND")],
    name: Annotated[str, typer.Argument(help="What recipes will call it, such as loud-patches.", metavar="NAME")],
    out: Annotated[
        Path | None, typer.Option("--out", help="The folder to write into; NAME in this one if not given.")
    ] = None,
) -> None:
    """Begin a plugin: a small distribution that works at once, with tests, a recipe and a comparison with CTSS."""
    from toonlab.api.common import warned_catalogue
    from toonlab.scaffold import create

    project = create(kind, name, out, warned_catalogue())
    files = project.write()
    width = max(len(str(file)) for file in files)
    print(f"The {project.label} {project.name} is in {project.directory}:")
    for file, about in zip(files, project.about.values(), strict=True):
        print(f"  {file!s:{width}}  {about}")
    print("Continue with")
    print(f"  pip install -e {project.directory}")
    print(f"  pytest {project.directory}")
    print(f"  toonlab compare {project.directory / 'experiment.yaml'}")
