"""Train a recipe from Python, as `toonlab train` does."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from toonlab.engine import train as engine
from toonlab.errors import ToonlabError
from toonlab.recipes.load import from_data, load
from toonlab.recipes.spec import Recipe
from toonlab.registry.catalogue import Catalogue

from . import arguments
from .common import warned_catalogue
from .run import TrainedRun

RecipeLike = str | os.PathLike[str] | Mapping[str, Any]


def train(
    recipe: RecipeLike,
    /,
    *,
    at: str | os.PathLike[str] | Sequence[str | os.PathLike[str]] = (),
    name: str | None = None,
    experiment: str | None = None,
    runs: str | os.PathLike[str] = "runs",
    device: str = "auto",
    tracking_uri: str | None = None,
    **overrides: Any,
) -> TrainedRun:
    """Train a recipe to its end: the same run, in the same directory, as `toonlab train` with the same settings.

    A run that was stopped or killed continues from its last checkpoint; a finished run is not trained again. Training
    on several GPUs takes the command.

        toonlab.train("ctss", at="tiny", train={"steps": 40}, critics={"patch": {"sampler": {"k": 4}}})
        toonlab.train("ctss", at="tiny", **{"train.steps": 40, "critics.patch.sampler.k": 4})

    Args:
        recipe: a name that `toonlab recipes` lists, a path, or a recipe as data.
        at: files of overrides, such as `tiny`; each override applies where its path exists.
        name: of a recipe as data; by default the name of the recipe that it extends, or `recipe`.
        experiment: the folder within `runs`; by default the recipe's name.
        runs: the folder of all runs.
        device: `auto` (a GPU where there is one), `cpu`, `cuda:1`, …
        tracking_uri: where trackers keep the run, in place of the recipe's `tracking_uri`.
        overrides: changes to the recipe, each as `key=value` on the command line: dotted names, or sections with the
            values that change. None leaves a part out.

    Raises:
        RecipeError: with everything that is wrong, before anything is written.
        ToonlabError: if it can't continue; `DivergedError` if a loss is no longer a finite number.
        KeyboardInterrupt: after an interrupt, when everything is saved; the same call continues from there.
    """
    catalogue = warned_catalogue()
    loaded = load_recipe(recipe, catalogue, arguments.pairs(overrides), arguments.names(at), name)
    elsewhere = None if Path(runs) == Path("runs") else runs
    command = arguments.call(
        "train", recipe, {"at": at, "name": name, "experiment": experiment, "runs": elsewhere}, overrides
    )
    trained = engine.train(loaded, catalogue, Path(runs), experiment, device, command, tracking_uri=tracking_uri)
    return TrainedRun.of(trained.run, trained.reused, catalogue)


def load_recipe(
    recipe: RecipeLike,
    catalogue: Catalogue,
    overrides: Sequence[str | tuple[str, Any]] = (),
    at: Sequence[str] = (),
    name: str | None = None,
) -> Recipe:
    """The recipe, complete and checked.

    Args:
        overrides: `train.steps=400`, or the same as a pair.

    Raises:
        RecipeError: with everything that is wrong.
    """
    if not isinstance(recipe, Mapping):
        if name is not None:
            raise ToonlabError(f"name: a recipe as data has one; {os.fspath(recipe)} is called as its file")
        return load(os.fspath(recipe), catalogue, overrides, at)
    data, parent = arguments.plain(recipe, "recipe"), recipe.get("extends")
    own = name or (Path(parent).stem if isinstance(parent, str) else "recipe")
    if not own.strip() or own.startswith(".") or "/" in own or "\\" in own:
        raise ToonlabError(f"name: {own!r} can't name a folder of runs; give another name")
    return from_data(data, own, catalogue, overrides, at)
