"""The command `toonlab score`: folders of pictures, measured by all metrics that apply to them."""

import json
import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from toonlab import Catalogue, Results, ToonlabError, TrainedRun, compare, discover, nearest, open_run, train

from .folders import EvaluationFolders, usable

_STUDY = "score"  # the folder of the runs, and the default name of a study


def score(
    pictures: Annotated[list[Path], typer.Argument(help="Folders of pictures, or .onnx files, one for each program.")],
    photos: Annotated[
        Path | None, typer.Option(help="Folder of the photos that they were made from; left out, sets are compared.")
    ] = None,
    cartoons: Annotated[Path | None, typer.Option(help="Folder of real cartoons, of any scenes.")] = None,
    truth: Annotated[
        Path | None, typer.Option(help="Folder of the true cartoons, or of folders cartoon, outline, flat, regions.")
    ] = None,
    fit: Annotated[
        Literal["resize", "crop", "error"],
        typer.Option(help="What becomes of pictures of another size than their photo's."),
    ] = "resize",
    match: Annotated[
        list[str] | None,
        typer.Option(help="The pictures' names by the photos': '{stem}_out'. Once, or once for each folder."),
    ] = None,
    metrics: Annotated[str | None, typer.Option(help="Such as lines,psnr; left out, all that apply.")] = None,
    weights: Annotated[
        Path | None, typer.Option(help="Of Inception, for kid and fid; left out, those in torch's cache.")
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="What the pictures, or the study of several folders, are called.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON in place of the table.")] = False,
    runs: Annotated[Path, typer.Option(help="The folder of all runs.")] = Path("runs"),
    tracking_uri: Annotated[str | None, typer.Option(help="Where MLflow keeps the run.")] = None,
) -> None:
    """Score pictures against their photos, against real cartoons, and against the truth, as far as they are given.

    Several folders become one table and one report, with the same photos side by side.
    """
    if photos is None:
        _check_without_photos(pictures, cartoons, {"--truth": truth, "--match": match})
    catalogue, folders = discover(), _named(pictures)
    data = {
        called: EvaluationFolders(photos, cartoons, truth, None if photos else folder)
        for called, folder in folders.items()
    }
    chosen = list(_chosen(metrics, next(iter(data.values())), weights, catalogue))
    recipes = {}
    for (called, folder), pattern in zip(folders.items(), _patterns(match, len(folders)), strict=True):
        network = _network(folder, fit, pattern)
        recipes[called] = _recipe(called, data[called], network, chosen, tracking_uri)
    shown, scored = _scored(recipes, runs, name, seeds=2 if truth else 1)
    if as_json:
        results = [_results(one, called, chosen, catalogue) for called, one in scored.items()]
        print(json.dumps(results if len(folders) > 1 else results[0], indent=1))
    else:
        shown.show()
    if len(scored) < len(folders):
        raise typer.Exit(1)


def _scored(
    recipes: Mapping[str, Any], runs: Path, name: str | None, seeds: int
) -> tuple[TrainedRun | Results, dict[str, TrainedRun]]:
    """Measure: one recipe by a run, several by a study; what shows the scores, and the runs that have finished."""
    if len(recipes) == 1:
        ((called, recipe),) = recipes.items()
        run = train(recipe, name=name or called, experiment=_STUDY, runs=runs, device="cpu")
        return run, {name or called: run}
    study = _compared(recipes, runs, name or _STUDY, seeds)
    finished = {cell.variant.recipe: cell.run for cell in study.cells if cell.status == "finished"}
    return study, {called: open_run(study.directory / run) for called, run in finished.items()}


def _network(source: Path, fit: str, match: str) -> dict[str, str]:
    """The generator that stands for a folder of pictures or an ONNX file."""
    if source.suffix == ".onnx":
        return {"use": "onnx", "path": str(source)}
    usable(source)
    return {"use": "pictures", "path": str(source), "fit": fit, "match": match}


def _recipe(
    called: str,
    data: EvaluationFolders,
    network: Mapping[str, Any],
    metrics: list[dict[str, str]],
    tracking_uri: str | None,
) -> dict[str, Any]:
    """A recipe that trains nothing, and measures a folder's pictures."""
    evaluate = {"samples": len(data.evaluation()), "cartoons": len(data.evaluation_cartoons() or [None])}
    return {
        "about": f"{called}, made by another program",
        "data": {"use": "evaluation_folders", **_given(asdict(data))},
        "generator": {"network": network},
        "evaluate": {"metrics": metrics, **evaluate},
        "observers": {"mlflow": {"tracking_uri": tracking_uri}},
    }


def _check_without_photos(pictures: Sequence[Path], cartoons: Path | None, others: Mapping[str, object]) -> None:
    """Raise a `ToonlabError` for what makes no sense without photos."""
    for source in pictures:
        if source.suffix == ".onnx":
            raise ToonlabError(f"{source}: a network needs photos to draw; give --photos")
    for option, value in others.items():
        if value is not None:
            raise ToonlabError(f"{option}: it goes by the names of the photos; give --photos, too")
    if cartoons is None:
        raise ToonlabError("nothing to compare the pictures with; give --photos, --cartoons, or both")


