"""The environment of a study's runs: devices, packages, source hashes and recipes."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from toonlab.studies.results.results import StudyResults

from .format import listed, several

Environment = Mapping[str, Any]


@dataclass(frozen=True)
class Reproducibility:
    """Facts, warnings where runs differ, and each variant's resolved recipe."""

    facts: Mapping[str, Sequence[str]]
    warnings: Sequence[str]
    recipes: Mapping[str, str]


def reproducibility(results: StudyResults) -> Reproducibility:
    """Read from the directories of a study's runs; missing ones are left out."""
    environments = [found for cell in results.cells if (found := _environment(results, cell.run))]
    facts = {name: values for name, values in _facts(environments).items() if values}
    return Reproducibility(facts, list(_warnings(environments)), _recipes(results))


def _environment(results: StudyResults, run: str) -> Environment | None:
    try:
        found = json.loads((results.directory / run / "environment.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


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
        "packages": _named(e.get("versions", {}) for e in environments),
        "plugins of": _alike(", ".join(_identity(e).get("distributions", ())) for e in environments),
        "source hashes": _named(_identity(e).get("code", {}) for e in environments),
    }


def _identity(environment: Environment) -> Mapping[str, Any]:
    return environment.get("identity") or {}


def _alike(values: Iterable[Any]) -> list[str]:
    """Each value once; with how many runs have it, where there are several."""
    counts = Counter(str(value) for value in values if value)
    return [
        value if len(counts) == 1 else f"{value} ({several(count, 'run')})" for value, count in counts.most_common()
    ]


def _named(tables: Iterable[Mapping[str, Any]]) -> list[str]:
    """`torch 2.14.1`; names with several values, with how many runs have which."""
    values: dict[str, list[Any]] = {}
    for table in tables:
        for name, value in table.items():
            values.setdefault(name, []).append(value)
    return [f"{name} {', '.join(_alike(found))}" for name, found in values.items() if any(found)]


def _device(environment: Environment) -> str:
    processes = environment.get("processes", 1)
    times = f", {processes} processes" if processes != 1 else ""
    return f"{environment.get('device')} ({environment.get('device_name')}{times})"


def _warnings(environments: Sequence[Environment]) -> Iterator[str]:
    devices = sorted({_kind(e) for e in environments})
    if len(devices) > 1:
        yield f"The runs used different devices ({listed(devices)}): times can't be compared, and values may differ."
    for package in ("toonlab", "torch"):
        versions = sorted({str(e.get("versions", {}).get(package)) for e in environments})
        if len(versions) > 1:
            yield f"The runs used different versions of {package} ({listed(versions)})."
    hashes: dict[str, set[str]] = {}
    for package, code in ((p, c) for e in environments for p, c in _identity(e).get("code", {}).items()):
        hashes.setdefault(package, set()).add(code)
    if changed := sorted(package for package, codes in hashes.items() if len(codes) > 1):
        yield f"The code of {listed(changed)} changed between runs."


def _kind(environment: Environment) -> str:
    """`cuda:0` and `cuda:1` of one make are alike."""
    return f"{str(environment.get('device')).partition(':')[0]}, {environment.get('device_name')}"


def _recipes(results: StudyResults) -> dict[str, str]:
    """The recipe of each variant's first run that is here."""
    found: dict[str, str] = {}
    for cell in results.cells:
        path = results.directory / cell.run / "recipe.yaml"
        if cell.variant.label not in found and path.is_file():
            found[cell.variant.label] = path.read_text(encoding="utf-8")
    return found
