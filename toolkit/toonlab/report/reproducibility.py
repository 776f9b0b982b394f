"""The environment of a study's runs: devices, packages, source hashes and recipes."""

from __future__ import annotations

import warnings
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from toonlab.errors import ToonlabError
from toonlab.runs.directory import read_environment
from toonlab.studies.results.results import StudyResults
from toonlab.utils.text import several

from .format import listed

Environment = Mapping[str, Any]


@dataclass(frozen=True)
class Reproducibility:
    """Facts, warnings where runs differ, and each variant's resolved recipe."""

    facts: Mapping[str, Sequence[str]]
    warnings: Sequence[str]
    recipes: Mapping[str, str]


def reproducibility(results: StudyResults) -> Reproducibility:
    """Read from the directories of a study's runs; missing ones are left out."""
    runs = [(cell.variant.label, results.directory / cell.run) for cell in results.cells]
    environments = [found for _, run in runs if (found := _environment(run))]
    facts = {name: values for name, values in _facts(environments).items() if values}
    recipes = {label: path for label, run in reversed(runs) if (path := run / "recipe.yaml").is_file()}
    texts = {label: recipes[label].read_bytes().decode(errors="replace") for label, _ in runs if label in recipes}
    return Reproducibility(facts, list(_warnings(environments)), texts)


def _environment(run: Path) -> Environment | None:
    """The environment of a run; None if it is unknown, which is warned of where the file is damaged."""
    try:
        found = read_environment(run)
    except ToonlabError as error:
        warnings.warn(str(error), RuntimeWarning, stacklevel=2)
        return None
    return {"versions": {}, "identity": {}, **found} if found else None


def _facts(environments: Sequence[Environment]) -> dict[str, list[str]]:
    dates = sorted(str(e["date"])[:16].replace("T", " ") for e in environments if e.get("date"))
    return {
        "device": _alike(map(_device, environments)),
        "processor": _alike(
            f"{several(e.get('cpus') or 0, 'core')}, {several(e.get('threads', 0), 'thread')}" for e in environments
        ),
        "platform": _alike(e.get("platform") for e in environments),
        "Python": _alike(e.get("python") for e in environments),
        "runs began": [" to ".join(dict.fromkeys([dates[0], dates[-1]])) + " UTC"] if dates else [],
        "packages": _named(e["versions"] for e in environments),
        "commit": _alike(e.get("commit") for e in environments),
        "plugins of": _alike(", ".join(e["identity"].get("distributions", ())) for e in environments),
        "source hashes": _named(e["identity"].get("code", {}) for e in environments),
    }


def _alike(values: Iterable[Any]) -> list[str]:
    """Each value once; with how many runs have it, where there are several."""
    counts = Counter(str(value) for value in values if value)
    return [
        value if len(counts) == 1 else f"{value} ({several(count, 'run')})" for value, count in counts.most_common()
    ]


def _by_name(tables: Iterable[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Name -> its values in the tables that have it."""
    found: defaultdict[str, list[Any]] = defaultdict(list)
    for name, value in (pair for table in tables for pair in table.items()):
        found[name].append(value)
    return found


def _named(tables: Iterable[Mapping[str, Any]]) -> list[str]:
    """`torch 2.14.1`; names with several values, with how many runs have which."""
    return [f"{name} {', '.join(_alike(values))}" for name, values in _by_name(tables).items() if any(values)]


def _device(environment: Environment) -> str:
    processes = environment.get("processes", 1)
    times = f", {processes} processes" if processes != 1 else ""
    return f"{environment.get('device')} ({environment.get('device_name')}{times})"


def _warnings(environments: Sequence[Environment]) -> Iterator[str]:
    # `cuda:0` and `cuda:1` of one make are alike
    devices = {f"{str(e.get('device')).partition(':')[0]}, {e.get('device_name')}" for e in environments}
    if len(devices) > 1:
        which = listed(sorted(devices))
        yield f"The runs used different devices ({which}): times can't be compared, and values may differ."
    for package in ("toonlab", "torch"):
        versions = {str(e["versions"].get(package)) for e in environments}
        if len(versions) > 1:
            yield f"The runs used different versions of {package} ({listed(sorted(versions))})."
    hashes = _by_name(e["identity"].get("code", {}) for e in environments)
    if changed := sorted(package for package, codes in hashes.items() if len(set(codes)) > 1):
        yield f"The code of {listed(changed)} changed between runs."
