"""What is installed: distributions and their entry points, as their metadata tell. Nothing of theirs is imported."""

from __future__ import annotations

import importlib.util
import json
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from importlib.machinery import ModuleSpec, PathFinder
from importlib.metadata import Distribution, EntryPoint, distribution, distributions
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from packaging.requirements import InvalidRequirement, Requirement

OWN = "toonlab"
PLUGINS, COMMANDS, PRELOADS = "toonlab", "toonlab.commands", "toonlab.preload"


@dataclass(frozen=True)
class Source:
    """A distribution: `metadata` is its `.dist-info`, `project` the folder of an editable installation.

    `requires` is its requirement of toonlab, such as `toonlab<2,>=1`, if it has one.
    """

    name: str
    version: str
    metadata: Path | None = None
    project: Path | None = None
    requires: str | None = None

    def __str__(self) -> str:
        return f"{self.name} {self.version}".strip()

    @property
    def objection(self) -> str | None:
        """Why this distribution does not fit this toonlab, and the remedy; None if it fits."""
        ours = own().version
        if self.requires is None or Requirement(self.requires).specifier.contains(ours, prereleases=True):
            return None
        return f"it requires {self.requires}, and this is toonlab {ours}; install a version of {self.name} that fits"

    def wrote(self, other: Source) -> bool:
        """Whether the build of this editable installation left the other metadata in its folder."""
        left = other.metadata is not None and other.metadata.suffix == ".egg-info"
        return bool(left and self.project and other.metadata and other.metadata.is_relative_to(self.project))


@dataclass(frozen=True)
class Entry:
    """An entry point of one of toonlab's groups, and its distribution."""

    point: EntryPoint
    source: Source

    @property
    def name(self) -> str:
        return self.point.name

    @property
    def value(self) -> str:
        return self.point.value

    @property
    def module(self) -> str:
        return self.value.partition(":")[0].strip()

    @property
    def own(self) -> bool:
        return self.source.name == OWN

    @cached_property
    def location(self) -> Path | None:
        """The file of its module, or the folder of its package; None if there is none."""
        file = file_of(self.module)
        return file.parent if file and file.name == "__init__.py" else file


def entries(group: str) -> list[Entry]:
    """The entry points of a group: toonlab's own first, then by name."""
    found = [
        Entry(point, source)
        for installed in _first_of_each_name()
        if f"[{group}]" in (installed.read_text("entry_points.txt") or "")  # few have it; parsing all takes 0.15 s
        for source in (_source(installed),)
        for point in installed.entry_points.select(group=group)
    ]
    return sorted(found, key=lambda entry: (not entry.own, entry.name, str(entry.source)))


def _first_of_each_name() -> Iterator[Distribution]:
    """The distributions that Python finds first, as `importlib.metadata.entry_points` has them."""
    names = set[str]()
    for found in distributions():
        name = getattr(found, "_normalized_name", "")
        if name not in names:
            names.add(name)
            yield found


def duplicates(group: str) -> Iterator[tuple[Source, Source]]:
    """Distributions with entry points that are installed twice: the metadata that Python finds first, and the hidden.

    An example is a stale `.dist-info` next to an editable installation.
    """
    used = {entry.source.metadata for entry in entries(group)}
    for other in distributions():
        with suppress(Exception):  # unreadable metadata hide nothing
            if other.entry_points.select(group=group) and (source := _source(other)).metadata not in used:
                first = _source(distribution(source.name))
                if not (first.wrote(source) or source.wrote(first)):
                    yield first, source


def own() -> Source:
    """toonlab itself."""
    with suppress(Exception):
        return _source(distribution(OWN))
    return Source(OWN, "(not installed)")


def _source(found: Distribution) -> Source:
    path = getattr(found, "_path", None)
    metadata = Path(path).resolve() if path else None
    # the folder's name where an interrupted uninstallation left nothing else
    name, _, version = (metadata.stem if metadata else "an unknown distribution").partition("-")
    with suppress(Exception):
        if found.metadata["Name"]:
            name, version = found.metadata["Name"], found.metadata["Version"] or ""
    return Source(name, version, metadata, _project(found), _requirement(found))


def _requirement(found: Distribution) -> str | None:
    with suppress(Exception):  # of unreadable metadata nothing is required
        for text in found.requires or ():
            with suppress(InvalidRequirement):
                requirement = Requirement(text)
                if requirement.name == OWN and requirement.specifier and not requirement.marker:
                    return f"{OWN}{requirement.specifier}"
    return None


def _project(found: Distribution) -> Path | None:
    with suppress(Exception):
        origin: dict[str, Any] = json.loads(found.read_text("direct_url.json") or "{}")
        if origin.get("dir_info", {}).get("editable"):
            return Path(url2pathname(urlsplit(origin["url"]).path)).resolve()
    return None


def file_of(module: str) -> Path | None:
    """The file of a module, found without an import; None if there is none."""
    if not re.fullmatch(r"\w+(\.\w+)*", module):
        return None
    top, *rest = module.split(".")
    with suppress(Exception):  # import hooks may raise anything
        spec: ModuleSpec | None = importlib.util.find_spec(top)
        for name in rest:
            spec = spec and PathFinder.find_spec(f"{spec.name}.{name}", spec.submodule_search_locations or ())
        if spec and spec.origin and spec.has_location:
            return Path(spec.origin)
    return None
