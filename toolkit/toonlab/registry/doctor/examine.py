"""What `toonlab plugins doctor` does: import all that is installed for toonlab, and say what is wrong with it."""

from __future__ import annotations

import inspect
import os
import platform
import typing
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from importlib.metadata import version

import pluggy
import typer

from toonlab.errors import nearest
from toonlab.registry import hookversion, metadata
from toonlab.registry.catalogue import Catalogue, discover
from toonlab.registry.hookspecs import HOOKS_VERSION, ObserverHooks, RegistrationHooks
from toonlab.registry.importing import bring
from toonlab.registry.loader import Offer, Plugin
from toonlab.registry.metadata import Entry

from .diagnosis import Checked, Clash, Diagnosis, Trouble, Twice

_MARKS = pluggy.PluginManager("toonlab")  # reads the marks that @hookimpl leaves


def examine(own_commands: Collection[str] = ()) -> Diagnosis:
    """Import everything that is installed for toonlab, and look at it.

    Args:
        own_commands: names of toonlab's own commands, which no plugin's can have.
    """
    catalogue = discover()
    commands = metadata.entries(metadata.COMMANDS)
    return Diagnosis(
        toonlab=metadata.own(),
        versions={
            "hooks": HOOKS_VERSION,
            "python": platform.python_version(),
            **{package: version(package) for package in ("torch", "pluggy")},
        },
        plugins=tuple(map(_plugin, catalogue.plugins)),
        commands=tuple(_command(entry, own_commands) for entry in commands),
        preloads=tuple(_imported(entry) for entry in metadata.entries(metadata.PRELOADS)),
        clashes=(*_clashes(catalogue), *_clashing(("commands", entry.name, entry) for entry in commands)),
        twice=tuple(_twice()),
        chosen=os.environ.get("TOONLAB_PLUGINS"),
        unknown={f.plugin: f.reason for f in catalogue.failures if f.distribution == "TOONLAB_PLUGINS"},
    )


def _plugin(plugin: Plugin) -> Checked:
    if plugin.imported is None:
        return Checked(plugin.entry, "left out")
    offers = {kind: tuple(o.name for o in plugin.offers if o.kind == kind) for kind in plugin.kinds}
    observers = {offer.name: _class_of(offer) for offer in plugin.offers if offer.kind == "observers"}
    problems = [Trouble(failure.reason, failure.where) for failure in plugin.failures]
    usable = bool(plugin.hooks)
    if usable or not problems:
        problems += [Trouble(text) for text in _unused(plugin)]
    problems += [Trouble(text) for name, made in observers.items() for text in _deaf(name, made)]
    newer = plugin.verdict == "newer" and hookversion.objection(plugin.made_for, plugin.entry.source.name)
    return Checked(
        plugin.entry,
        "loaded" if not plugin.failures else "loaded in part" if usable else "not loaded",
        plugin.imported.seconds,
        plugin.made_for,
        plugin.verdict,
        offers,
        {name: _heard(made) for name, made in observers.items()},
        tuple(problems),
        (newer,) if newer else (),
    )


def _unused(plugin: Plugin) -> Iterator[str]:
    """What looks like a hook and is not marked as one; or that there is none."""
    found = plugin.imported and plugin.imported.found
    unmarked = [hook for hook in _names(RegistrationHooks) if hook not in plugin.hooks and _has(found, hook)]
    for hook in unmarked:
        yield f"{hook} is not marked with @hookimpl, so nothing calls it"
    if not (plugin.hooks or unmarked):
        yield f"{plugin.entry.value} implements no hook; it needs a function such as register_samplers, with @hookimpl"


def _class_of(offer: Offer) -> type | None:
    """The class of what a factory makes, as far as it says so."""
    if inspect.isclass(offer.factory):
        return offer.factory
    with suppress(Exception):
        made = typing.get_type_hints(offer.factory).get("return")
        return made if inspect.isclass(made) and made is not object else None
    return None


def _heard(made: type | None) -> tuple[str, ...] | None:
    return None if made is None else tuple(name for name in _names(ObserverHooks) if _marked(made, name))


def _deaf(name: str, made: type | None) -> Iterator[str]:
    """What an observer's class means to hear and won't."""
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


def _imported(entry: Entry) -> Checked:
    imported = bring(entry)
    problems = (Trouble(imported.reason, imported.where),) if imported.reason else ()
    return Checked(entry, "not loaded" if problems else "loaded", imported.seconds, problems=problems)


def _command(entry: Entry, own_commands: Collection[str]) -> Checked:
    checked = _imported(entry)
    if checked.problems:
        return checked
    if entry.name in own_commands:
        text = (
            f"toonlab has a command {entry.name!r} of its own, which runs in place of this one; rename the entry point"
        )
        return replace(checked, problems=(Trouble(text),))
    found = entry.point.load()  # once more: it is in sys.modules
    try:
        application = typer.Typer()
        application.command()(found)
        typer.main.get_command(application)
    except Exception as error:
        detail = f": {type(error).__name__}: {error}" if callable(found) else f", but of type {type(found).__name__}"
        text = f"{entry.value} is no function of which typer can make a command{detail}"
        return replace(checked, status="not loaded", problems=(Trouble(text),))
    return checked


def _clashes(catalogue: Catalogue) -> Iterator[Clash]:
    offers = ((offer.kind, offer.name, plugin.entry) for plugin in catalogue.plugins for offer in plugin.offers)
    return _clashing(offers)


def _clashing(offered: Iterable[tuple[str, str, Entry]]) -> Iterator[Clash]:
    """What is offered more than once: kind, name, and by which entry points."""
    sources: defaultdict[tuple[str, str], list[Entry]] = defaultdict(list)
    for kind, name, entry in offered:
        sources[kind, name].append(entry)
    for (kind, name), entries in sources.items():
        if len(entries) > 1:
            yield Clash(kind, name, tuple(entries))


def _twice() -> Iterator[Twice]:
    """Each distribution whose metadata hide others of the same name."""
    groups = (metadata.PLUGINS, metadata.COMMANDS, metadata.PRELOADS)
    pairs = ((entry.source, used) for group in groups for entry, used in metadata.hidden(group))
    return (Twice(used, hidden) for hidden, used in dict.fromkeys(pairs))
