"""`toonlab sync`: observers complete from a run's directory what they have recorded of the run."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pluggy

from toonlab.errors import ToonlabError
from toonlab.registry.catalogue import Catalogue, discover
from toonlab.registry.hookspecs import ObserverHooks
from toonlab.registry.observers import Observers, Outcome, Run, with_tracking_uri
from toonlab.utils import yaml

from .directory import read_outcome

_NAME = re.compile(r"(?P<recipe>.+)-s(?P<seed>\d+)-(?P<hash>[0-9a-f]{8})")


@dataclass(frozen=True)
class Synced:
    """What an observer reports about a run; `error` if it could not complete the run."""

    run: Run
    line: str
    error: bool = False


def sync(paths: Sequence[Path], catalogue: Catalogue, tracking_uri: str | None = None) -> Iterator[Synced]:
    """Call `sync` of the observers in each run's own recipe.

    Args:
        paths: run directories, or folders of them: an experiment's, or that of all runs.
        tracking_uri: in place of the recipes' own, for observers that have such a parameter.

    Raises:
        ToonlabError: before any observer is called, if a path holds no run, a run can't be read, or no observer of
            the runs has the hook.
    """
    found = [read_run(directory) for path in paths for directory in directories(path)]
    calls = [(run, outcome, hook) for run, outcome in found for hook in _sync_hooks(run, catalogue, tracking_uri)]
    if not calls:
        names = sorted({name for run, _ in found for name in _observers(run)})
        raise ToonlabError(
            f"{paths[0]}: nothing to sync to: its observers ({', '.join(names) or 'none'}) record nothing that could "
            "be completed; add one that does to `observers` in its recipe.yaml"
        )
    return (_call(*call) for call in calls)


def _call(run: Run, outcome: Outcome | None, hook: pluggy.HookCaller) -> Synced:
    try:
        lines = [line for line in hook(run=run, outcome=outcome) if line]
    except ToonlabError as error:
        return Synced(run, str(error), error=True)
    except Exception as error:  # any failure of one observer leaves the others unaffected
        return Synced(run, f"{type(error).__name__}: {error}", error=True)
    return Synced(run, "; ".join(lines) or "complete")


def directories(path: Path) -> list[Path]:
    """The run directories at a path: itself, an experiment's, or those of all experiments.

    Raises:
        ToonlabError: if there is none.
    """
    for pattern in ("recipe.yaml", "*/recipe.yaml", "*/*/recipe.yaml"):
        if found := sorted(file.parent for file in path.glob(pattern)):
            return found
    if not path.exists():
        raise ToonlabError(f"{path}: no such directory")
    raise ToonlabError(f"{path}: no run here; give runs/<experiment>/<run>, an experiment's folder or that of all runs")


def read_run(directory: Path) -> tuple[Run, Outcome | None]:
    """A run as recorded in its directory, and how it ended; `identity` has the 8 digits of the directory's name.

    Raises:
        ToonlabError: if it is not a run's directory, or a file in it is damaged.
    """
    absolute = directory.resolve()
    name = _NAME.fullmatch(absolute.name)
    if name is None:
        raise ToonlabError(f"{directory}: not the directory of a run (runs/<experiment>/<recipe>-s<seed>-<hash>)")
    run = Run(
        root=absolute.parents[1],
        experiment=absolute.parent.name,
        recipe_name=name["recipe"],
        seed=int(name["seed"]),
        identity=name["hash"],
        recipe=yaml.load_file(directory / "recipe.yaml"),
        steps=0,
        environment=_read_environment(directory / "environment.json"),
    )
    return run, read_outcome(directory)


def _read_environment(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError) as error:
        raise ToonlabError(f"{path}: can't be read: {error}") from error


def observers_of(run: Run, catalogue: Catalogue, tracking_uri: str | None = None) -> Observers:
    """The observers in a run's own recipe.

    Raises:
        ToonlabError: if one of them can't be built.
    """
    return Observers(dict(_build(run, catalogue, tracking_uri)))


def tell_of_report(directory: Path, page: Path, tracking_uri: str | None = None) -> None:
    """Call `on_report` of the observers in a run's own recipe: a report on its study was written."""
    run, _ = read_run(directory)
    observers_of(run, discover(), tracking_uri).tell("on_report", run=run, path=page)


def _sync_hooks(run: Run, catalogue: Catalogue, tracking_uri: str | None) -> Iterator[pluggy.HookCaller]:
    """`sync` of each observer of the run that implements it."""
    for name, observer in _build(run, catalogue, tracking_uri):
        manager = pluggy.PluginManager("toonlab")
        manager.add_hookspecs(ObserverHooks)
        manager.register(observer, name)
        if manager.hook.sync.get_hookimpls():
            yield manager.hook.sync


def _build(run: Run, catalogue: Catalogue, tracking_uri: str | None) -> Iterator[tuple[str, object]]:
    for name, given in _observers(run).items():
        parameters = {"use": name, **(given or {})}
        try:
            use = parameters.pop("use")
            yield name, catalogue.make("observers", use, **with_tracking_uri(parameters, use, catalogue, tracking_uri))
        except ToonlabError as error:
            raise ToonlabError(f"{run.directory / 'recipe.yaml'}: {error}") from error


def _observers(run: Run) -> Mapping[str, dict[str, Any] | None]:
    """The parameters of each observer by name, as the recipe has them."""
    given = run.recipe.get("observers") or {}
    if not isinstance(given, dict) or not all(isinstance(part or {}, dict) for part in given.values()):
        text = "observers: expected names and their parameters, such as {progress: {}}"
        raise ToonlabError(f"{run.directory / 'recipe.yaml'}: {text}, got {given!r}")
    return given
