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
from importlib.metadata import Distribution, EntryPoint, distribution, distributions, entry_points
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

OWN = "toonlab"
PLUGINS, COMMANDS, PRELOADS = "toonlab", "toonlab.commands", "toonlab.preload"


@dataclass(frozen=True)
class Source:
    """A distribution: `metadata` is its `.dist-info`, `project` the folder that an editable one is used from."""

    name: str
    version: str
    metadata: Path | None = None
    project: Path | None = None

    def __str__(self) -> str:
        return f"{self.name} {self.version}".strip()

    def describes(self, other: Source) -> bool:
        """Whether the other metadata were left in this one's folder by the build of an editable install."""
        return bool(
            self.project
            and other.metadata
            and other.metadata.suffix == ".egg-info"
            and other.metadata.is_relative_to(self.project)
        )


@dataclass(frozen=True)
class Entry:
    """An entry point of toonlab's groups, and the distribution that it comes from."""

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
        """The file of the module that it names, or the folder of a package; None: there is none."""
        file = file_of(self.module)
        return file.parent if file and file.name == "__init__.py" else file


def entries(group: str) -> list[Entry]:
    """The entry points of a group: toonlab's own first, then by name."""
    found = [Entry(point, _source(point.dist)) for point in entry_points(group=group)]
    return sorted(found, key=lambda entry: (not entry.own, entry.name, str(entry.source)))


def hidden(group: str) -> Iterator[tuple[Entry, Source]]:
    """Entry points that Python passes over, since it found another distribution of the same name first: that one.

    A stale `.dist-info`, say, beside an editable install.
    """
    seen = {(entry.source.metadata, entry.name) for entry in entries(group)}
    for other in distributions():
        with suppress(Exception):  # metadata that can't be read have nothing to hide
            for point in other.entry_points.select(group=group):
                source = _source(other)
                if (source.metadata, point.name) not in seen:
                    seen.add((source.metadata, point.name))
                    first = _source(distribution(source.name))
                    if not (first.describes(source) or source.describes(first)):
                        yield Entry(point, source), first


def own() -> Source:
    """toonlab itself."""
    with suppress(Exception):
        return _source(distribution(OWN))
    return Source(OWN, "(not installed)")


def _source(found: Distribution | None) -> Source:
    if found is None:
        return Source("an unknown distribution", "")
    path = getattr(found, "_path", None)
    metadata = Path(path).resolve() if path else None
    name, version = _named(found, metadata)
    return Source(name, version, metadata, _project(found))


def _named(found: Distribution, metadata: Path | None) -> tuple[str, str]:
    """Name and version; by the folder's name where an interrupted uninstallation left no more."""
    with suppress(Exception):
        if found.metadata["Name"]:
            return found.metadata["Name"], found.metadata["Version"] or ""
    name, _, version = (metadata.stem if metadata else "an unknown distribution").partition("-")
    return name, version


def _project(found: Distribution) -> Path | None:
    with suppress(Exception):
        origin: dict[str, Any] = json.loads(found.read_text("direct_url.json") or "{}")
        if origin.get("dir_info", {}).get("editable"):
            return Path(url2pathname(urlsplit(origin["url"]).path)).resolve()
    return None


def file_of(module: str) -> Path | None:
    """The file of a module, found without importing anything; None: there is none."""
    if not re.fullmatch(r"\w+(\.\w+)*", module):
        return None
    top, *rest = module.split(".")
    with suppress(Exception):  # whatever import hooks do
        spec: ModuleSpec | None = importlib.util.find_spec(top)
        for name in rest:
            spec = spec and PathFinder.find_spec(f"{spec.name}.{name}", spec.submodule_search_locations or ())
        if spec and spec.origin and spec.has_location:
            return Path(spec.origin)
    return None
