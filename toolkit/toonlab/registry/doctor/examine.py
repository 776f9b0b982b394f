"""Import everything that is installed for toonlab, and collect its problems as data."""

import inspect
import os
import platform
import typing
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import typer

import toonlab
from toonlab.errors import nearest
from toonlab.registry import metadata
from toonlab.registry.catalogue import discover
from toonlab.registry.hookspecs import OBSERVER_HOOKS, REGISTRATION_HOOKS, is_marked
from toonlab.registry.loader import Failure, Offer, Plugin, import_entry_point
from toonlab.registry.metadata import Entry, Source


@dataclass(frozen=True)
class Examined:
    """An entry point of any group as it was loaded, and remarks: what keeps nothing from use, but has no effect."""

    plugin: Plugin
    remarks: tuple[Failure, ...] = ()

    @property
    def entry(self) -> Entry:
        return self.plugin.entry

    @property
    def status(self) -> str:
        """`loaded`, `loaded in part`, `not loaded`, or `left out` by `TOONLAB_PLUGINS`."""
        if self.plugin.seconds is None:
            return "left out"
        if not self.plugin.failures:
            return "loaded"
        return "loaded in part" if self.plugin.hooks else "not loaded"

    @property
    def offers(self) -> dict[str, tuple[str, ...]]:
        """The names that it offers, by kind of part."""
        return {kind: tuple(o.name for o in self.plugin.offers if o.kind == kind) for kind in self.plugin.kinds}

    @property
    def hooks(self) -> dict[str, tuple[str, ...] | None]:
        """The hooks of its observers, by their names; None where only an instance would tell."""
        classes = {offer.name: _class_of(offer) for offer in self.plugin.offers if offer.kind == "observers"}
        return {
            name: None if made is None else tuple(hook for hook in OBSERVER_HOOKS if is_marked(made, hook))
            for name, made in classes.items()
        }

    @property
    def problems(self) -> tuple[Failure, ...]:
        return (*self.plugin.failures, *self.remarks)

    def to_json(self) -> dict[str, Any]:
        seconds = self.plugin.seconds
        return {
            **_entry_to_json(self.entry),
            "status": self.status,
            "import_seconds": seconds and round(seconds, 4),
            "requires": self.entry.source.requires,
            "offers": self.offers,
            "hooks": self.hooks,
            "problems": [{"text": p.reason, "where": [asdict(frame) for frame in p.frames]} for p in self.problems],
        }


