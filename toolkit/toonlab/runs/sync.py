"""`toonlab sync`: observers complete their records of a run from its directory, which is the truth."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pluggy

from toonlab.errors import ToonlabError
from toonlab.registry.catalogue import Catalogue, discover
from toonlab.registry.observers import Observers, hook_manager
from toonlab.types import Outcome, Run
from toonlab.utils import yaml

from .directory import read_environment, read_outcome

NAME = re.compile(r"(?P<recipe>.+)-s(?P<seed>\d+)-(?P<hash>[0-9a-f]{8})")


@dataclass(frozen=True)
class Synced:
    """An observer's line about a run; `error` if it could not complete its record."""

    run: Run
    line: str
    error: bool = False


def sync(paths: Sequence[Path], catalogue: Catalogue, tracking_uri: str | None = None) -> Iterator[Synced]:
    """Let the observers of each run's own recipe complete their records.

    Args:
        paths: run directories, or folders of them: an experiment's, or that of all runs.
        tracking_uri: where observers record the runs, in place of what the recipes say.

    Raises:
        ToonlabError: before anything is done, if a path holds no run, a run can't be read, or no observer can sync.
    """
    found = [read_run(directory) for path in paths for directory in directories(path)]
    able = [(run, outcome, hook) for run, outcome in found for hook in _hooks(run, catalogue, tracking_uri)]
    if not able:
        names = sorted({name for run, _ in found for name in _observers(run)})
        raise ToonlabError(
            f"{paths[0]}: nothing to sync to: its observers ({', '.join(names) or 'none'}) record nothing that could "
            "be completed; add one that does to `observers` in its recipe.yaml"
        )
    return (_synced(*one) for one in able)


def _synced(run: Run, outcome: Outcome | None, hook: pluggy.HookCaller) -> Synced:
    try:
        answers = [line for line in hook(run=run, outcome=outcome) if line]
    except ToonlabError as error:
        return Synced(run, str(error), error=True)
    except Exception as error:  # an observer's error must not keep the others from their sync
        return Synced(run, f"{type(error).__name__}: {error}", error=True)
    return Synced(run, "; ".join(answers) or "complete")


def directories(path: Path) -> list[Path]:
    """The run directories at a path: itself, an experiment's, or those of all experiments.

    Raises:
        ToonlabError: if there is none.
    """
    patterns = ("recipe.yaml", "*/recipe.yaml", "*/*/recipe.yaml")
    for pattern in patterns:
        if found := sorted(file.parent for file in path.glob(pattern)):
            return found
    raise ToonlabError(
        f"{path}: no run here; give runs/<experiment>/<run>, an experiment's folder or that of all runs"
        if path.exists()
        else f"{path}: no such directory"
    )


def read_run(directory: Path) -> tuple[Run, Outcome | None]:
    """The run of a directory, and its outcome; the identity is shortened to the eight digits of the directory's name.

    Raises:
        ToonlabError: if it is no run's directory, or a file of it is damaged.
    """
    where = directory.resolve()
    name = NAME.fullmatch(where.name)
    if name is None:
        raise ToonlabError(f"{directory}: not the directory of a run (runs/<experiment>/<recipe>-s<seed>-<hash>)")
    recipe, outcome = yaml.load_file(directory / "recipe.yaml"), read_outcome(directory)
    environment = read_environment(directory)
    root, experiment = where.parents[1], where.parent.name
    return Run(root, experiment, name["recipe"], int(name["seed"]), name["hash"], recipe, 0, environment), outcome


def make_observers(
    given: Mapping[str, Mapping[str, Any]], catalogue: Catalogue, tracking_uri: str | None = None
) -> dict[str, Any]:
    """Make the observers of a recipe's section `observers`, as plain data.

    Args:
        given: name -> parameters, with `use` where the name is not the observer's own.
        catalogue: of parts.
        tracking_uri: the `tracking_uri` of each observer that has this parameter, in place of its own. The recipe,
            which is written to the run's directory and into its weights, stays as it is: a URI may hold a password.
    """
    made = {}
    for name, part in given.items():
        parameters = {"use": name, **(part or {})}
        use = parameters.pop("use")
        if tracking_uri is not None and "tracking_uri" in catalogue.get("observers", use).schema.parameters:
            parameters["tracking_uri"] = tracking_uri
        made[name] = catalogue.make("observers", use, **parameters)
    return made


def observers_of(run: Run, catalogue: Catalogue, tracking_uri: str | None = None) -> Observers:
    """The observers of a run's own recipe.

    Raises:
        ToonlabError: if one of them can't be made.
    """
    return Observers(_made(run, catalogue, tracking_uri))


def notify_of_report(
    directory: Path, page: Path, catalogue: Catalogue | None = None, tracking_uri: str | None = None
) -> None:
    """Notify the observers of a run's own recipe of a report that was written on its study."""
    run, _ = read_run(directory)
    observers_of(run, catalogue or discover(), tracking_uri).notify("on_report", run=run, path=page)


def _hooks(run: Run, catalogue: Catalogue, tracking_uri: str | None) -> Iterator[pluggy.HookCaller]:
    """The `sync` hooks of the observers of the run's recipe."""
    for name, observer in _made(run, catalogue, tracking_uri).items():
        hook = hook_manager({name: observer}).hook.sync
        if hook.get_hookimpls():
            yield hook


def _made(run: Run, catalogue: Catalogue, tracking_uri: str | None) -> dict[str, Any]:
    try:
        return make_observers(_observers(run), catalogue, tracking_uri)
    except ToonlabError as error:
        raise ToonlabError(f"{run.directory / 'recipe.yaml'}: {error}") from error


def _observers(run: Run) -> Mapping[str, Any]:
    given = run.recipe.get("observers") or {}
    if not isinstance(given, dict) or not all(isinstance(part or {}, dict) for part in given.values()):
        text = "observers: expected names and their parameters, such as {progress: {}}"
        raise ToonlabError(f"{text}, got {given!r}")
    return given
