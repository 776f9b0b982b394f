"""The catalogue: what the installed plugins offer, and what is wrong with those that don't load."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import pluggy

from .errors import PluginError, RecipeError, nearest
from .hookspecs import Hears, Offers
from .parts import KINDS
from .schema import Schema, SchemaError

GROUP = "toonlab"
OWN = "toonlab"


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
    """A plugin (or one hook or name of it) that can't be used, and of which kind of part it costs; None: of any."""

    distribution: str
    plugin: str
    reason: str
    kind: str | None = None

    def __str__(self) -> str:
        return f"plugin {self.plugin!r} of {self.distribution}: {self.reason}"


@dataclass
class Catalogue:
    """What there is to build from: `catalogue.make("samplers", "ctss", patch_size=96)`."""

    offers: dict[str, dict[str, Offer]] = field(default_factory=lambda: {kind: {} for kind in KINDS})
    failures: list[Failure] = field(default_factory=list)
    clashes: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)

    def names(self, kind: str) -> list[str]:
        return sorted(self.offers[kind])

    def get(self, kind: str, name: str) -> Offer:
        """The offer of that name.

        Raises:
            PluginError: with the nearest name, the distributions that clash, or what failed to load.
        """
        if kind not in self.offers:
            raise PluginError(f"{kind!r}: no such kind of part; {nearest(kind, KINDS)}")
        if sources := self.clashes.get((kind, name)):
            raise PluginError(f"{name!r}: offered by {' and by '.join(sources)}; uninstall one, or set TOONLAB_PLUGINS")
        if name not in self.offers[kind]:
            text = f"{name!r}: no such {KINDS[kind]}; {nearest(name, self.offers[kind])}"
            raise PluginError(f"{text}{self._missing(kind)}")
        return self.offers[kind][name]

    def _missing(self, kind: str) -> str:
        """What failed to load and may have offered a part of that kind; the first in full, the others by a hint."""
        failed = [failure for failure in self.failures if failure.kind in (None, kind)]
        more = f"; {len(failed) - 1} more: see `toonlab plugins`" if len(failed) > 1 else ""
        return f"; not loaded: {failed[0]}{more}" if failed else ""

    def make(self, kind: str, name: str, /, **parameters: Any) -> Any:
        """Build a part. What the recipe gives is validated; what the engine fills in is passed as it is.

        Raises:
            PluginError: if there is no such part.
            RecipeError: with everything that is wrong with the parameters.
        """
        offer = self.get(kind, name)
        injected = {key: parameters.pop(key) for key in KINDS[kind].injected if key in parameters}
        values, problems = offer.schema.validate(parameters, name)
        if problems:
            raise RecipeError(str(KINDS[kind]), problems)
        return offer.factory(**values, **injected)

    def add(self, offer: Offer) -> None:
        """Take in an offer; a name offered twice is usable from neither."""
        key = (offer.kind, offer.name)
        if key in self.clashes:
            self.clashes[key] += (offer.distribution,)
        elif other := self.offers[offer.kind].pop(offer.name, None):
            self.clashes[key] = (other.distribution, offer.distribution)
        else:
            self.offers[offer.kind][offer.name] = offer

    def to_json(self) -> dict[str, Any]:
        kinds = {kind: [self.offers[kind][name].to_json() for name in self.names(kind)] for kind in KINDS}
        clashes = [{"kind": k, "name": n, "distributions": list(d)} for (k, n), d in self.clashes.items()]
        return {"kinds": kinds, "failures": [vars(failure) for failure in self.failures], "clashes": clashes}


def discover() -> Catalogue:
    """Load every plugin. One that fails is listed in `failures`, and the rest keeps working.

    `TOONLAB_PLUGINS=a,b` loads, besides toonlab's own, only those entry points; `TOONLAB_PLUGINS=` none besides.
    """
    catalogue = Catalogue()
    manager = pluggy.PluginManager("toonlab")
    manager.add_hookspecs(Offers)
    for entry in _entries(catalogue):
        distribution = f"{entry.dist.name} {entry.dist.version}" if entry.dist else "an unknown distribution"
        try:
            offers = list(_load(entry, manager, distribution))
        except PluginError as error:
            catalogue.failures.append(Failure(distribution, entry.name, str(error)))
            continue
        for offer in offers:
            if isinstance(offer, Offer):
                catalogue.add(offer)
            else:
                catalogue.failures.append(offer)
    return catalogue


def _entries(catalogue: Catalogue) -> list[EntryPoint]:
    found = sorted(entry_points(group=GROUP), key=lambda e: (e.dist is None or e.dist.name != OWN, e.name))
    wanted = os.environ.get("TOONLAB_PLUGINS")
    if wanted is None:
        return found
    names = {name.strip() for name in wanted.split(",") if name.strip()}
    for name in sorted(names - {entry.name for entry in found}):
        hint = nearest(name, (entry.name for entry in found))
        catalogue.failures.append(Failure("TOONLAB_PLUGINS", name, f"no entry point of that name is installed; {hint}"))
    return [entry for entry in found if entry.name in names or (entry.dist and entry.dist.name == OWN)]


def _load(entry: EntryPoint, manager: pluggy.PluginManager, distribution: str) -> Iterable[Offer | Failure]:
    """The offers of one plugin, and a failure for each hook or name of it that can't be used."""
    try:
        plugin = entry.load()
    except (Exception, SystemExit) as error:
        raise PluginError(f"failed to import {entry.value}: {type(error).__name__}: {error}") from error
    try:
        manager.register(plugin, f"{distribution}:{entry.name}")
    except (pluggy.PluginValidationError, ValueError) as error:
        raise PluginError(" ".join(str(error).split())) from error
    for caller in manager.get_hookcallers(plugin) or ():
        if not caller.has_spec():
            yield Failure(distribution, entry.name, _unknown_hook(caller.name))
            continue
        kind = caller.name.removeprefix("register_")
        for implementation in caller.get_hookimpls():
            if implementation.plugin is plugin:
                for offer in _offers(kind, implementation.function, distribution):
                    if isinstance(offer, PluginError):
                        yield Failure(distribution, entry.name, str(offer), kind)
                    else:
                        yield offer


def _unknown_hook(name: str) -> str:
    if hasattr(Hears, name):
        return f"hook {name!r} is heard by observers only; offer one by register_observers"
    return f"hook {name!r} is unknown; {nearest(name, (hook for hook in vars(Offers) if not hook.startswith('_')))}"


def _offers(kind: str, implementation: Callable[[], Any], distribution: str) -> Iterable[Offer | PluginError]:
    hook = f"register_{kind}"
    try:
        offered = implementation()
    except Exception as error:
        yield PluginError(f"{hook} raised {type(error).__name__}: {error}")
        return
    if not isinstance(offered, Mapping):
        yield PluginError(f"{hook} must return a mapping from name to factory, got {type(offered).__name__}")
        return
    for name, factory in offered.items():
        try:
            schema = Schema.of(factory, skip=KINDS[kind].injected)
        except (SchemaError, TypeError, ValueError) as error:
            yield PluginError(f"{KINDS[kind]} {name!r}: {error}")
        else:
            yield Offer(kind, str(name), factory, schema, distribution)


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