@dataclass(frozen=True)
class Diagnosis:
    """The whole result.

    `clashes`: the entry points that offer the same (kind, name), which is usable from none; `duplicates`: the metadata
    of a distribution that Python uses and other ones that they hide; `chosen` is `TOONLAB_PLUGINS`; `unknown`: names in
    it that match nothing, and why.
    """

    own: Source
    versions: Mapping[str, str]
    plugins: tuple[Examined, ...]
    commands: tuple[Examined, ...]
    preloads: tuple[Examined, ...]
    clashes: Mapping[tuple[str, str], tuple[Entry, ...]]
    duplicates: tuple[tuple[Source, Source], ...]
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
                {"kind": kind, "name": name, "sources": [_entry_to_json(entry) for entry in entries]}
                for (kind, name), entries in self.clashes.items()
            ],
            "installed_twice": [
                {"used": _metadata_to_json(used), "hidden": _metadata_to_json(hidden)}
                for used, hidden in self.duplicates
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
    commands, preloads = metadata.entries(metadata.COMMANDS), metadata.entries(metadata.PRELOADS)
    offered: defaultdict[tuple[str, str], tuple[Entry, ...]] = defaultdict(tuple)
    for plugin in catalogue.plugins:
        for offer in plugin.offers:
            offered[offer.kind, offer.name] += (plugin.entry,)
    for entry in commands:
        offered["commands", entry.name] += (entry,)
    groups = (metadata.PLUGINS, metadata.COMMANDS, metadata.PRELOADS)
    return Diagnosis(
        own=metadata.own(),
        versions={"python": platform.python_version(), **{name: version(name) for name in ("torch", "pluggy")}},
        plugins=tuple(Examined(plugin, tuple(_remarks(plugin))) for plugin in catalogue.plugins),
        commands=tuple(_command(import_entry_point(entry), own_commands) for entry in commands),
        preloads=tuple(_examined(import_entry_point(entry)) for entry in preloads),
        clashes={key: entries for key, entries in offered.items() if len(entries) > 1},
        duplicates=tuple(sorted({pair for group in groups for pair in metadata.duplicates(group)}, key=str)),
        chosen=os.environ.get("TOONLAB_PLUGINS"),
        unknown={f.plugin: f.reason for f in catalogue.failures if f.distribution == "TOONLAB_PLUGINS"},
    )


def _examined(plugin: Plugin) -> Examined:
    return Examined(plugin, tuple(_prints(plugin)))


def _remarks(plugin: Plugin) -> Iterator[Failure]:
    yield from _prints(plugin)
    if plugin.seconds is not None and (plugin.hooks or not plugin.failures):
        yield from (Failure.of(plugin.entry, text) for text in _unused(plugin))
    for offer in plugin.offers:
        if offer.kind == "observers":
            yield from (Failure.of(plugin.entry, text) for text in _unheard(offer.name, _class_of(offer)))


def _prints(plugin: Plugin) -> Iterator[Failure]:
    if plugin.prints:
        text = "prints to standard output when it is imported; remove that, or print to sys.stderr"
        yield Failure.of(plugin.entry, text)


def _unused(plugin: Plugin) -> Iterator[str]:
    """Functions that have a hook's name and no mark; or that there is no hook at all."""
    unmarked = [hook for hook in REGISTRATION_HOOKS if hook not in plugin.hooks and _has(plugin.found, hook)]
    for hook in unmarked:
        yield f"{hook} is not marked with @hookimpl, so nothing calls it"
    if not (plugin.hooks or unmarked):
        yield f"{plugin.entry.value} implements no hook; it needs a function such as register_samplers, with @hookimpl"


def _unheard(name: str, made: type | None) -> Iterator[str]:
    """Methods of an observer's class that look like hooks and are never called."""
    for method in dir(made) if made else ():
        if is_marked(made, method) and method not in OBSERVER_HOOKS:
            yield f"observer {name!r}: hook {method!r} is unknown; {nearest(method, OBSERVER_HOOKS)}"
        elif method in OBSERVER_HOOKS and method.startswith("on_") and not is_marked(made, method):
            yield f"observer {name!r}: {method} is not marked with @hookimpl, so nothing calls it"


def _class_of(offer: Offer) -> type | None:
    """The class of a factory's products, if its signature names it."""
    if inspect.isclass(offer.factory):
        return offer.factory
    with suppress(Exception):
        made = typing.get_type_hints(offer.factory).get("return")
        return made if inspect.isclass(made) and made is not object else None
    return None


def _has(found: object, name: str) -> bool:
    with suppress(Exception):  # a plugin is any object
        return callable(getattr(found, name, None))
    return False


def _command(plugin: Plugin, own_commands: Collection[str]) -> Examined:
    """A command that imports, whose name is free, and of which typer can make a command."""
    entry, found = plugin.entry, plugin.found
    if plugin.failures:
        return _examined(plugin)
    if entry.name in own_commands:
        text = f"toonlab has a command {entry.name!r} of its own, which takes precedence; rename the entry point"
        return Examined(plugin, (Failure.of(entry, text),))
    try:
        application = typer.Typer()
        application.command()(found)
        typer.main.get_command(application)
    except Exception as error:
        detail = f": {type(error).__name__}: {error}" if callable(found) else f", but of type {type(found).__name__}"
        text = f"{entry.value} is not a function that typer can make a command of{detail}"
        return Examined(plugin.failed(text))
    return _examined(plugin)


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
