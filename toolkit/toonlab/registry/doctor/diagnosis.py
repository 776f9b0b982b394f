"""What is found when everything that is installed for toonlab is looked at, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from toonlab.registry.hookversion import Verdict
from toonlab.registry.importing import Spot
from toonlab.registry.metadata import Entry, Source

Status = Literal["loaded", "loaded in part", "not loaded", "left out"]


@dataclass(frozen=True)
class Trouble:
    """Something that is wrong, and the lines of the plugin's own that it came by."""

    text: str
    where: tuple[Spot, ...] = ()


@dataclass(frozen=True)
class Checked:
    """An entry point. `offers`: kind -> names; `hears`: observer -> hooks, None where only making one would tell.

    `verdict` is None for what is no plugin: commands and preloads.
    """

    entry: Entry
    status: Status
    seconds: float | None = None
    made_for: str | None = None
    verdict: Verdict | None = None
    offers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    hears: Mapping[str, tuple[str, ...] | None] = field(default_factory=dict)
    problems: tuple[Trouble, ...] = ()
    warnings: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {
            **_source_to_json(self.entry),
            "status": self.status,
            "import_seconds": self.seconds and round(self.seconds, 4),
            "made_for_hooks": self.made_for,
            "verdict": self.verdict,
            "offers": {kind: list(names) for kind, names in self.offers.items()},
            "hears": {name: hooks if hooks is None else list(hooks) for name, hooks in self.hears.items()},
            "problems": [{"text": p.text, "where": [vars(spot) for spot in p.where]} for p in self.problems],
            "warnings": list(self.warnings),
        }


@dataclass(frozen=True)
class Clash:
    """A name that several entry points offer, so that it is usable from none."""

    kind: str
    name: str
    entries: tuple[Entry, ...]


@dataclass(frozen=True)
class Twice:
    """A distribution of which metadata lie in two places: those that Python uses, and those that they hide."""

    used: Source
    hidden: Source


@dataclass(frozen=True)
class Diagnosis:
    """All of it. `chosen` is `TOONLAB_PLUGINS`; `unknown`: names in it that nothing has -> why."""

    toonlab: Source
    versions: Mapping[str, str]
    plugins: tuple[Checked, ...]
    commands: tuple[Checked, ...]
    preloads: tuple[Checked, ...]
    clashes: tuple[Clash, ...]
    twice: tuple[Twice, ...]
    chosen: str | None = None
    unknown: Mapping[str, str] = field(default_factory=dict)

    @property
    def checked(self) -> tuple[Checked, ...]:
        return (*self.plugins, *self.commands, *self.preloads)

    @property
    def problems(self) -> int:
        found = sum(len(one.problems) for one in self.checked)
        return found + len(self.clashes) + len(self.twice) + len(self.unknown)

    @property
    def warnings(self) -> int:
        return sum(len(one.warnings) for one in self.checked)

    def to_json(self) -> dict[str, Any]:
        sources = [(c.kind, c.name, [_source_to_json(entry) for entry in c.entries]) for c in self.clashes]
        return {
            "versions": {"toonlab": self.toonlab.version, **self.versions},
            "location": str(Path(__file__).parents[2]),
            "editable": self.toonlab.project is not None,
            "plugins": [one.to_json() for one in self.plugins],
            "commands": [one.to_json() for one in self.commands],
            "preloads": [one.to_json() for one in self.preloads],
            "clashes": [{"kind": kind, "name": name, "sources": entries} for kind, name, entries in sources],
            "installed_twice": [{"used": _metadata(t.used), "hidden": _metadata(t.hidden)} for t in self.twice],
            "TOONLAB_PLUGINS": self.chosen,
            "not_installed": dict(self.unknown),
            "problems": self.problems,
            "warnings": self.warnings,
        }


def _source_to_json(entry: Entry) -> dict[str, Any]:
    return {
        "name": entry.name,
        "value": entry.value,
        "distribution": entry.source.name,
        "version": entry.source.version,
        "location": _text(entry.location),
        "editable": entry.source.project is not None,
    }


def _metadata(source: Source) -> dict[str, Any]:
    return {"distribution": source.name, "version": source.version, "metadata": _text(source.metadata)}


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)
