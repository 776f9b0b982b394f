"""Hooks, kinds and Python names: their docstrings and signatures, which mkdocstrings puts in place of `::: name`."""

from __future__ import annotations

import typing
from collections.abc import Iterator
from importlib.util import find_spec

import toonlab
from toonlab.registry import hookspecs
from toonlab.registry import protocols as kinds_of_parts
from toonlab.registry.hookspecs import ObserverHooks, RegistrationHooks
from toonlab.registry.protocols import KINDS, Kind

HOOKS = """\
# Hooks

A [plugin](../plugins.md) is a module, or any object, with functions that are marked `@toonlab.hookimpl` and named as
below. A plugin states the versions of toonlab that it fits in its dependencies, such as `toonlab>=1,<2`.
"""
KINDS_OF_PARTS = """\
# Kinds of part

What a part of each kind has to do. A part is made by a factory: a frozen dataclass, an `nn.Module` class or a function,
whose annotated signature is its configuration. [Parts](parts.md) lists those that are there.
"""
PYTHON = """\
# Python names

What `import toonlab` offers, and modules for those who write parts. Other modules may change without notice.
"""
BESIDES = {  # what a part of a kind may do or be given besides, which its type does not tell
    "samplers": ["Explains"],
    "discriminator_losses": ["CriticParts"],
    "generators": ["ReadyMade"],
    "datasets": ["Images", "HasCartoons", "HasTest"],
    "metrics": ["Compares", "Describes"],
}
MODULES = ["toonlab.testing", "toonlab.ops.patch_grid", "toonlab.ops.windows", "toonlab.ops.layers"]


def hooks() -> str:
    return "\n\n".join(
        [HOOKS, *_hooks("What a plugin offers", RegistrationHooks), *_hooks("What an observer hears", ObserverHooks)]
    )


def _hooks(title: str, specs: type) -> Iterator[str]:
    yield f"## {title}"
    yield (specs.__doc__ or "").strip()
    for name in hooks_of(specs):
        yield _place(f"toonlab.registry.hookspecs.{specs.__name__}.{name}")


def hooks_of(specs: type) -> list[str]:
    """The hooks that a class of `toonlab.registry.hookspecs` specifies."""
    return [name for name, function in vars(specs).items() if hasattr(function, "toonlab_spec")]


def kinds() -> str:
    return "\n\n".join([KINDS_OF_PARTS, *(text for kind, about in KINDS.items() for text in _kind(kind, about))])


def _kind(kind: str, about: Kind) -> Iterator[str]:
    yield f"## {kind} {{: #{kind} }}"
    offered = f"[`register_{kind}`](hooks.md#toonlab.registry.hookspecs.RegistrationHooks.register_{kind})"
    yield f"{about.label.capitalize()}: {about.about}. Offered by {offered}; [those that are there](parts.md#{kind})."
    if about.injected:
        yield f"The engine fills in {' and '.join(f'`{name}`' for name in sorted(about.injected))}; a recipe can't."
    for name in [product(kind), *BESIDES.get(kind, [])]:
        if hasattr(kinds_of_parts, name):
            yield _place(f"toonlab.registry.protocols.{name}")


def product(kind: str) -> str:
    """The name of the type that the factories of a kind make."""
    hook = typing.get_type_hints(getattr(RegistrationHooks, f"register_{kind}"), vars(kinds_of_parts) | vars(hookspecs))
    factory = typing.get_args(hook["return"])[1]
    return typing.get_args(factory)[1].__name__


def python() -> str:
    text = [PYTHON, "## toonlab", *(_place(f"toonlab.{name}") for name in toonlab.__all__)]
    for module in MODULES:
        if find_spec(module):
            text += [f"## {module}", _place(module, "show_root_heading: false", "show_root_toc_entry: false")]
    return "\n\n".join(text)


def _place(name: str, *options: str) -> str:
    lines = [f"::: {name}", "    options:", "      heading_level: 3", *(f"      {option}" for option in options)]
    return "\n".join(lines)
