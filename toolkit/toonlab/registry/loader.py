"""Load one plugin: import its entry point, collect its hooks, and what each of its hooks registers."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import pluggy

from toonlab.errors import nearest
from toonlab.utils.streams import output_to_stderr

from . import metadata
from .hookspecs import OBSERVER_HOOKS, REGISTRATION_HOOKS, RegistrationHooks
from .metadata import Entry
from .protocols import KINDS
from .schema import Schema, SchemaError

_FRAMES = 3  # of a traceback: the last ones


@dataclass(frozen=True)
class Frame:
    """A line of a plugin's own files in the traceback of an error."""

    file: str
    line: int
    source: str


@dataclass(frozen=True)
class Offer:
    """A part that a plugin offers under a name."""

    kind: str
    name: str
    factory: Callable[..., Any]
    schema: Schema
    distribution: str

    @property
    def about(self) -> str:
        """The first line of the factory's docstring."""
        return (self.factory.__doc__ or "").strip().partition("\n")[0]

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "about": self.about,
            "distribution": self.distribution,
            "parameters": [_parameter_to_json(p) for p in self.schema.parameters.values()],
        }


@dataclass(frozen=True)
class Failure:
    """A plugin that can't be used, or one hook or name of it; `kind` is the kind of part that is lost, None: any.

    `frames` are the lines of the plugin's own files that the error passed through.
    """

    distribution: str
    plugin: str
    reason: str
    kind: str | None = None
    frames: tuple[Frame, ...] = ()

    @classmethod
    def of(cls, entry: Entry, reason: str, error: BaseException | None = None, kind: str | None = None) -> Failure:
        """The failure of an entry point; `error` is what its code raised, if it did."""
        return cls(str(entry.source), entry.name, reason, kind, frames_of(error, entry) if error else ())

    def __str__(self) -> str:
        return f"plugin {self.plugin!r} of {self.distribution}: {self.reason}"

    def to_json(self) -> dict[str, Any]:
        return {key: getattr(self, key) for key in ("distribution", "plugin", "reason", "kind")}


