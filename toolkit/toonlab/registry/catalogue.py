"""The catalogue: what the installed plugins offer, and what is wrong with those that don't load."""

import gc
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from toonlab.errors import PluginError, RecipeError, closest, nearest

from . import metadata
from .loader import Failure, Offer, Plugin, load
from .metadata import Entry
from .protocols import KINDS

__all__ = ["Catalogue", "Failure", "Offer", "Plugin", "discover"]


@dataclass
class Catalogue:
    """What there is to build from: `catalogue.make("samplers", "ctss", patch_size=96)`."""

    offers: dict[str, dict[str, Offer]] = field(default_factory=lambda: {kind: {} for kind in KINDS})
    failures: list[Failure] = field(default_factory=list)
    clashes: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    plugins: list[Plugin] = field(default_factory=list)

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
            if not closest(name, self.offers[kind]):  # no mistyped name: perhaps one of a plugin
                text += "; if a plugin has it, pip install that (`toonlab plugins doctor`)"
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

    def take(self, plugin: Plugin) -> None:
        """Take in what came of loading a plugin."""
        self.plugins.append(plugin)
        self.failures += plugin.failures
        for offer in plugin.offers:
            self.add(offer)

    def to_json(self) -> dict[str, Any]:
        kinds = {kind: [self.offers[kind][name].to_json() for name in self.names(kind)] for kind in KINDS}
        clashes = [{"kind": k, "name": n, "distributions": list(d)} for (k, n), d in self.clashes.items()]
        return {"kinds": kinds, "failures": [failure.to_json() for failure in self.failures], "clashes": clashes}


def discover() -> Catalogue:
    """Load every plugin. One that fails is listed in `failures`, and the rest keeps working.

    `TOONLAB_PLUGINS=a,b` loads, besides toonlab's own, only those entry points; `TOONLAB_PLUGINS=` none besides.
    """
    catalogue = Catalogue()
    wanted = os.environ.get("TOONLAB_PLUGINS")
    names = None if wanted is None else {name.strip() for name in wanted.split(",") if name.strip()}
    found = metadata.entries(metadata.PLUGINS)
    catalogue.failures += _unknown(names or (), found)
    with _collector_paused():
        for entry in found:
            left_out = names is not None and not entry.own and entry.name not in names
            catalogue.take(Plugin(entry) if left_out else load(entry, catalogue.plugins))
    return catalogue


@contextmanager
def _collector_paused() -> Iterator[None]:
    """No garbage collection within the block: imports leave none, and torch's make each collection slow."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _unknown(names: Iterable[str], found: Iterable[Entry]) -> list[Failure]:
    """A failure for each name in `TOONLAB_PLUGINS` that is no entry point's."""
    known = {entry.name for entry in found}
    return [
        Failure("TOONLAB_PLUGINS", name, f"no entry point of that name is installed; {nearest(name, known)}")
        for name in sorted(set(names) - known)
    ]
