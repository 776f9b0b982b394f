"""Plugins and recipes, listed and begun: `plugins`, `plugins doctor`, `new`, `recipes`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape

from toonlab.errors import ToonlabError
from toonlab.utils import paths, yaml

if TYPE_CHECKING:  # torch would be imported with them, and the recipes can be listed without
    from toonlab.registry.catalogue import Catalogue, Offer
    from toonlab.registry.protocols import Tunable
    from toonlab.registry.schema import Parameter

STARTERS = (
    "sampler, representation, discriminator, generator, objective, discriminator-loss, generator-loss, features, "
    "dataset, metric or observer"
)
AsJSON = Annotated[bool, typer.Option("--json", help="For programs.")]

plugins = typer.Typer(invoke_without_command=True)


@plugins.callback()
def list_plugins(context: typer.Context, as_json: AsJSON = False) -> None:
    """List every part by kind: parameters, types, constraints, defaults, search ranges, distribution."""
    if context.invoked_subcommand:
        return
    from toonlab.registry.catalogue import discover

    catalogue = discover()
    if as_json:
        print(json.dumps(catalogue.to_json(), indent=1))
        return
    show_catalogue(catalogue)


@plugins.command()
def doctor(context: typer.Context, as_json: AsJSON = False) -> None:
    """Check the installed plugins: their sources, their hooks and their problems; exit code 1 if there are any."""
    from toonlab.registry.doctor import examine, show_diagnosis

    found = examine(frozenset(getattr(context.find_root().command, "commands", ())))  # without those of plugins
    if as_json or (context.parent and context.parent.params["as_json"]):
        print(json.dumps(found.to_json(), indent=1))
    else:
        show_diagnosis(found)
    raise typer.Exit(1 if found.problems else 0)


def show_catalogue(catalogue: Catalogue) -> None:
    """Every part by kind; then clashes and plugins that failed to load."""
    from toonlab.registry.protocols import KINDS

    console = Console(highlight=False, soft_wrap=True)
    for kind, about in KINDS.items():
        console.print(f"[bold]{kind}[/bold]  [dim]{about.about}[/dim]")
        for name in catalogue.names(kind):
            _show_offer(console, catalogue.offers[kind][name])
        console.print()
    for (kind, name), sources in catalogue.clashes.items():
        console.print(
            f"[red]clash:[/red] {KINDS[kind]} {name!r} is offered by {' and by '.join(sources)}; usable from neither"
        )
    for failure in catalogue.failures:
        console.print(f"[red]not loaded:[/red] {escape(str(failure))}")


def _show_offer(console: Console, offer: Offer) -> None:
    console.print(f"  [bold cyan]{offer.name}[/bold cyan]  {escape(offer.about)}  [dim]{offer.distribution}[/dim]")
    for parameter in offer.schema.parameters.values():
        console.print(f"      {escape(describe(parameter))}")


def describe(parameter: Parameter) -> str:
    """`patch_size: int, > 0 = 96  (search 16 … 128, step 8)`."""
    default = "" if parameter.required else f" = {default_of(parameter)}"
    needed = "  (must be given)" if parameter.required else ""
    search = f"  (search {search_range(parameter.tunable)})" if parameter.tunable else ""
    return f"{parameter.name}: {parameter.expected}{default}{needed}{search}"


def default_of(parameter: Parameter) -> str:
    """The default as a recipe has it: `null`, `true`, `[0.5, 0.999]`."""
    value = parameter.to_json(parameter.default)
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def search_range(tunable: Tunable) -> str:
    """`16 … 128, step 8`."""
    step = f", step {tunable.step:g}" if tunable.step else ", log" if tunable.log else ""
    return f"{tunable.low:g} … {tunable.high:g}{step}"


def new(
    kind: Annotated[str, typer.Argument(help=f"{STARTERS}.", metavar="KIND")],
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
    print("Next:")
    print(f"  pip install -e {project.directory}")
    print(f"  pytest {project.directory}")
    print(f"  toonlab compare {project.directory / 'experiment.yaml'}")


def recipes() -> None:
    """List the recipes, the experiments and the files for --at."""
    console = Console(highlight=False, soft_wrap=True)
    titles = {"baselines": "recipes", "baselines/at": "for --at", "experiments": "experiments"}
    for folder, title in titles.items():
        console.print(f"[bold]{title}[/bold]  [dim]{paths.root() / folder}[/dim]")
        files = paths.listed(folder)
        width = max(map(len, files), default=0)
        for name, path in files.items():
            console.print(f"  [bold cyan]{name:{width}}[/bold cyan]  {escape(_about(path))}")
        console.print()


def _about(path: Path) -> str:
    try:
        return str(yaml.load_file(path).get("about", ""))
    except ToonlabError as error:
        return f"unreadable: {error}"
