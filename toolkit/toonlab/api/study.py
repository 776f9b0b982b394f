"""Comparisons and searches from Python, as `toonlab compare` and `toonlab tune` do them."""

import os
import re
import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from toonlab.errors import ToonlabError
from toonlab.registry.catalogue import Catalogue
from toonlab.runs.directory import make_directory, write_atomically
from toonlab.studies import compare as comparisons
from toonlab.studies.executors.display import display
from toonlab.studies.executors.options import ExecutionOptions
from toonlab.utils import yaml

from . import arguments
from .common import warned_catalogue
from .results import Results, conclude

ExperimentLike = str | os.PathLike[str] | Mapping[str, Any]


def compare(
    experiment: ExperimentLike,
    /,
    *,
    seeds: int | None = None,
    until_decided: bool = False,
    register: bool = False,
    jobs: int | None = None,
    name: str | None = None,
    runs: str | os.PathLike[str] = "runs",
    device: str | None = None,
    executor: Mapping[str, Any] | None = None,
    tracking_uri: str | None = None,
    **overrides: Any,
) -> Results:
    """Compare recipes over seeds, as `toonlab compare` does, and write the report; finished cells are not run again.

        toonlab.compare({"recipes": ["ctss", "plain"], "at": "tiny"}, name="mine", seeds=3, train={"steps": 40})

    Each cell runs in a process of its own, which sees installed plugins only, not what a notebook defines.

    Args:
        experiment: a name that `toonlab recipes` lists, a path, or an experiment as data, with the keys of a file.
        seeds: how many, instead of the experiment's.
        until_decided: add seeds until no comparison is undecided, as an experiment with `decide` does.
        register: write down first what is compared; the report says whether it was kept.
        jobs: cells at once; by default one for each GPU, or one on a CPU.
        name: of an experiment as data: its directory is `runs/<name>`, which keeps the data as `experiment.yaml`.
        runs: the folder of all runs.
        device: `auto` (all GPUs, or the CPU), `cpu`, `cuda:1`, …
        executor: where the cells run, in place of what the experiment says: `{"use": "dask", "scheduler": "tcp://…"}`.
        tracking_uri: where trackers keep the runs, in place of the recipes' `tracking_uri`.
        overrides: for the recipes that have the path; see `toonlab.train`.

    Raises:
        RecipeError: with everything that is wrong, before anything runs.
        ToonlabError: if the executor can't be reached.
        KeyboardInterrupt: after an interrupt, when the running cells have saved; the same call continues from there.
    """
    options = ExecutionOptions(Path(runs), executor or {}, _given(jobs=jobs, device=device), tracking_uri=tracking_uri)
    known: dict[str, Any] = {"seeds": seeds, "until_decided": until_decided, "register": register}
    return _run("compare", experiment, name, known, overrides, options)


def tune(
    experiment: ExperimentLike,
    /,
    *,
    trials: int | None = None,
    until_decided: bool = False,
    save: str | None = None,
    jobs: int | None = None,
    name: str | None = None,
    runs: str | os.PathLike[str] = "runs",
    device: str | None = None,
    executor: Mapping[str, Any] | None = None,
    storage: str | None = None,
    tracking_uri: str | None = None,
    **overrides: Any,
) -> Results:
    """Search recipes' best parameters, as `toonlab tune` does, confirm them on fresh seeds, and write the report.

    A search that was stopped continues. `Results.searches` has the trials of each recipe; the cells are those of the
    confirmation.

    Args:
        experiment: a name, a path, or a search as data.
        trials: how many for each recipe, in place of the experiment's budget.
        until_decided: add seeds to the confirmation until no comparison is undecided.
        save: write each winner as a recipe, `baselines/NAME.yaml`, or `baselines/NAME_RECIPE.yaml` of several.
        jobs: runs at once; this and all other arguments as for `toonlab.compare`.
        storage: any that Optuna takes, in place of a file in the study's directory: for a dashboard that others see.

    Raises: as `toonlab.compare`.
    """
    options = ExecutionOptions(Path(runs), executor or {}, _given(jobs=jobs, device=device), tracking_uri=tracking_uri)
    known = {"trials": trials, "until_decided": until_decided, "save": save, "storage": storage}
    return _run("tune", experiment, name, known, overrides, options)


def _given(**parameters: Any) -> dict[str, Any]:
    return {name: value for name, value in parameters.items() if value is not None}


def _run(
    function: Literal["compare", "tune"],
    experiment: ExperimentLike,
    name: str | None,
    known: Mapping[str, Any],
    overrides: Mapping[str, Any],
    options: ExecutionOptions,
) -> Results:
    counts = {argument: known[argument] for argument in ("seeds", "trials") if argument in known}
    for argument, number in {**counts, "jobs": options.parameters.get("jobs")}.items():
        if number is not None and number < 1:
            raise ToonlabError(f"{argument}: got {number}, expected 1 or more")
    catalogue, changes = warned_catalogue(stacklevel=4), dict(arguments.pairs(overrides))
    given = {argument: value or None for argument, value in known.items() if argument != "storage"}
    elsewhere = None if options.runs == Path("runs") else options.runs
    command = arguments.call(function, experiment, {"name": name, **given, "runs": elsewhere}, overrides)
    run: Callable[..., Results] = run_comparison if function == "compare" else run_search
    source = source_of(experiment, name, options.runs)
    results = run(source, catalogue, replace(options, command=command), overrides=changes, **known)
    conclude(results, options.tracking_uri)
    if failed := results.failed:
        text = f"{len(failed)} of {len(results.cells)} runs failed, the first: {failed[0].label}: {failed[0].reason}"
        warnings.warn(f"{text}; `failed` has them all, with the ends of their logs", RuntimeWarning, stacklevel=3)
    return results


def source_of(experiment: ExperimentLike, name: str | None, runs: Path) -> str:
    """The name or the path of an experiment; an experiment as data is written to a file in its study's directory."""
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


# -- steps of a study, for the functions above and for the command line


def run_comparison(
    experiment: str,
    catalogue: Catalogue,
    options: ExecutionOptions,
    **known: Any,
) -> Results:
    """Run the cells of a comparison; `api.results.conclude` writes its report. `known`: see `studies.compare`."""
    found = comparisons.compare(experiment, catalogue, options, display=display(), **known)
    return Results.from_study(found, catalogue)


def run_search(
    experiment: str,
    catalogue: Catalogue,
    options: ExecutionOptions,
    **known: Any,
) -> Results:
    """Run a search and its confirmation; `api.results.conclude` writes its report. `known`: see `studies.tune`."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "IProgress not found")  # of optuna's own progress bar, in a notebook
        from toonlab.studies import tune as searches
    found = searches.tune(experiment, catalogue, options, display=display(), **known)
    return Results.from_study(found, catalogue)


def saved(experiment: str, name: str) -> list[Path]:
    """The recipes that a search has saved under a name."""
    from toonlab.studies import saving
    from toonlab.studies.plan.search import read_search

    return [file for file in saving.targets(read_search(experiment)[0], name) if file.exists()]
