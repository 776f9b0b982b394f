"""Loading one plugin: its import, the hooks that it was made for, and what each of its hooks offers."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pluggy

from toonlab.errors import PluginError, nearest

from . import hookversion
from .hookspecs import ObserverHooks, RegistrationHooks
from .hookversion import Verdict
from .importing import Imported, Spot, bring, spots
from .metadata import Entry
from .protocols import KINDS
from .schema import Schema, SchemaError


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
    """A plugin (or one hook or name of it) that can't be used, and of which kind of part it costs; None: of any.

    `where` tells the plugin's author by which of the plugin's own lines it came about.
    """

    distribution: str
    plugin: str
    reason: str
    kind: str | None = None
    where: tuple[Spot, ...] = ()

    def __str__(self) -> str:
        return f"plugin {self.plugin!r} of {self.distribution}: {self.reason}"

    def to_json(self) -> dict[str, Any]:
        return {key: getattr(self, key) for key in ("distribution", "plugin", "reason", "kind")}


@dataclass(frozen=True)
class Plugin:
    """An entry point, and what came of loading it; `imported` is None for one that `TOONLAB_PLUGINS` leaves out.

    `made_for` is the version of the hooks that the plugin says it was made for, if it does.
    """

    entry: Entry
    imported: Imported | None = None
    made_for: str | None = None
    verdict: Verdict = "unknown"
    hooks: tuple[str, ...] = ()
    offers: tuple[Offer, ...] = ()
    failures: tuple[Failure, ...] = ()

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of part that it has a hook for, in the order in which they are listed everywhere."""
        return tuple(kind for kind in KINDS if f"register_{kind}" in self.hooks)


def load(entry: Entry, before: Sequence[Plugin] = ()) -> Plugin:
    """Load a plugin. What is wrong with it, or with a hook or a name of it, is listed in its `failures`.

    Args:
        entry: its entry point.
        before: those that were loaded before, since one module may be installed under two names.
    """
    imported = bring(entry)
    try:
        made_for = hookversion.written(entry.module) if imported.reason else _stated(entry, imported.found)
    except PluginError as error:
        return Plugin(entry, imported, verdict="malformed", failures=(_failure(entry, str(error)),))
    verdict: Verdict = "unknown" if imported.reason and made_for is None else hookversion.verdict(made_for)
    reason = _refusal(entry, imported, made_for, before)
    where = imported.where
    if reason is None:
        try:
            known, unknown = _implementations(imported.found, entry)
        except Exception as error:  # a plugin is any object
            reason, where = _in_words(error), spots(error, entry)
    if reason is not None:
        return Plugin(entry, imported, made_for, verdict, failures=(_failure(entry, reason, where=where),))
    results = [result for hook, function in known.items() for result in _offers(hook, function, entry)]
    failures = [*unknown, *(result for result in results if isinstance(result, Failure))]
    offers = tuple(result for result in results if isinstance(result, Offer))
    return Plugin(entry, imported, made_for, verdict, tuple(known), offers, tuple(failures))


def _stated(entry: Entry, found: Any) -> str | None:
    return hookversion.stated(found, sys.modules.get(entry.module))


def _refusal(entry: Entry, imported: Imported, made_for: str | None, before: Sequence[Plugin]) -> str | None:
    """Why a plugin's hooks are not even looked at; None: they are."""
    objection = hookversion.objection(made_for, entry.source.name)
    if imported.reason:
        return f"{imported.reason}; {objection}" if objection else imported.reason
    if hookversion.verdict(made_for) == "refused":
        return objection
    for other in before:
        if other.imported and other.imported.found is imported.found:
            text = f"{entry.value} is loaded already, as plugin {other.entry.name!r} of {other.entry.source}"
            return f"{text}; uninstall one of the two"
    return None


def _implementations(found: Any, entry: Entry) -> tuple[dict[str, Callable[[], Any]], list[Failure]]:
    """The hooks that a plugin implements, and a failure for each that there is not.

    A manager of its own for each plugin: an odd object (one that can't be compared, say) costs no other.
    """
    manager = pluggy.PluginManager("toonlab")
    manager.add_hookspecs(RegistrationHooks)
    manager.register(found, entry.name)
    known, unknown = {}, []
    for caller in manager.get_hookcallers(found) or ():
        if caller.has_spec():
            known[caller.name] = caller.get_hookimpls()[0].function
        else:
            unknown.append(_failure(entry, _unknown_hook(caller.name)))
    return known, unknown


def _unknown_hook(name: str) -> str:
    if hasattr(ObserverHooks, name):
        return f"hook {name!r} is heard by observers only; offer one by register_observers"
    hooks = (hook for hook in vars(RegistrationHooks) if not hook.startswith("_"))
    return f"hook {name!r} is unknown; {nearest(name, hooks)}"


def _offers(hook: str, implementation: Callable[[], Any], entry: Entry) -> Iterable[Offer | Failure]:
    """What a hook of a plugin offers, and a failure for each name that can't be used."""
    kind = hook.removeprefix("register_")
    try:
        offered = implementation()
        offered = dict(offered) if isinstance(offered, Mapping) else offered
    except (Exception, SystemExit) as error:
        yield _failure(entry, f"{hook} raised {type(error).__name__}: {error}", kind, spots(error, entry))
        return
    if not isinstance(offered, dict):
        got = type(offered).__name__
        yield _failure(entry, f"{hook} must return a mapping from name to factory, got {got}", kind)
        return
    for name, factory in offered.items():
        try:
            schema = Schema.of(factory, skip=KINDS[kind].injected)
        except Exception as error:  # a factory is any object, too
            yield _failure(entry, f"{KINDS[kind]} {name!r}: {_in_words(error)}", kind, spots(error, entry))
        else:
            yield Offer(kind, str(name), factory, schema, str(entry.source))


def _failure(entry: Entry, reason: str, kind: str | None = None, where: tuple[Spot, ...] = ()) -> Failure:
    return Failure(str(entry.source), entry.name, reason, kind, where)


def _in_words(error: Exception) -> str:
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
        "tunable": tunable and {"low": tunable.low, "high": tunable.high, "step": tunable.step, "log": tunable.log},
    }
