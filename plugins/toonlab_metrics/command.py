"""The command `toonlab score`: any folder of pictures, measured by all metrics that apply to it."""

import json
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from toonlab import Catalogue, ToonlabError, TrainedRun, discover, nearest, train

from .folders import EvaluationFolders, usable


def score(
    pictures: Annotated[Path, typer.Argument(help="Folder of the pictures, named as their photos.")],
    photos: Annotated[Path, typer.Option(help="Folder of the photos that they were made from.")],
    cartoons: Annotated[Path | None, typer.Option(help="Folder of real cartoons, of any scenes.")] = None,
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
    catalogue, called = discover(), name or pictures.resolve().name
    data = EvaluationFolders(photos, cartoons, truth)
    chosen = list(_chosen(metrics, data, weights, catalogue))
    usable(pictures)
    recipe = {
        "about": f"{called}, made by another program",
        "data": {"use": "evaluation_folders", **_given(photos=photos, cartoons=cartoons, truth=truth)},
        "generator": {"network": {"use": "pictures", "path": pictures}},
        "evaluate": {
            "metrics": chosen,
            "samples": len(data.evaluation()),
            "cartoons": len(data.evaluation_cartoons() or [None]),
        },
        "observers": {"mlflow": {"tracking_uri": tracking_uri}},
    }
    run = train(recipe, name=called, experiment="score", runs=runs, device="cpu")
    if as_json:
        print(json.dumps(_results(run, called, chosen, catalogue), indent=1))
    else:
        run.show()


def _given(**folders: Path | None) -> dict[str, Path]:
    return {role: path for role, path in folders.items() if path is not None}


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
    for name in names if wanted is None else wanted.split(","):
        if name not in names:
            raise ToonlabError(f"--metrics: {name!r}: no such metric; {nearest(name, names)}")
        options = {"weights": str(weights)} if weights is not None and name in ("kid", "fid") else {}
        try:
            lacking = _lacking(name, options, data, catalogue)
        except ToonlabError as error:
            if wanted is not None or weights is not None:
                raise
            warnings.warn(f"left out: {error}", RuntimeWarning, stacklevel=2)
            continue
        if lacking is None:
            yield {"use": name, **options}
        elif wanted is not None:
            raise ToonlabError(f"--metrics: {name} needs {lacking}")


def _lacking(name: str, options: Mapping[str, str], data: EvaluationFolders, catalogue: Catalogue) -> str | None:
    """The missing option that a metric needs; None if it can be measured.

    Raises:
        ToonlabError: if the metric can't be made, for example because its weights are missing.
    """
    if data.cartoons is None and _attribute(name, "reference", None, catalogue):
        return "--cartoons"
    missing = sorted(catalogue.make("metrics", name, **options).needs - data.fields.keys())
    return f"--truth, with {', '.join(missing)}" if missing else None


def _attribute(name: str, attribute: str, default: Any, catalogue: Catalogue) -> Any:
    """An attribute of the class of a metric, such as `leads`."""
    return getattr(catalogue.get("metrics", name).factory, attribute, default)
