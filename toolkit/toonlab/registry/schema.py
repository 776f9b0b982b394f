"""A factory's annotated signature as its configuration schema.

`Annotated[int, Field(gt=0), Tunable(16, 128, step=16)]`: pydantic checks the type and the constraint, `Tunable` is the
search range. The engine's own sections (`train`, `evaluate`) are frozen dataclasses that go the same way.
"""

from __future__ import annotations

import copy
import dataclasses
import inspect
import typing
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import PurePath
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union

from pydantic import ConfigDict, TypeAdapter, ValidationError

from toonlab.errors import Problem, ToonlabError, nearest
from toonlab.types import OfKind
from toonlab.utils import yaml
from toonlab.utils.paths import expanded
from toonlab.utils.yaml import MUST_BE_GIVEN

from .protocols import KINDS, Tunable

RESERVED = frozenset({"use", "weight"})
_TORCH_NAMES = {"Iterable": list, "Callable": Callable}  # which torch imports for type checkers only
_SYMBOLS = {"gt": ">", "ge": ">=", "lt": "<", "le": "<=", "multiple_of": "a multiple of", "min_length": "length >="}


class SchemaError(Exception):
    """A factory whose signature can't be a schema; the text says which parameter and why."""


class Typed(str):
    """A value on the command line, before it is known which parameter it is for; see `Parameter.read`."""


@dataclass(frozen=True)
class Parameter:
    """One parameter of a factory. `default` is `inspect.Parameter.empty` where there is none."""

    name: str
    annotation: Any
    default: Any

    @cached_property
    def adapter(self) -> TypeAdapter[Any]:
        """Checks values; numbers are finite, as they have to be in JSON."""
        try:
            return TypeAdapter(self.annotation, config=ConfigDict(arbitrary_types_allowed=True, allow_inf_nan=False))
        except Exception:  # a type with a configuration of its own
            return TypeAdapter(self.annotation)

    @property
    def required(self) -> bool:
        return self.default is inspect.Parameter.empty

    @property
    def metadata(self) -> tuple[Any, ...]:
        return tuple(_metadata(self.annotation))

    @property
    def type_name(self) -> str:
        return type_name(self.annotation)

    @property
    def constraints(self) -> str:
        """For people: `> 0, <= 16`."""
        found = ((key, getattr(item, key, None)) for item in self.metadata for key in _SYMBOLS)
        return ", ".join(f"{_SYMBOLS[key]} {value}" for key, value in found if value is not None)

    @property
    def part_kind(self) -> str | None:
        """The kind of part that it is, if it is one."""
        return next((item.kind for item in self.metadata if isinstance(item, OfKind)), None)

    @property
    def tunable(self) -> Tunable | None:
        return next((item for item in self.metadata if isinstance(item, Tunable)), None)

    @property
    def expected(self) -> str:
        return f"{self.type_name}, {self.constraints}" if self.constraints else self.type_name

    @property
    def bad_default(self) -> str | None:
        """What is wrong with the default, if its own annotation refuses it."""
        try:
            if not self.required:
                self.adapter.validate_python(self.default)
        except ValidationError:
            return f"the default of parameter {self.name!r} is {self.default!r}, which is not {self.expected}"
        return None

    def read(self, typed: Typed, where: str) -> Any:
        """A typed value: the very text where the parameter takes text or a path, else YAML.

        Nothing is null, and so is `null` where the parameter may be null. Where it may be of another type, too, such as
        `int | str`, text that is YAML of that type is of that type.

        Raises:
            ToonlabError: if it is no YAML.
        """
        arms = [_plain(arm) for arm in _arms(self.annotation) or (self.annotation,)]
        others = [arm for arm in arms if not _takes_text(arm, typed)]
        if others == arms or not typed or (typed == "null" and NoneType in arms):
            return yaml.load(typed, where)
        try:
            value = yaml.load(typed, where)
            if not isinstance(value, str | None):
                return _validate(Parameter(self.name, Union[tuple(others)], None), value)  # noqa: UP007 (of a tuple)
        except (ToonlabError, ValueError, TypeError):  # no YAML, of no other type, or there is no other type
            pass
        return str(typed)

    def to_json(self, value: Any) -> Any:
        """A value of this parameter as JSON holds it: paths as text, tuples as lists."""
        return self.adapter.dump_python(value, mode="json", warnings="none")


@dataclass(frozen=True)
class Schema:
    """What a factory may be configured with."""

    parameters: Mapping[str, Parameter]

    @classmethod
    def of(cls, factory: Callable[..., Any], skip: frozenset[str] = frozenset(), *, strict: bool = True) -> Schema:
        """Read a factory's signature; a schema is kept, since every recipe asks for it again.

        Args:
            factory: a dataclass, another class, or a function.
            skip: parameters that the engine fills in.
            strict: refuse what a plugin must not do (no annotation, `**kwargs`, reserved names); torch's own classes
                are read with `strict=False`.

        Raises:
            SchemaError: naming the parameter.
        """
        read = _read if isinstance(factory, Hashable) else _read.__wrapped__
        return read(factory, skip, strict)

    def validate(self, values: Mapping[str, Any], path: str) -> tuple[dict[str, Any], list[Problem]]:
        """Check values against the schema; `path` is the dotted path of the mapping that holds them, perhaps empty.

        Returns:
            All parameters that have a valid value or a default, and what is wrong with the rest.
        """
        prefix = f"{path}." if path else ""
        unknown = [name for name in map(str, values) if name not in self.parameters]
        problems = [Problem(f"{prefix}{name}", f"unknown; {nearest(name, self.parameters)}") for name in unknown]
        valid: dict[str, Any] = {}
        for name, parameter in self.parameters.items():
            where = f"{prefix}{name}"
            value = values.get(name)
            if isinstance(value, Typed):
                value = parameter.read(value, where)
            if name not in values and not parameter.required:
                valid[name] = copy.copy(parameter.default)
            elif name not in values:
                problems.append(Problem(where, f"missing; give {parameter.expected}"))
            elif isinstance(value, str) and value == MUST_BE_GIVEN:
                problems.append(Problem(where, f"must be given: {where}=…, {parameter.expected}"))
            else:
                try:
                    valid[name] = _validate(parameter, value)
                except ValueError as error:
                    text = f"got {value!r}, expected {parameter.expected}{_detail(error)}"
                    problems.append(Problem(where, text))
        return valid, problems


