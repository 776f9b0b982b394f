"""Import everything that is installed for toonlab, and collect its problems as data."""

from __future__ import annotations

import inspect
import os
import platform
import typing
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import pluggy
import typer

import toonlab
from toonlab.errors import nearest
from toonlab.registry import metadata
from toonlab.registry.catalogue import discover
from toonlab.registry.hookspecs import ObserverHooks, RegistrationHooks
from toonlab.registry.loader import Frame, Offer, Plugin, import_entry_point
from toonlab.registry.metadata import Entry, Source

Status = Literal["loaded", "loaded in part", "not loaded", "left out"]
_MARKS = pluggy.PluginManager("toonlab")  # reads the marks that @hookimpl leaves


@dataclass(frozen=True)
class PluginProblem:
    """A problem of an entry point, and the lines of its own files that it came from."""

    text: str
    frames: tuple[Frame, ...] = ()


@dataclass(frozen=True)
class Examined:
    """An entry point. `offers`: kind -> names; `hooks`: observer -> hooks, None where only an instance would tell."""

    entry: Entry
    status: Status
    seconds: float | None = None
    offers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    hooks: Mapping[str, tuple[str, ...] | None] = field(default_factory=dict)
    problems: tuple[PluginProblem, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {
            **_entry_to_json(self.entry),
            "status": self.status,
            "import_seconds": self.seconds and round(self.seconds, 4),
            "requires": self.entry.source.requires,
            "offers": {kind: list(names) for kind, names in self.offers.items()},
            "hooks": {name: hooks if hooks is None else list(hooks) for name, hooks in self.hooks.items()},
            "problems": [{"text": p.text, "where": [vars(frame) for frame in p.frames]} for p in self.problems],
        }


@dataclass(frozen=True)
class Clash:
    """A name that several entry points offer; it is usable from none."""

    kind: str
    name: str
    entries: tuple[Entry, ...]


@dataclass(frozen=True)
class DuplicateInstall:
    """A distribution whose metadata lie in two places: the ones that Python uses, and the ones that they hide."""

    used: Source
    hidden: Source


@dataclass(frozen=True)
class Diagnosis:
    """The whole result. `chosen` is `TOONLAB_PLUGINS`; `unknown`: names in it that match nothing -> why."""

    own: Source
    versions: Mapping[str, str]
    plugins: tuple[Examined, ...]
    commands: tuple[Examined, ...]
    preloads: tuple[Examined, ...]
    clashes: tuple[Clash, ...]
    duplicates: tuple[DuplicateInstall, ...]
    chosen: str | None = None
    unknown: Mapping[str, str] = field(default_factory=dict)

    @property
    def location(self) -> Path:
        return Path(toonlab.__file__).parent

    @property
    def problems(self) -> int:
        found = sum(len(one.problems) for one in (*self.plugins, *self.commands, *self.preloads))
        return found + len(self.clashes) + len(self.duplicates) + len(self.unknown)

    def to_json(self) -> dict[str, Any]:
        return {
            "versions": {"toonlab": self.own.version, **self.versions},
            "location": str(self.location),
            "editable": self.own.project is not None,
            **{group: [one.to_json() for one in getattr(self, group)] for group in ("plugins", "commands", "preloads")},
            "clashes": [
                {"kind": c.kind, "name": c.name, "sources": [_entry_to_json(entry) for entry in c.entries]}
                for c in self.clashes
            ],
            "installed_twice": [
                {"used": _metadata_to_json(d.used), "hidden": _metadata_to_json(d.hidden)} for d in self.duplicates
            ],
            "TOONLAB_PLUGINS": self.chosen,
            "not_installed": dict(self.unknown),
            "problems": self.problems,
        }


def examine(own_commands: Collection[str] = ()) -> Diagnosis:
    """Import everything that is installed for toonlab, and examine it.

    Args:
        own_commands: names of toonlab's own commands, which no plugin can use.
    """
    catalogue = discover()
    groups = {group: metadata.entries(group) for group in (metadata.COMMANDS, metadata.PRELOADS)}
    offered = [(offer.kind, offer.name, plugin.entry) for plugin in catalogue.plugins for offer in plugin.offers]
    offered += [("commands", entry.name, entry) for entry in groups[metadata.COMMANDS]]
    twice = {pair for group in (metadata.PLUGINS, *groups) for pair in metadata.hidden(group)}
    return Diagnosis(
        own=metadata.own(),
        versions={"python": platform.python_version(), **{name: version(name) for name in ("torch", "pluggy")}},
        plugins=tuple(map(_plugin, catalogue.plugins)),
        commands=tuple(_command(entry, own_commands) for entry in groups[metadata.COMMANDS]),
        preloads=tuple(_imported(entry) for entry in groups[metadata.PRELOADS]),
        clashes=tuple(_clashes(offered)),
        duplicates=tuple(DuplicateInstall(used, hidden) for hidden, used in sorted(twice, key=str)),
        chosen=os.environ.get("TOONLAB_PLUGINS"),
        unknown={f.plugin: f.reason for f in catalogue.failures if f.distribution == "TOONLAB_PLUGINS"},
    )


def _plugin(plugin: Plugin) -> Examined:
    if plugin.imported is None:
        return Examined(plugin.entry, "left out")
    offers = {kind: tuple(o.name for o in plugin.offers if o.kind == kind) for kind in plugin.kinds}
    observers = {offer.name: _class_of(offer) for offer in plugin.offers if offer.kind == "observers"}
    problems = [PluginProblem(failure.reason, failure.frames) for failure in plugin.failures]
    if plugin.hooks or not problems:
        problems += map(PluginProblem, _unused(plugin))
    problems += [PluginProblem(text) for name, made in observers.items() for text in _unheard(name, made)]
    status: Status = "loaded" if not plugin.failures else "loaded in part" if plugin.hooks else "not loaded"
    hooks = {name: None if made is None else tuple(_marked_hooks(made)) for name, made in observers.items()}
    return Examined(plugin.entry, status, plugin.imported.seconds, offers, hooks, tuple(problems))


def _unused(plugin: Plugin) -> Iterator[str]:
    """Functions that have a hook's name and no mark; or that there is no hook at all."""
    found = plugin.imported and plugin.imported.found
    unmarked = [hook for hook in _names(RegistrationHooks) if hook not in plugin.hooks and _has(found, hook)]
    for hook in unmarked:
        yield f"{hook} is not marked with @hookimpl, so nothing calls it"
    if not (plugin.hooks or unmarked):
        yield f"{plugin.entry.value} implements no hook; it needs a function such as register_samplers, with @hookimpl"


def _class_of(offer: Offer) -> type | None:
    """The class of a factory's products, if its signature names it."""
    if inspect.isclass(offer.factory):
        return offer.factory
    with suppress(Exception):
        made = typing.get_type_hints(offer.factory).get("return")
        return made if inspect.isclass(made) and made is not object else None
    return None


def _marked_hooks(made: type) -> list[str]:
    return [name for name in _names(ObserverHooks) if _marked(made, name)]


def _unheard(name: str, made: type | None) -> Iterator[str]:
    """Methods of an observer's class that look like hooks and are never called."""
    for method in dir(made) if made else ():
        if _marked(made, method) and method not in _names(ObserverHooks):
            yield f"observer {name!r}: hook {method!r} is unknown; {nearest(method, _names(ObserverHooks))}"
        elif method in _names(ObserverHooks) and method.startswith("on_") and not _marked(made, method):
            yield f"observer {name!r}: {method} is not marked with @hookimpl, so nothing calls it"


def _names(hooks: type) -> list[str]:
    return [name for name in vars(hooks) if not name.startswith("_")]


def _has(found: object, name: str) -> bool:
    with suppress(Exception):  # a plugin is any object
        return callable(getattr(found, name, None))
    return False


def _marked(made: object, name: str) -> bool:
    with suppress(Exception):
        return _MARKS.parse_hookimpl_opts(made, name) is not None
    return False


def _imported(entry: Entry) -> Examined:
    imported = import_entry_point(entry)
    problems = (PluginProblem(imported.reason, imported.frames),) if imported.reason else ()
    return Examined(entry, "not loaded" if problems else "loaded", imported.seconds, problems=problems)


def _command(entry: Entry, own_commands: Collection[str]) -> Examined:
    """A command that imports, whose name is free, and of which typer can make a command."""
    examined = _imported(entry)
    if examined.problems:
        return examined
    if entry.name in own_commands:
        text = f"toonlab has a command {entry.name!r} of its own, which takes precedence; rename the entry point"
        return Examined(entry, "loaded", examined.seconds, problems=(PluginProblem(text),))
    found = entry.point.load()  # from sys.modules
    try:
        application = typer.Typer()
        application.command()(found)
        typer.main.get_command(application)
    except Exception as error:
        detail = f": {type(error).__name__}: {error}" if callable(found) else f", but of type {type(found).__name__}"
        text = f"{entry.value} is not a function that typer can make a command of{detail}"
        return Examined(entry, "not loaded", examined.seconds, problems=(PluginProblem(text),))
    return examined


def _clashes(offered: list[tuple[str, str, Entry]]) -> Iterator[Clash]:
    """Names that several entry points offer."""
    sources: defaultdict[tuple[str, str], list[Entry]] = defaultdict(list)
    for kind, name, entry in offered:
        sources[kind, name].append(entry)
    return (Clash(*key, tuple(entries)) for key, entries in sources.items() if len(entries) > 1)


def _entry_to_json(entry: Entry) -> dict[str, Any]:
    return {
        "name": entry.name,
        "value": entry.value,
        "distribution": entry.source.name,
        "version": entry.source.version,
        "location": entry.location and str(entry.location),
        "editable": entry.source.project is not None,
    }


def _metadata_to_json(source: Source) -> dict[str, Any]:
    metadata = source.metadata and str(source.metadata)
    return {"distribution": source.name, "version": source.version, "metadata": metadata}