def _patterns(given: Sequence[str] | None, count: int) -> Sequence[str]:
    """How the pictures of each folder are named."""
    patterns = given or ["{stem}"]
    if len(patterns) not in (1, count):
        raise ToonlabError(f"--match: got {len(patterns)}, expected 1, or {count}: one for each folder")
    return [*patterns] * (count // len(patterns))


def _named(folders: Sequence[Path]) -> dict[str, Path]:
    """The folders by their names; those with the same name by as much of their paths as tells them apart."""
    parts = {folder.resolve(): folder.resolve().parts[1:] for folder in folders}
    if len(parts) < len(folders):
        raise ToonlabError("a folder of pictures is given twice; give each once")
    for length in range(1, max(map(len, parts.values())) + 1):
        named = {"-".join(own[-length:]): folder for folder, own in zip(folders, parts.values(), strict=True)}
        if len(named) == len(folders):
            break
    return named


def _compared(recipes: Mapping[str, Any], runs: Path, study: str, seeds: int) -> Results:
    """A comparison of the recipes; its file and theirs are kept in its directory, from which `compare` repeats it.

    Two seeds, whose runs are equal, tell that nothing is random: words then rest on the scenes.
    """
    if Path(study).name != study or study.startswith("."):
        raise ToonlabError(f"--name: {study!r} can't name a folder of runs; give another name")
    files = {f"recipes{os.sep}{called}.yaml": recipe for called, recipe in recipes.items()}
    experiment = {"about": "pictures that other programs made", "recipes": list(files), "seeds": seeds}
    for name, data in {**files, "experiment.yaml": experiment}.items():
        path = runs / study / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(data, indent=1), encoding="utf-8")
    return compare(runs / study / "experiment.yaml", runs=runs, device="cpu")


def _given(folders: Mapping[str, Path | None]) -> dict[str, str]:
    return {role: str(path) for role, path in folders.items() if path is not None}


def _results(run: TrainedRun, called: str, chosen: list[dict[str, str]], catalogue: Catalogue) -> dict[str, Any]:
    """What `--json` prints."""
    outcome = run.outcome
    assert outcome is not None  # it has finished
    caveats = {part["use"]: _attribute(part["use"], "caveat", "", catalogue) for part in chosen}
    return {
        "pictures": called,
        "metrics": outcome.metrics,
        "photo": outcome.photo,
        "measured": outcome.measured,
        "caveats": {name: caveat for name, caveat in caveats.items() if caveat},
        "run": str(run.directory),
    }


def _chosen(
    wanted: str | None, data: EvaluationFolders, weights: Path | None, catalogue: Catalogue
) -> Iterator[dict[str, str]]:
    """The named metrics; by default all that these folders allow, without those whose weights are missing (warned of).

    Raises:
        ToonlabError: if a named metric does not exist, lacks its weights, or needs a folder that was not given.
    """
    names = sorted(catalogue.names("metrics"), key=lambda name: not _attribute(name, "leads", True, catalogue))
    without_photos = []
    for name in names if wanted is None else wanted.split(","):
        if name not in names:
            raise ToonlabError(f"--metrics: {name!r}: no such metric; {nearest(name, names)}")
        options = {"weights": str(weights)} if weights is not None and name in ("kid", "fid") else {}
        try:
            lacking = _lacking(name, options, data, catalogue)
        except ToonlabError as error:
            if wanted is not None or options:
                raise
            warnings.warn(f"left out: {error}", RuntimeWarning, stacklevel=2)
            continue
        few = _too_few(name, data, catalogue) if wanted is None and lacking is None else None
        if few:
            warnings.warn(f"left out: {few}", RuntimeWarning, stacklevel=2)
        elif lacking is None:
            yield {"use": name, **options}
        elif wanted is not None:
            raise ToonlabError(f"--metrics: {name} needs {lacking}")
        elif lacking == "--photos":
            without_photos.append(name)
    if without_photos:
        warnings.warn(f"left out, for want of --photos: {', '.join(without_photos)}", RuntimeWarning, stacklevel=2)


def _lacking(name: str, options: Mapping[str, str], data: EvaluationFolders, catalogue: Catalogue) -> str | None:
    """The missing option that a metric needs; None if it can be measured.

    Raises:
        ToonlabError: if the metric can't be made, for example because its weights are missing.
    """
    of_sets = bool(_attribute(name, "reference", None, catalogue))
    if of_sets and data.cartoons is None:
        return "--cartoons"
    metric = catalogue.make("metrics", name, **options)
    if (stream := getattr(metric, "of", "fake")) != "fake":
        return f"a training, which alone makes the stream {stream!r}"
    if missing := sorted(metric.needs - data.fields.keys()):
        return f"--truth, with {', '.join(missing)}"
    return "--photos" if data.photos is None and not of_sets else None


def _too_few(name: str, data: EvaluationFolders, catalogue: Catalogue) -> str | None:
    """What is wrong with the number of pictures for a metric of sets; None if there are enough."""
    least, counts = _attribute(name, "least", 0, catalogue), [len(data.evaluation())]
    counts += [len(data.evaluation_cartoons() or ())] if least else []
    return f"{name} needs at least {least} pictures, got {min(counts)}" if min(counts) < least else None


def _attribute(name: str, attribute: str, default: Any, catalogue: Catalogue) -> Any:
    """An attribute of the class of a metric, such as `leads`."""
    return getattr(catalogue.get("metrics", name).factory, attribute, default)