@dataclass(frozen=True)
class Plugin:
    """An entry point and what came of loading it: the object that it names, and what this object offers.

    `seconds` is the time of the import; None for a plugin that `TOONLAB_PLUGINS` leaves out. `prints`: loading it
    printed something to standard output, which went to standard error.
    """

    entry: Entry
    found: Any = None
    seconds: float | None = None
    hooks: tuple[str, ...] = ()
    offers: tuple[Offer, ...] = ()
    failures: tuple[Failure, ...] = ()
    prints: bool = False

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of part that it has a hook for, in the order of all listings."""
        return tuple(kind for kind in KINDS if f"register_{kind}" in self.hooks)

    def failed(self, reason: str, error: BaseException | None = None) -> Plugin:
        """The same plugin with nothing to offer but the reason."""
        return replace(self, failures=(Failure.of(self.entry, reason, error),))


def load(entry: Entry, before: Sequence[Plugin] = ()) -> Plugin:
    """Load a plugin. Every problem with it, or with one of its hooks or names, is in its `failures`.

    Args:
        entry: its entry point.
        before: the plugins loaded so far, since one module may be installed under two names.
    """
    plugin = import_entry_point(entry)
    if refused := _refused(plugin, before):
        return refused
    with output_to_stderr() as output:
        loaded = _with_offers(plugin)
    return replace(loaded, prints=plugin.prints or output.used)


def _with_offers(plugin: Plugin) -> Plugin:
    """The plugin with its hooks and what these register."""
    entry = plugin.entry
    try:
        known, unknown = _implementations(plugin.found, entry)
    except Exception as error:  # a plugin is any object
        return plugin.failed(_message(error), error)
    results = [result for hook, function in known.items() for result in _offers(hook, function, entry)]
    failures = [*unknown, *(result for result in results if isinstance(result, Failure))]
    offers = tuple(result for result in results if isinstance(result, Offer))
    return replace(plugin, hooks=tuple(known), offers=offers, failures=tuple(failures))


def import_entry_point(entry: Entry) -> Plugin:
    """Import the object of an entry point; an error is returned as a failure, not raised."""
    began = time.perf_counter()
    with output_to_stderr() as output:
        try:
            found = entry.point.load()
        except (Exception, SystemExit) as error:
            reason = f"failed to import {entry.value}: {type(error).__name__}: {' '.join(str(error).split())}"
            return Plugin(entry, seconds=time.perf_counter() - began).failed(reason, error)
    return Plugin(entry, found, time.perf_counter() - began, prints=output.used)


def frames_of(error: BaseException, entry: Entry) -> tuple[Frame, ...]:
    """The last lines of a plugin's own files in an error's traceback, the innermost last."""
    top = metadata.file_of(entry.module.partition(".")[0])
    if top is None:
        return ()
    home = top.parent if top.name == "__init__.py" else top
    frames = [(f.filename, f.lineno or 0, f.line or "") for f in traceback.extract_tb(error.__traceback__)]
    if isinstance(error, SyntaxError) and error.filename:
        frames.append((error.filename, error.lineno or 0, (error.text or "").strip()))
    return tuple(Frame(*frame) for frame in frames if Path(frame[0]).is_relative_to(home))[-_FRAMES:]


def _refused(plugin: Plugin, before: Sequence[Plugin]) -> Plugin | None:
    """The plugin with the reasons why its hooks are not collected; None if they are."""
    entry = plugin.entry
    if not entry.own and (objection := entry.source.objection):
        if not plugin.failures:
            return plugin.failed(objection)
        (failure,) = plugin.failures
        return replace(plugin, failures=(replace(failure, reason=f"{failure.reason}; {objection}"),))
    if plugin.failures:
        return plugin
    same = (other.entry for other in before if other.seconds is not None and other.found is plugin.found)
    if other := next(same, None):
        text = f"{entry.value} is loaded already, as plugin {other.name!r} of {other.source}"
        return plugin.failed(f"{text}; uninstall one of the two")
    return None


def _implementations(found: Any, entry: Entry) -> tuple[dict[str, Callable[[], Any]], list[Failure]]:
    """The hooks that a plugin implements, and a failure for each unknown hook.

    Each plugin has a manager of its own, so that an unusual object (one that can't be compared) affects no other.
    """
    manager = pluggy.PluginManager("toonlab")
    manager.add_hookspecs(RegistrationHooks)
    manager.register(found, entry.name)
    known, unknown = {}, []
    for caller in manager.get_hookcallers(found) or ():
        if caller.has_spec():
            known[caller.name] = caller.get_hookimpls()[0].function
        else:
            unknown.append(Failure.of(entry, _unknown_hook(caller.name)))
    return known, unknown


def _unknown_hook(name: str) -> str:
    if name in OBSERVER_HOOKS:
        return f"hook {name!r} is called on observers only; register one by register_observers"
    return f"hook {name!r} is unknown; {nearest(name, REGISTRATION_HOOKS)}"


def _offers(hook: str, implementation: Callable[[], Any], entry: Entry) -> Iterable[Offer | Failure]:
    """What a hook of a plugin registers, and a failure for each name that can't be used."""
    kind = hook.removeprefix("register_")
    try:
        offered = implementation()
        offered = dict(offered) if isinstance(offered, Mapping) else offered
    except (Exception, SystemExit) as error:
        yield Failure.of(entry, f"{hook} raised {type(error).__name__}: {error}", error, kind)
        return
    if not isinstance(offered, dict):
        got = type(offered).__name__
        yield Failure.of(entry, f"{hook} must return a mapping from name to factory, got {got}", kind=kind)
        return
    for name, factory in offered.items():
        try:
            schema = Schema.of(factory, skip=KINDS[kind].injected)
        except Exception as error:  # a factory is any object, too
            yield Failure.of(entry, f"{KINDS[kind]} {name!r}: {_message(error)}", error, kind)
        else:
            yield Offer(kind, str(name), factory, schema, str(entry.source))


def _message(error: Exception) -> str:
    text = " ".join(str(error).split())
    plain = isinstance(error, SchemaError | TypeError | ValueError | pluggy.PluginValidationError)
    return text if plain else f"{type(error).__name__}: {text}"


def _parameter_to_json(parameter: Any) -> dict[str, Any]:
    tunable = parameter.tunable
    return {
        "name": parameter.name,
        "type": parameter.type_name,
        "constraints": parameter.constraints,
        "required": parameter.required,
        "default": None if parameter.required else parameter.to_json(parameter.default),
        "tunable": tunable and asdict(tunable),
    }
