"""Hooks, kinds, Python names and tensor functions: mkdocstrings replaces `::: name` by docstring and signature."""

from __future__ import annotations

import pkgutil
import typing
from collections.abc import Iterator

from torch import nn

import toonlab
import toonlab.ops
from toonlab.registry import executors, hookspecs
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

The interface of the parts of each kind. A factory makes a part: a frozen dataclass, an `nn.Module` class or a function,
whose annotated signature is its configuration. [Parts](parts.md) lists the parts that ship with toonlab.
"""
PROMISE = """\
Public are the names of `toonlab`, `toonlab.ops` and `toonlab.testing` without a leading underscore. From version 1.0
on they follow [semantic versioning](https://semver.org): a name, its parameters, shapes and value ranges change in a
major version only, and a minor version may add names and optional parameters. Until then a minor version may change
them, and the [changelog](../changelog.md) says what to replace. All other modules may change without notice.
"""
PYTHON = f"""\
# Python names

The names of `import toonlab`, and the tests for authors of parts. [Tensor functions](ops.md) have a page of their own.

{PROMISE}"""
OPS = f"""\
# Tensor functions

`toonlab.ops` has functions and layers that several methods share: `from toonlab.ops.filters import guided_filter`.
Plugins may import them, as the plugins that ship with toonlab do. Images are `(B, C, H, W)`, floating point, and pixels
are in [-1, 1], unless a function says otherwise. Functions are differentiable where they do not say otherwise, and work
on CPUs and GPUs.

{PROMISE}
Where a function reproduces its source (a paper, TensorFlow 1, OpenCV), the tests compare its values with the source's.
Within a major version they change by rounding at most. The code of `toonlab.ops` is a part of a run's identity: after a
change of it a run is trained again.
"""
ALSO = {  # further protocols of a kind: optional abilities of its parts, and types of their arguments
    "samplers": ["Explains"],
    "discriminator_losses": ["CriticParts"],
    "features": ["NeedsFiles"],
    "generators": ["Encoder", "HasManifest", "ReadyMade"],
    "datasets": ["Images", "HasCartoons", "HasCrops", "HasPairs", "HasTest"],
    "metrics": ["Compares", "OnDevice", "OfStream", "Describes", "HasScores"],
    "executors": ["Slot", "TaskContext", "UnfitSlotError"],
}
OPS_MODULES = [f"toonlab.ops.{module.name}" for module in pkgutil.iter_modules(toonlab.ops.__path__)]


def hooks() -> str:
    return "\n\n".join(
        [HOOKS, *_hooks("Registration of parts", RegistrationHooks), *_hooks("Observers", ObserverHooks)]
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
    yield f"{about.label.capitalize()}: {about.about}. Registered by {offered}; [the parts that ship](parts.md#{kind})."
    if about.injected:
        yield f"The engine fills in {' and '.join(f'`{name}`' for name in sorted(about.injected))}; a recipe can't."
    for name in [product(kind), *ALSO.get(kind, [])]:
        for module in (kinds_of_parts, executors):
            if getattr(vars(module).get(name), "__module__", "") == module.__name__:
                yield _place(f"{module.__name__}.{name}")


def product(kind: str) -> str:
    """The name of the type that the factories of a kind make."""
    names = vars(kinds_of_parts) | vars(executors) | vars(hookspecs) | {"nn": nn}
    hook = typing.get_type_hints(getattr(RegistrationHooks, f"register_{kind}"), names)
    factory = typing.get_args(hook["return"])[1]
    return typing.get_args(factory)[1].__name__


def python() -> str:
    names = [_place(f"toonlab.{name}") for name in toonlab.__all__]
    return "\n\n".join([PYTHON, "## toonlab", *names, *_module("toonlab.testing")])


def ops() -> str:
    return "\n\n".join([OPS, *(text for module in OPS_MODULES for text in _module(module))])


def _module(name: str) -> list[str]:
    return [f"## {name}", _place(name, "show_root_heading: false", "show_root_toc_entry: false")]


def _place(name: str, *options: str) -> str:
    lines = [f"::: {name}", "    options:", "      heading_level: 3", *(f"      {option}" for option in options)]
    return "\n".join(lines)
