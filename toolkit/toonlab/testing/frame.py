"""What the tests of all kinds have in common: making the part, failing with advice, and running without pytest."""

from __future__ import annotations

import inspect
import pickle
import random
import time
import traceback
import unittest
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from functools import partial
from typing import Any, ClassVar, NoReturn, TypeVar

import numpy as np
import torch
from torch import Tensor

from toonlab.errors import PartError, first_line
from toonlab.inference.memory import peak_bytes
from toonlab.registry.protocols import KINDS
from toonlab.registry.schema import Schema, SchemaError

T = TypeVar("T")


class PartTests:
    """Tests of one part; a subclass for each kind. An author's class names the factory, and parameters where needed.

    Every test makes parts of its own. A failure is an `AssertionError` that says what was expected, what was got, and
    what to change; what does not apply is skipped with the reason.
    """

    kind: ClassVar[str]
    factory: ClassVar[Any]
    parameters: ClassVar[Mapping[str, Any]] = {}

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
            return self.build(**{**self.parameters, **self.injected(), **changes})

    def injected(self) -> Mapping[str, Any]:
        """What the engine fills in."""
        return {}

    # -- for every kind

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

    # -- what tests are written with

    def fail(self, message: str) -> NoReturn:
        __tracebackhide__ = True
        raise AssertionError(f"{self.name}: {message}")

    def expect(self, condition: Any, message: str) -> None:
        __tracebackhide__ = True
        if not bool(condition):
            self.fail(message)

    def tried(self, what: str, work: Callable[..., T], *arguments: Any) -> T:
        """What a call gives that has to work; what is raised instead becomes a failure that says at what."""
        __tracebackhide__ = True
        try:
            return work(*arguments)
        except Exception as error:
            if _ours(error):
                raise
            raise AssertionError(f"{self.name}: {what}: {_told(error)}") from error

    def has(self, part: Any, names: Sequence[str], advice: str) -> None:
        __tracebackhide__ = True
        missing = [name for name in names if not hasattr(part, name)]
        self.expect(not missing, f"has no {', '.join(missing)}; {advice}")

    def finite(self, tensor: Tensor, what: str, advice: str) -> None:
        __tracebackhide__ = True
        count = int((~torch.isfinite(tensor)).sum())
        self.expect(not count, f"{count} of {tensor.numel()} values of {what} are NaN or infinite; {advice}")

    @contextmanager
    def unchanged(self, given: Any) -> Iterator[None]:
        """Within, no tensor of an input is changed."""
        __tracebackhide__ = True
        before = {name: tensor.detach().clone() for name, tensor in _tensors(given).items()}
        yield
        changed = [name for name, tensor in _tensors(given).items() if not torch.equal(tensor, before[name])]
        text = f"changes its input ({', '.join(changed)}) in place; work on a copy, `x * 2` not `x *= 2`"
        self.expect(not changed, text)

    def draws_only_from(self, source: str, work: Callable[[], Sequence[Tensor]]) -> None:
        """Nothing is drawn from the global generators of torch, numpy and Python; `source` is what to draw from."""
        __tracebackhide__ = True
        before = _random_states()
        work()
        for library, state in _random_states().items():
            advice = f"draw from {source} and from nothing else"
            self.expect(state == before[library], f"draws from {library}'s global generator; {advice}")
        self.independent_of_global_seeds(source, work)

    def independent_of_global_seeds(self, source: str, work: Callable[[], Sequence[Tensor]]) -> None:
        """Also of what is drawn from a global generator that is put back afterwards, which leaves no trace in it."""
        __tracebackhide__ = True
        found = []
        for seed in (1, 1, 2):
            with globally_seeded(seed):
                found.append([tensor.detach() for tensor in work()])
        repeatable = all(map(equal, found[0], found[1]))  # if not, the cause is another, and another test says so
        self.expect(
            not repeatable or all(map(equal, found[1], found[2])),
            "gives something else when the global generators of torch, numpy and Python are seeded otherwise; draw "
            f"from {source} and from nothing else",
        )

    def print_cost(self, work: Callable[[], object], what: str) -> None:
        """Prints the median time of five calls, of fewer if they are slow, and the peak of memory that tensors take."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the profiler's own
            peak = peak_bytes(work, torch.device("cpu"))
        times: list[float] = []
        while len(times) < 5 and sum(times) < 0.5:
            start = time.perf_counter()
            work()
            times.append(time.perf_counter() - start)
        middle = sorted(times)[len(times) // 2]
        print(f"{self.name}: {1000 * middle:.2f} ms and {peak / 2**20:.1f} MiB of memory for {what}")


def skip(reason: str) -> NoReturn:
    """pytest takes it for its own."""
    raise unittest.SkipTest(reason)


def refused(work: Callable[..., Any], *arguments: Any) -> str | None:
    """The text with which a part refuses its input, by a `PartError`; None if it takes it."""
    __tracebackhide__ = True
    try:
        work(*arguments)
    except PartError as error:
        return str(error)
    return None


def equal(one: Tensor | None, other: Tensor | None) -> bool:
    """Bit for bit; or neither is there."""
    if one is None or other is None:
        return one is other
    return one.shape == other.shape and torch.equal(one, other)


def _tensors(value: Any, *path: str) -> dict[str, Tensor]:
    """The tensors of an input by the names of its fields, such as `context.photo`."""
    if isinstance(value, Tensor):
        return {".".join(path) or "images": value}
    if is_dataclass(value):
        value = {field.name: getattr(value, field.name) for field in fields(value)}
    found: dict[str, Tensor] = {}
    for key, inner in value.items() if isinstance(value, Mapping) else ():
        found |= _tensors(inner, *path, key)
    return found


def _ours(error: Exception) -> bool:
    """Whether a test has failed, not an `assert` of the part's own."""
    return isinstance(error, AssertionError) and traceback.extract_tb(error.__traceback__)[-1].filename == __file__


def _told(error: Exception) -> str:
    last = traceback.extract_tb(error.__traceback__)[-1]
    text = f": {first_line(error)}" if str(error) else ""
    return f"{type(error).__name__}{text} ({last.filename.rpartition('/')[2]}:{last.lineno})"


def _random_states() -> dict[str, object]:
    numpy_state = pickle.dumps(np.random.get_state())  # noqa: NPY002
    return {"torch": torch.get_rng_state().tolist(), "numpy": numpy_state, "Python": random.getstate()}


@contextmanager
def globally_seeded(seed: int) -> Iterator[None]:
    """Within, the random states of torch, numpy and Python are others; afterwards they are what they were."""
    numpy_state, python_state = np.random.get_state(), random.getstate()  # noqa: NPY002
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        np.random.seed(seed)  # noqa: NPY002
        random.seed(seed)
        try:
            yield
        finally:
            np.random.set_state(numpy_state)  # noqa: NPY002
            random.setstate(python_state)


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
            found[test] = str(error) if _ours(error) else _told(error)
    return found


def names(tests: type[PartTests]) -> list[str]:
    """The tests of a kind, in the order in which they are written: those of all kinds first, what it costs last."""
    found: dict[str, None] = {}
    for cls in reversed(tests.__mro__):
        found |= {name: None for name in vars(cls) if name.startswith("test_")}
    return sorted(found, key=lambda name: name == "test_cost")
