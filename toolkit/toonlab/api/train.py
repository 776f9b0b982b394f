"""Train a recipe from Python, as `toonlab train` does."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from toonlab.engine.train import train as train_recipe
from toonlab.errors import ToonlabError
from toonlab.recipes.load import from_data, load
from toonlab.recipes.spec import Recipe
from toonlab.registry.catalogue import Catalogue

from . import arguments
from .common import catalogue, tracked_at
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

    A run that was stopped or killed goes on from its last checkpoint; one that has finished is not run again. For
    several GPUs there is the command.

        toonlab.train("ctss", at="tiny", train={"steps": 40}, critics={"patch": {"sampler": {"k": 4}}})
        toonlab.train("ctss", at="tiny", **{"train.steps": 40, "critics.patch.sampler.k": 4})

    Args:
        recipe: a name that `toonlab recipes` lists, a path, or a recipe as data.
        at: files of overrides laid over it, such as `tiny`, each applied where its path exists.
        name: what a recipe as data is called; by default as what it extends, or `recipe`.
        experiment: the folder within `runs`; by default called as the recipe.
        runs: the folder of all runs.
        device: `auto` (a GPU where there is one), `cpu`, `cuda:1`, …
        tracking_uri: where trackers keep the run, instead of what the recipe says.
        overrides: what is different, each as `key=value` on the command line: dotted names, or sections with what is
            different in them. None leaves a part out.

    Raises:
        RecipeError: with everything that is wrong, before anything is written.
        ToonlabError: if it can't go on; `DivergedError` if a loss is no longer a finite number.
        KeyboardInterrupt: after an interrupt, when everything is saved; the same call goes on from there.
    """
    parts, pairs, overlays = catalogue(), arguments.pairs(overrides), arguments.names(at)
    loaded = loaded_from(recipe, name, parts, pairs, overlays)
    if isinstance(recipe, Mapping):
        command = f"toonlab.train({{…}}, name={loaded.name!r})"
    else:
        elsewhere = None if Path(runs) == Path("runs") else os.fspath(runs)
        command = arguments.command_line("train", os.fspath(recipe), {"at": overlays, "runs": elsewhere}, pairs)
    with tracked_at(tracking_uri):
        trained = train_recipe(loaded, parts, Path(runs), experiment, distributed=device, command=command)
    return TrainedRun.of(trained.run, trained.reused)


def loaded_from(
    recipe: RecipeLike, name: str | None, parts: Catalogue, pairs: Sequence[tuple[str, Any]], at: Sequence[str]
) -> Recipe:
    """The recipe, complete and checked."""
    if not isinstance(recipe, Mapping):
        if name is not None:
            raise ToonlabError(f"name: a recipe as data has one; {os.fspath(recipe)} is called as its file")
        return load(os.fspath(recipe), parts, pairs, at)
    data, parent = arguments.plain(recipe, "recipe"), recipe.get("extends")
    own = name or (Path(parent).stem if isinstance(parent, str) else "recipe")
    if not own.strip() or own.startswith(".") or "/" in own or "\\" in own:
        raise ToonlabError(f"name: {own!r} can't name a folder of runs; give another name")
    return from_data(data, own, parts, pairs, at)
