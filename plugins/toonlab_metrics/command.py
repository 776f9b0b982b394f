"""The command `toonlab score`: any folder of pictures, measured by all metrics that apply."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from toonlab import Catalogue, RecipeError, ToonlabError, discover
from toonlab.errors import nearest

from .folders import EvaluationFolders, usable
from .frechet import InceptionDistance

if TYPE_CHECKING:
    from toonlab.engine.train import Trained
    from toonlab.recipes.spec import Recipe


def score(
    pictures: Annotated[Path, typer.Argument(help="Folder of the pictures, named as their photos, whoever made them.")],
    photos: Annotated[Path, typer.Option(help="Folder of the photos that they were made of.")],
    cartoons: Annotated[Path | None, typer.Option(help="Folder of real cartoons, of whatever scenes.")] = None,
    truth: Annotated[
        Path | None, typer.Option(help="Folder of the true cartoons, or of folders cartoon, outline, flat, regions.")
    ] = None,
    metrics: Annotated[str | None, typer.Option(help="Such as outline_f1,psnr; left out, all that apply.")] = None,
    weights: Annotated[
        Path | None, typer.Option(help="Of Inception, for kid and fid; left out, those in torch's cache.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="What the pictures are called; left out, as their folder.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON in place of the table.")] = False,
    runs: Annotated[Path, typer.Option(help="The folder of all runs.")] = Path("runs"),
    tracking_uri: Annotated[str | None, typer.Option(help="Where MLflow keeps the run.")] = None,
) -> None:
    """Score pictures against their photos, against real cartoons, and against the truth, as far as they are given."""
    from toonlab.engine.train import train
    from toonlab.recipes.resolve import resolve

    catalogue, called = discover(), name or pictures.resolve().name
    data = EvaluationFolders(photos, cartoons, truth)
    chosen = list(_chosen(metrics, data, weights, catalogue))
    usable(pictures)
    evaluate = {"metrics": chosen, "samples": len(data.evaluation()), "cartoons": data.count_cartoons() or 1}
    folders = {"photos": photos, "cartoons": cartoons, "truth": truth}
    given = {role: str(folder) for role, folder in folders.items() if folder is not None}
    tree = {
        "about": f"{called}, made by another program",
        "data": {"use": "evaluation_folders", **given},
        "generator": {"network": {"use": "pictures", "path": str(pictures)}},
        "evaluate": evaluate,
        "observers": {"mlflow": {"tracking_uri": tracking_uri}},
    }
    recipe, problems = resolve(tree, called, catalogue)
    if recipe is None:
        raise RecipeError(called, problems)
    (_print_json if as_json else _print_table)(train(recipe, catalogue, runs, "score", "cpu"), recipe, catalogue)


def _chosen(
    wanted: str | None, data: EvaluationFolders, weights: Path | None, catalogue: Catalogue
) -> Iterator[dict[str, Any]]:
    """The metrics that were named, else those that the data allow; one of these without its weights is left out, aloud.

    Raises:
        ToonlabError: if a metric that was named does not exist, lacks its weights, or can't be had from these folders.
    """
    names = sorted(catalogue.names("metrics"), key=lambda name: not _leads(name, catalogue))
    for name in names if wanted is None else wanted.split(","):
        if name not in names:
            raise ToonlabError(f"--metrics: {name!r}: no such metric; {nearest(name, names)}")
        factory = catalogue.get("metrics", name).factory
        inception = weights is not None and isinstance(factory, type) and issubclass(factory, InceptionDistance)
        part = {"use": name, **({"weights": str(weights)} if inception else {})}
        try:
            lacking = _lacking(part, data, catalogue)
        except ToonlabError as error:
            if wanted is not None or weights is not None:
                raise
            warnings.warn(f"left out: {error}", RuntimeWarning, stacklevel=2)
            continue
        if lacking is None:
            yield part
        elif wanted is not None:
            raise ToonlabError(f"--metrics: {name} needs {lacking}")


def _leads(name: str, catalogue: Catalogue) -> bool:
    return bool(getattr(catalogue.get("metrics", name).factory, "leads", True))


def _lacking(part: Mapping[str, Any], data: EvaluationFolders, catalogue: Catalogue) -> str | None:
    """The option that a metric needs and was not given; None: it can be measured.

    Raises:
        ToonlabError: if the metric can't be made, such as one without its weights.
    """
    if data.cartoons is None and hasattr(catalogue.get("metrics", part["use"]).factory, "reference"):
        return "--cartoons"
    metric = catalogue.make("metrics", part["use"], **{key: value for key, value in part.items() if key != "use"})
    missing = sorted(metric.needs - data.fields.keys())
    return f"--truth, with {', '.join(missing)}" if missing else None


def _results(trained: Trained, recipe: Recipe) -> tuple[dict[str, float], dict[str, float]]:
    """The leading results of the pictures and of the untouched photos."""
    from toonlab.studies.results.tables import leading

    wanted = [part.use for part in recipe.evaluate.metrics]
    return leading(trained.outcome.metrics, wanted), leading(trained.outcome.photo, wanted)


def _print_table(trained: Trained, recipe: Recipe, catalogue: Catalogue) -> None:
    from toonlab.engine.evaluator import caveats
    from toonlab.registry.observers import Observers
    from toonlab.studies.results.tables import TableRow, show, with_photo

    ours, photo = _results(trained, recipe)
    rows = with_photo(photo, [TableRow(recipe.name, {metric: [value] for metric, value in ours.items()})])
    show(f"{recipe.name}, scored", rows, caveats(recipe.evaluate.metrics, catalogue), trained.outcome.measured)
    print(f"run:     {trained.run.directory}")
    observers = Observers({name: part.make(catalogue) for name, part in recipe.observers.items()})
    for line in observers.tell("where_to_look", run=trained.run):
        print(line)


def _print_json(trained: Trained, recipe: Recipe, catalogue: Catalogue) -> None:
    from toonlab.engine.evaluator import caveats

    outcome = trained.outcome
    results = {
        "pictures": recipe.name,
        "metrics": outcome.metrics,
        "photo": outcome.photo,
        "measured": outcome.measured,
        "caveats": caveats(recipe.evaluate.metrics, catalogue),
        "run": str(trained.run.directory),
    }
    print(json.dumps(results, indent=1))
