"""Comparisons and searches from Python, as `toonlab compare` and `toonlab tune` do them."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from toonlab.errors import ToonlabError
from toonlab.registry.catalogue import Catalogue
from toonlab.report import write_report
from toonlab.runs.directory import make_directory, write_atomically
from toonlab.runs.sync import notify_of_report
from toonlab.studies import compare as comparing
from toonlab.studies.executors.display import display
from toonlab.studies.executors.fork_server import call_preloaded
from toonlab.studies.executors.options import ExecutionOptions
from toonlab.studies.results import results as studies
from toonlab.utils import yaml

from . import arguments, console
from .common import catalogue, tracked_at
from .results import Results

ExperimentLike = str | os.PathLike[str] | Mapping[str, Any]


def compare(
    experiment: ExperimentLike,
    /,
    *,
    seeds: int | None = None,
    jobs: int | None = None,
    name: str | None = None,
    runs: str | os.PathLike[str] = "runs",
    device: str = "auto",
    storage: str | None = None,
    tracking_uri: str | None = None,
    **overrides: Any,
) -> Results:
    """Compare recipes over seeds, as `toonlab compare` does, and write the report; finished cells are not run again.

        toonlab.compare({"recipes": ["ctss", "plain"], "at": "tiny"}, name="mine", seeds=3, train={"steps": 40})

    Each cell runs in a process of its own, which knows installed plugins only, not what a notebook defines.

    Args:
        experiment: a name that `toonlab recipes` lists, a path, or an experiment as data, with the keys of a file.
        seeds: how many, instead of the experiment's.
        jobs: cells at once; by default one for each GPU, or one on a CPU.
        name: what an experiment as data is called: its directory is `runs/<name>`, which then has it as
            `experiment.yaml`.
        runs: the folder of all runs.
        device: `auto` (all GPUs, or the CPU), `cpu`, `cuda:1`, …
        storage: an Optuna storage by which several machines share the work.
        tracking_uri: where trackers keep the runs, instead of what recipes say.
        overrides: for the recipes that have the path; see `toonlab.train`.

    Raises:
        RecipeError: with everything that is wrong, before anything runs.
        ToonlabError: if the storage can't be reached.
        KeyboardInterrupt: after an interrupt, when the cells under way have saved; the same call goes on from there.
    """
    if seeds is not None and seeds < 1:
        raise ToonlabError(f"seeds: got {seeds}, expected 1 or more")
    asked = _Asked("compare", experiment, name, Path(runs), device, jobs, storage, overrides)
    options, parts = asked.options({"seeds": seeds}), catalogue()
    with tracked_at(tracking_uri):
        overrides = dict(asked.pairs)
        found = comparing.compare(asked.source, parts, options, seeds=seeds, overrides=overrides, display=display())
        return _told(found, parts, device)


def tune(
    experiment: ExperimentLike,
    /,
    *,
    trials: int | None = None,
    jobs: int | None = None,
    name: str | None = None,
    runs: str | os.PathLike[str] = "runs",
    device: str = "auto",
    storage: str | None = None,
    tracking_uri: str | None = None,
    **overrides: Any,
) -> Results:
    """Search what a recipe does best with, as `toonlab tune` does, confirm it on fresh seeds, and write the report.

    A search that was stopped goes on. `Results.search` has its trials; the cells are those of the confirmation.

    Args:
        experiment: a name, a path, or a search as data.
        trials: how many, instead of the experiment's.
        jobs: runs at once; this and the rest as for `toonlab.compare`.

    Raises:
        RecipeError: with everything that is wrong, before anything runs.
        ToonlabError: if the storage can't be reached.
        KeyboardInterrupt: after an interrupt, when the runs under way have saved; the same call goes on from there.
    """
    if trials is not None and trials < 1:
        raise ToonlabError(f"trials: got {trials}, expected 1 or more")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "IProgress not found")  # of optuna's own progress bar, in a notebook
        from toonlab.studies import tune as tuning
    asked = _Asked("tune", experiment, name, Path(runs), device, jobs, storage, overrides)
    options, parts = asked.options({"trials": trials}), catalogue()
    with tracked_at(tracking_uri):
        overrides = dict(asked.pairs)
        found = tuning.tune(asked.source, parts, options, trials=trials, overrides=overrides, display=display())
        return _told(found, parts, device)


class _Asked:
    """What was asked for, as the command would have been: an experiment's name or file, and overrides as pairs."""

    def __init__(
        self,
        command: str,
        experiment: ExperimentLike,
        name: str | None,
        runs: Path,
        device: str,
        jobs: int | None,
        storage: str | None,
        overrides: Mapping[str, Any],
    ) -> None:
        if jobs is not None and jobs < 1:
            raise ToonlabError(f"jobs: got {jobs}, expected 1 or more")
        self.command, self.pairs = command, arguments.pairs(overrides)
        self.runs, self.device, self.jobs, self.storage = runs, device, jobs, storage
        self.source = source_of(experiment, name, runs)

    def options(self, options: Mapping[str, Any]) -> ExecutionOptions:
        runs = None if self.runs == Path("runs") else self.runs
        line = arguments.command_line(self.command, self.source, {**options, "runs": runs}, self.pairs)
        return ExecutionOptions(self.runs, self.device, self.jobs, self.storage, command=line)


def source_of(experiment: ExperimentLike, name: str | None, runs: Path) -> str:
    """The name or the file of an experiment; one as data becomes a file in its study's directory."""
    if not isinstance(experiment, Mapping):
        if name is not None:
            raise ToonlabError(f"name: an experiment as data has one; {os.fspath(experiment)} is called as its file")
        return os.fspath(experiment)
    if name is None or not re.fullmatch(r"[^/\\.][^/\\]*", name):
        raise ToonlabError(f"name: got {name!r}; an experiment as data needs one, which its directory is called")
    data = arguments.plain(experiment, name)
    make_directory(runs / name)
    path = runs / name / "experiment.yaml"
    write_atomically(path, yaml.dump(data))
    return str(path)


def conclude(results: studies.Results, parts: Catalogue, device: str) -> None:
    """Write the report of a study of which something has finished, and tell the observers of it."""
    if not any(cell.status == "finished" for cell in results.cells):
        return
    page = write_report(results)
    if last := console.last_run(results):
        call_preloaded(notify_of_report, last, page)


def _told(results: studies.Results, parts: Catalogue, device: str) -> Results:
    conclude(results, parts, device)
    if lost := results.failed:
        text = f"{len(lost)} of {len(results.cells)} runs failed, the first: {lost[0].label}: {lost[0].reason}"
        warnings.warn(f"{text}; `failed` has them all, with the ends of their logs", RuntimeWarning, stacklevel=3)
    return Results.from_study(results)
