"""What the tests of all kinds have in common: making the part, failing with advice, and running without pytest."""

import inspect
import unittest
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar

import torch

from toonlab.registry.protocols import KINDS
from toonlab.registry.schema import Schema, SchemaError

from .assertions import Assertions, ours, refused, skip, told


class PartTests(Assertions):
    """Tests of one part; a subclass for each kind. An author's class names the factory, and parameters where needed.

    Every test makes parts of its own. A failure is an `AssertionError` that says what was expected, what was got, and
    what to change; what does not apply is skipped with the reason.
    """

    kind: ClassVar[str]
    factory: ClassVar[Any]
    parameters: ClassVar[Mapping[str, Any]] = {}
    methods: ClassVar[Sequence[str]] = ()  # that a part must have
    attributes: ClassVar[Sequence[str]] = ()  # that it must have besides
    advice: ClassVar[str] = ""  # where one of them is missing

    @property
    def build(self) -> Callable[..., Any]:
        """The factory as it is: a function is not bound to the test."""
        found = inspect.getattr_static(type(self), "factory", None)
        if found is None:
            raise AssertionError(f"{type(self).__name__} has no `factory`; add `factory = YourClass`")
        return found.__func__ if isinstance(found, staticmethod) else found

    @property
    def name(self) -> str:
        return getattr(self.build, "__name__", repr(self.build))

    def make(self, **changes: Any) -> Any:
        """A new part, with what the engine fills in."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            made = self.build(**{**self.parameters, **self.injected(), **changes})
        missing = [name for name in self.attributes if not hasattr(made, name)]
        missing += [name for name in self.methods if not callable(getattr(made, name, None))]
        self.expect(not missing, f"has no {', '.join(missing)}; {self.advice}")
        return made

    def injected(self) -> Mapping[str, Any]:
        """What the engine fills in."""
        return {}

    def test_the_signature_is_a_schema(self) -> None:
        try:
            schema = Schema.of(self.build, KINDS[self.kind].injected)
        except SchemaError as error:
            self.fail(str(error))
        missing = [n for n, p in schema.parameters.items() if p.required and n not in self.parameters]
        advice = "give it a default, or a value in `parameters` if there can be none"
        self.expect(not missing, f"{', '.join(missing)} must be given: {advice}")

    def test_both_ends_of_every_search_range_are_allowed(self) -> None:
        """A `PartError` is allowed: searches pass over combinations that do not fit together."""
        try:
            schema = Schema.of(self.build, KINDS[self.kind].injected)
        except SchemaError:
            skip("its signature is no schema, as another test says")
        ends = [(p, end) for p in schema.parameters.values() if p.tunable for end in (p.tunable.low, p.tunable.high)]
        if not ends:
            skip("no parameter declares a search range")
        for parameter, end in ends:
            name, value = parameter.name, int(end) if parameter.type_name == "int" and end == int(end) else end
            _, problems = schema.validate({**self.parameters, name: value}, self.name)
            self.expect(
                not any(problem.path.endswith(f".{name}") for problem in problems),
                f"Tunable of {name!r} has the end {value}, which its own annotation refuses ({parameter.expected}); "
                "make the range smaller or the constraint wider",
            )
            text = f"can't be made with {name}={value}, an end of its own Tunable; make the range smaller"
            self.tried(text, refused, partial(self.make, **{name: value}))


# -- without pytest


def check(tests: type[PartTests], factory: Callable[..., Any], /, **parameters: Any) -> None:
    """Run every test of a kind on `factory(**parameters)`.

    Raises:
        AssertionError: with a line for each test that failed: its name, and what to change.
    """
    if failed := failures(tests, factory, parameters):
        raise AssertionError("\n".join(f"{test}: {text}" for test, text in failed.items()))


def failures(tests: type[PartTests], factory: Callable[..., Any], parameters: Mapping[str, Any]) -> dict[str, str]:
    """Each test that fails on a factory, with what it says."""
    case = type(f"Of{tests.__name__}", (tests,), {"factory": staticmethod(factory), "parameters": parameters})
    found = {}
    for test in names(tests):
        try:
            getattr(case(), test)()
        except unittest.SkipTest:
            continue
        except Exception as error:
            found[test] = str(error) if ours(error) else told(error)
    return found


def names(tests: type[PartTests]) -> list[str]:
    """The tests of a kind, in the order in which they are written: those of all kinds first, what it costs last."""
    found: dict[str, None] = {}
    for cls in reversed(tests.__mro__):
        found |= {name: None for name in vars(cls) if name.startswith("test_")}
    return sorted(found, key=lambda name: name == "test_cost")
