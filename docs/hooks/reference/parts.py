"""Every part of toonlab's own plugins, with its parameters."""

from __future__ import annotations

from collections.abc import Iterator

from toonlab import discover
from toonlab.cli.listing import default_of, search_range
from toonlab.registry.catalogue import Offer
from toonlab.registry.protocols import KINDS
from toonlab.registry.schema import Parameter

from .text import code, docstring, table

INTRODUCTION = """\
# Parts

What toonlab's own plugins offer, by kind: `toonlab plugins` prints the same with what is installed besides. A part is
named in a [recipe](../recipes.md) as `{use: NAME, parameter: value}`. *Searched* is the range that `toonlab tune` takes
for `auto`.
"""


def parts() -> str:
    catalogue = discover()
    text = [INTRODUCTION]
    for kind, about in KINDS.items():
        text.append(f"## {kind} {{: #{kind} }}\n\nA {about.label} {_says(about.about)}.")
        for name in catalogue.names(kind):
            if catalogue.offers[kind][name].distribution.startswith("toonlab "):
                text += _part(catalogue.offers[kind][name])
    return "\n\n".join(text)


def _says(about: str) -> str:
    return about if about.split()[0] in ("chooses", "changes", "receives") else f"is {about}"


def _part(offer: Offer) -> Iterator[str]:
    about, of_parameters = docstring(offer.factory)
    yield f"### `{offer.name}` {{: #{offer.kind}-{offer.name} }}"
    yield about
    rows = [_row(one, of_parameters.get(one.name, "")) for one in offer.schema.parameters.values()]
    if rows:
        yield table(("parameter", "type", "default", "searched", "meaning"), rows)


def _row(parameter: Parameter, meaning: str) -> tuple[str, ...]:
    default = "must be given" if parameter.required else code(default_of(parameter))
    searched = search_range(parameter.tunable) if parameter.tunable else ""
    return code(parameter.name), code(parameter.expected), default, searched, meaning
