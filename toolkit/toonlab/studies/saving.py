"""The winners of a search as recipes of their own, which extend the recipes that were searched."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from toonlab.errors import ToonlabError
from toonlab.recipes.dotted_tree import Tree
from toonlab.recipes.load import read
from toonlab.runs.directory import make_directory, write_atomically
from toonlab.utils import paths, yaml

from .plan.search import SearchSpec, draft_of
from .plan.search_plan import SearchPlan
from .results.results import SearchResult, StudyResults

FOLDER = Path("baselines")
_OF_THE_STUDY = ("about", "observers", "evaluate")  # not of the method


def targets(search: SearchSpec, name: str) -> list[Path]:
    """The file of each recipe's winner: `baselines/NAME.yaml`, or `baselines/NAME_RECIPE.yaml` of several.

    Raises:
        ToonlabError: if the name can't be a file's.
    """
    if search.objectives:
        raise ToonlabError(f"--save {name}: a search with several objectives has a front, and no single winner")
    if not re.fullmatch(r"\w[\w.-]*", name):
        raise ToonlabError(f"--save {name!r}: expected the name of a recipe: letters, digits, - and _")
    names = [f"{name}_{Path(recipe).stem}" for recipe in search.recipes] or [name]
    return [FOLDER / f"{each}.yaml" for each in names]


def check_free(files: Sequence[Path]) -> None:
    """Check that none of the files exists.

    Raises:
        ToonlabError: with a line for each that does.
    """
    if there := [file for file in files if file.exists()]:
        raise ToonlabError("\n".join(f"{file}: exists already; give --save another name, or move it" for file in there))


def save(files: Sequence[Path], plans: Sequence[SearchPlan], results: StudyResults) -> None:
    """Write the winners that change something; the best trial of each search wins, its finals have no say.

    Raises:
        ToonlabError: if a file can't be written.
    """
    pairs = [pair for pair in zip(plans, results.searches, strict=True) if not pair[1].control]
    for file, (plan, found) in zip(files, pairs, strict=True):
        if found.ranked and found.ranked[0].params != found.default:
            make_directory(file.parent)
            write_atomically(file, _text(file, plan, found, results))


def _text(file: Path, plan: SearchPlan, found: SearchResult, results: StudyResults) -> str:
    winner, metric = found.ranked[0], found.objective["metric"]
    source = paths.find(plan.search.recipe, "baselines", plan.path)
    extends = (
        source.stem if paths.listed("baselines").get(source.stem) == source else os.path.relpath(source, file.parent)
    )
    about = [f"toonlab train {file}", f"trial {winner.number} of {len(found.trials)} of the study {results.name}"]
    about[1] += f": {metric} {winner.value:.4g} in the search"
    labels = [plan.variant(plan.default, 0).label, *(label for label, n in found.finals.items() if n == winner.number)]
    for label in labels:
        if comparison := results.verdicts.get(label):
            about.append(f"on fresh seeds, {label} compared with {results.baseline_of(label)}: {comparison}")
    told = {"about": f"{plan.base.name}, tuned by the study {results.name}", "extends": extends}
    chosen = draft_of(plan.search, plan.path, plan.catalogue, winner.params, plan.overrides).tree.root
    changed = {
        key: value for key, value in _changed(read(source).tree.root, chosen).items() if key not in _OF_THE_STUDY
    }
    return "".join(f"# {line}\n" for line in about) + yaml.dump({**told, **changed})


def _changed(old: Tree, new: Tree) -> dict[str, Any]:
    """What a recipe has to say that extends `old` and is to be `new`; another part is told as a whole."""
    found: dict[str, Any] = {}
    for key, value in new.items():
        before = old.get(key)
        if isinstance(before, dict) and isinstance(value, dict) and before.get("use", key) == value.get("use", key):
            found |= {key: inner} if (inner := _changed(before, value)) else {}
        elif key not in old or value != before:
            found[key] = value
    return found
