"""What the tests of all kinds have in common: making the part, failing with advice, and running without pytest."""

from __future__ import annotations

import copy
import inspect
import io
import pickle
import random
import time
import traceback
import unittest
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar, NoReturn, TypeVar

import numpy as np
import torch
from torch import Tensor

from toonlab.errors import PartError, first_line
from toonlab.inference.memory import peak_bytes
from toonlab.registry.protocols import KINDS
from toonlab.registry.schema import Parameter, Schema, SchemaError

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
            fail(f"{type(self).__name__} has no `factory`; add `factory = YourClass`")
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
            fail(f"{self.name}: {error}")
        missing = [n for n, p in schema.parameters.items() if p.required and n not in self.parameters]
        expect(
            not missing,
            f"{self.name}: {', '.join(missing)} must be given: give it a default, or a value in `parameters` if there "
            f"can be none",
        )

    def test_both_ends_of_every_search_range_are_allowed(self) -> None:
        try:
            schema = Schema.of(self.build, KINDS[self.kind].injected)
        except SchemaError:
            skip("its signature is no schema, as another test says")
        ranges = {name: p for name, p in schema.parameters.items() if p.tunable}
        if not ranges:
            skip("no parameter declares a search range")
        for name, parameter in ranges.items():
            for end in self._ends(parameter):
                _, problems = schema.validate({**self.parameters, name: end}, self.name)
                expect(
                    not [p for p in problems if p.path.endswith(f".{name}")],
                    f"{self.name}: Tunable of {name!r} has the end {end}, which its own annotation refuses "
                    f"({parameter.expected}); make the range smaller or the constraint wider",
                )
                self._built(name, end)

    def _built(self, name: str, end: float) -> None:
        """A `PartError` is allowed: searches pass over combinations that do not fit together."""
        __tracebackhide__ = True
        text = f"{self.name} can't be made with {name}={end}, an end of its own Tunable; make the range smaller"
        tried(text, refused, lambda: self.make(**{name: end}))

    def _ends(self, parameter: Parameter) -> list[float]:
        assert parameter.tunable
        whole = parameter.type_name == "int"
        ends = (parameter.tunable.low, parameter.tunable.high)
        return [int(end) if whole and end == int(end) else end for end in ends]


def expect(condition: Any, message: str) -> None:
    __tracebackhide__ = True
    if not bool(condition):
        raise AssertionError(message)


def fail(message: str) -> NoReturn:
    __tracebackhide__ = True
    raise AssertionError(message)


def skip(reason: str) -> NoReturn:
    """pytest takes it for its own."""
    raise unittest.SkipTest(reason)


def skip_unless(condition: Any, reason: str) -> None:
    """For what another test finds wrong already."""
    if not bool(condition):
        skip(f"{reason}, as another test says")


def tried(what: str, work: Callable[..., T], *arguments: Any) -> T:
    """What a call gives that has to work; what is raised instead becomes a failure that says at what."""
    __tracebackhide__ = True
    try:
        return work(*arguments)
    except Exception as error:
        if _ours(error):
            raise
        raise AssertionError(f"{what}: {_told(error)}") from error


def _ours(error: Exception) -> bool:
    """Whether a test has failed, not an `assert` of the part's own."""
    return isinstance(error, AssertionError) and traceback.extract_tb(error.__traceback__)[-1].filename == __file__


def _told(error: Exception) -> str:
    last = traceback.extract_tb(error.__traceback__)[-1]
    text = f": {first_line(error)}" if str(error) else ""
    return f"{type(error).__name__}{text} ({last.filename.rpartition('/')[2]}:{last.lineno})"


def refused(work: Callable[..., Any], *arguments: Any) -> str | None:
    """The text with which a part refuses its input, by a `PartError`; None if it takes it."""
    __tracebackhide__ = True
    try:
        work(*arguments)
    except PartError as error:
        return str(error)
    return None


@contextmanager
def no_global_draws(name: str, instead: str) -> Iterator[None]:
    """Within, nothing is drawn from the random states of torch, numpy and Python."""
    __tracebackhide__ = True
    before = _random_states()
    yield
    for library, state in _random_states().items():
        expect(
            state == before[library],
            f"{name} draws from {library}'s global generator; draw from {instead} and from nothing else",
        )


def _random_states() -> dict[str, bytes]:
    states = (np.random.get_state(), random.getstate())  # noqa: NPY002
    numpy_state, python_state = (pickle.dumps(state) for state in states)
    return {"torch": torch.get_rng_state().numpy().tobytes(), "numpy": numpy_state, "Python": python_state}


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