@cache
def _read(factory: Callable[..., Any], skip: frozenset[str], strict: bool) -> Schema:
    hints = _hints(factory)
    fields = dataclasses.fields(factory) if dataclasses.is_dataclass(factory) else ()
    made = {field.name: field.default_factory for field in fields if callable(field.default_factory)}
    found = {}
    for name, parameter in inspect.signature(factory).parameters.items():
        if name in skip:
            continue
        default = made[name]() if name in made else parameter.default
        found[name] = Parameter(name, hints.get(name, Any), default)
        if strict and (objection := _objection(parameter, name in hints) or found[name].bad_default):
            raise SchemaError(objection)
    return Schema(found)


def _validate(parameter: Parameter, value: Any) -> Any:
    if isinstance(value, bool) and not _admits_bool(parameter.annotation):
        raise ValueError
    if isinstance(value, str) and any(_is_path(arm) for arm in _arms(parameter.annotation) or (parameter.annotation,)):
        value = expanded(value)
    return parameter.adapter.validate_python(value)


def _detail(error: ValueError) -> str:
    """The text of a part's own validator, which says more than the type."""
    found = error.errors() if isinstance(error, ValidationError) else []
    own = [each["msg"] for each in found if each["type"] in ("value_error", "assertion_error")]
    return f" ({'; '.join(text.removeprefix('Value error, ') for text in own)})" if own else ""


def _admits_bool(annotation: Any) -> bool:
    plain = _plain(annotation)
    if typing.get_origin(plain) is Literal:
        return any(isinstance(value, bool) for value in typing.get_args(plain))
    return plain in (bool, Any, object) or any(_admits_bool(arm) for arm in _arms(annotation))


def _is_torch(factory: Callable[..., Any]) -> bool:
    return str(getattr(factory, "__module__", "")).startswith("torch.")


def _hints(factory: Callable[..., Any]) -> dict[str, Any]:
    target = factory
    if inspect.isclass(factory) and not dataclasses.is_dataclass(factory):
        target = factory.__init__
    try:
        return typing.get_type_hints(target, localns=_TORCH_NAMES if _is_torch(factory) else None, include_extras=True)
    except Exception as error:
        raise SchemaError(f"its annotations can't be read: {error}") from error


def _objection(parameter: inspect.Parameter, annotated: bool) -> str | None:
    """What a plugin must not do."""
    name = parameter.name
    if parameter.kind in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL):
        return f"takes {str(parameter).split(':')[0]}; name each parameter, since the signature is the schema"
    if parameter.kind is parameter.POSITIONAL_ONLY:
        return f"parameter {name!r} is positional-only; it is passed by name"
    if name in RESERVED:
        return f"parameter {name!r} has a reserved name; rename it"
    return None if annotated else f"parameter {name!r} has no annotation; write {name}: int, say"


def _metadata(annotation: Any) -> Iterator[Any]:
    if typing.get_origin(annotation) is Annotated:
        for item in typing.get_args(annotation)[1:]:
            yield item
            yield from getattr(item, "metadata", ())  # pydantic's Field keeps its constraints there
    for arm in _arms(annotation):
        yield from _metadata(arm)


def _takes_text(plain: Any, text: str) -> bool:
    """Whether a type is text, a path, or a choice with this very text."""
    if typing.get_origin(plain) is Literal:
        return text in [value for value in typing.get_args(plain) if isinstance(value, str)]
    return isinstance(plain, type) and issubclass(plain, str | PurePath)


def _is_path(annotation: Any) -> bool:
    plain = _plain(annotation)
    return isinstance(plain, type) and issubclass(plain, PurePath)


def _arms(annotation: Any) -> tuple[Any, ...]:
    """The types of a union; none for another type."""
    plain = _plain(annotation)
    return typing.get_args(plain) if typing.get_origin(plain) in (typing.Union, UnionType) else ()


def _plain(annotation: Any) -> Any:
    return typing.get_args(annotation)[0] if typing.get_origin(annotation) is Annotated else annotation


def type_name(annotation: Any) -> str:
    """A type as people write it: `int`, `batch | image`, `list[str]`, `Path | null`, `sampler | null`."""
    plain = _plain(annotation)
    if kind := next((item.kind for item in getattr(annotation, "__metadata__", ()) if isinstance(item, OfKind)), None):
        return KINDS[kind].label
    origin, arms = typing.get_origin(plain), typing.get_args(plain)
    if origin is Literal:
        return " | ".join(str(value) for value in arms)
    if _arms(annotation):
        return " | ".join(type_name(arm) for arm in arms)
    if plain in (None, NoneType):
        return "null"
    if origin is not None:
        return f"{getattr(origin, '__name__', origin)}[{', '.join(type_name(arm) for arm in arms)}]"
    return str(getattr(plain, "__name__", plain)).removeprefix("typing.").replace("Ellipsis", "...")