def independent_of_global_seeds(name: str, work: Callable[[], Sequence[Tensor]], instead: str) -> None:
    """Also of what is drawn from a global generator that is put back afterwards, which leaves no trace in it."""
    __tracebackhide__ = True
    found = []
    for seed in (1, 1, 2):
        with globally_seeded(seed):
            found.append([tensor.detach() for tensor in work()])
    repeatable = _equal(found[0], found[1])  # if not, the cause is another, and another test says so
    expect(
        not repeatable or _equal(found[1], found[2]),
        f"{name} gives something else when the global generators of torch, numpy and Python are seeded otherwise; draw "
        f"from {instead} and from nothing else",
    )


def same_twice(name: str, first: Tensor | None, second: Tensor | None, what: str, cause: str) -> None:
    """Both are there and equal, bit for bit, or neither is."""
    __tracebackhide__ = True
    if first is None or second is None:
        expect(first is second, f"{name}: {what} are given once and not the other time; {cause}")
        return
    same = first.shape == second.shape and torch.equal(first, second)
    expect(same, f"{name}: {what} differ between two calls; {cause}")


def finite(name: str, tensor: Tensor, what: str, advice: str) -> None:
    __tracebackhide__ = True
    count = int((~torch.isfinite(tensor)).sum())
    expect(not count, f"{name}: {count} of {tensor.numel()} values of {what} are NaN or infinite; {advice}")


def unchanged(name: str, before: Mapping[str, Tensor], after: Mapping[str, Tensor]) -> None:
    __tracebackhide__ = True
    for key, tensor in before.items():
        expect(
            torch.equal(tensor, after[key]),
            f"{name} changes its input ({key}) in place; work on a copy, `x * 2` not `x *= 2`",
        )


def traced(name: str, part: Any, work: Callable[..., Any]) -> Callable[..., Any]:
    """A function through torch.compile's front end, without the slow compiler behind it.

    A part says that it does not work there by an attribute `compiles = False`.
    """
    if getattr(part, "compiles", True) is False:
        skip(f"{name} says that it does not work under torch.compile (`compiles = False`)")
    torch._dynamo.reset()
    compiled = torch.compile(work, backend="eager", dynamic=False)

    def quietly(*arguments: Any) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what is left out of the compiled part
            return compiled(*arguments)

    return quietly


def _equal(some: Sequence[Tensor], others: Sequence[Tensor]) -> bool:
    return all(one.shape == other.shape and torch.equal(one, other) for one, other in zip(some, others, strict=True))


def gpu() -> torch.device:
    if not torch.cuda.is_available():
        skip("there is no GPU here")
    return torch.device("cuda")


def print_cost(name: str, work: Callable[[], object], what: str) -> None:
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
    print(f"{name}: {1000 * middle:.2f} ms and {peak / 2**20:.1f} MiB of memory for {what}")


def goes_on(name: str, make: Callable[[], Any], use: Callable[[Any, int], Sequence[Tensor]]) -> None:
    """A new part with the state of the old one does what the old one would have done.

    The engine keeps a part's `state_dict`, where it has one, and nothing else of it: nothing is pickled.

    Args:
        name: of the part.
        make: creates a new part.
        use: what the part gives at a step.
    """
    __tracebackhide__ = True

    def used(part: Any, step: int) -> Sequence[Tensor]:
        with globally_seeded(0):  # what is drawn there is another test's affair
            return use(part, step)

    part = make()
    for step in range(2):
        used(part, step)
    state = copy.deepcopy(part.state_dict()) if hasattr(part, "state_dict") else None
    going_on, new = used(part, 2), make()
    if state is not None:
        tried(f"{name}: its state can't be loaded", lambda: new.load_state_dict(_stored(name, state)))
    resumed = used(new, 2)
    expect(
        _equal(going_on, resumed),
        f"{name}: after a resume it gives something else than without; use the step's number instead of a counter of "
        "your own, or keep what lasts in state_dict and load_state_dict",
    )


def _stored(name: str, state: Any) -> Any:
    """A state as a checkpoint holds it: nothing but tensors, numbers, text and containers of them."""
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    text = f"{name}: its state_dict holds more than tensors, numbers, text, lists and dicts"
    return tried(text, lambda: torch.load(file, weights_only=True))


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
