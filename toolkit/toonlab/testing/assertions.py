"""What the tests of all kinds are written with: they fail with advice, and look at random states and at inputs."""

import pickle
import random
import timeit
import traceback
import unittest
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from statistics import median
from typing import Any, NoReturn, TypeVar

import numpy as np
import torch
from torch import Tensor

from toonlab.errors import PartError, first_line
from toonlab.inference.memory import peak_bytes

__tracebackhide__ = True  # of all functions here: pytest shows the test that calls them
T = TypeVar("T")


class Assertions:
    """The methods with which a test of a part says what is wrong, under the part's name."""

    @property
    def name(self) -> str:
        raise NotImplementedError

    def fail(self, message: str) -> NoReturn:
        raise AssertionError(f"{self.name}: {message}")

    def expect(self, condition: Any, message: str) -> None:
        if not bool(condition):
            self.fail(message)

    def tried(self, what: str, work: Callable[..., T], *arguments: Any) -> T:
        """What a call gives that has to work; what is raised instead becomes a failure that says at what."""
        try:
            return work(*arguments)
        except Exception as error:
            if ours(error):
                raise
            raise AssertionError(f"{self.name}: {what}: {told(error)}") from error

    def finite(self, tensor: Tensor, what: str, advice: str) -> None:
        count = int((~torch.isfinite(tensor)).sum())
        self.expect(not count, f"{count} of {tensor.numel()} values of {what} are NaN or infinite; {advice}")

    @contextmanager
    def unchanged(self, given: Any) -> Iterator[None]:
        """Within, no tensor of an input is changed."""
        before = {name: tensor.detach().clone() for name, tensor in _tensors(given).items()}
        yield
        changed = [name for name, tensor in _tensors(given).items() if not torch.equal(tensor, before[name])]
        text = f"changes its input ({', '.join(changed)}) in place; work on a copy, `x * 2` not `x *= 2`"
        self.expect(not changed, text)

    def near(self, some: Mapping[str, Tensor], others: Mapping[str, Tensor], tolerance: float, where: str) -> None:
        """Tensors are the same up to a share of their largest value."""
        for name, other in others.items():
            same = some[name].shape == other.shape
            off = float((some[name].detach().cpu() - other.detach()).abs().max()) if same else float("inf")
            scale = max(float(other.detach().abs().max()), 1e-3)
            self.expect(off <= tolerance * scale, f"{name} differ by {off:.2g} {where}, of up to {scale:.2g}")

    def scalar(self, loss: Tensor, what: str) -> None:
        """A finite scalar tensor."""
        got = tuple(loss.shape) if isinstance(loss, Tensor) else type(loss).__name__
        self.expect(got == (), f"{what} is {got}, expected a scalar tensor; take the mean")
        self.finite(loss, what, "guard roots, logarithms and divisions near 0")

    def gradient(self, output: Tensor, at: Tensor, flow: str, where: str) -> None:
        """A gradient reaches a leaf, is somewhere not 0, and is finite."""
        self.expect(output.requires_grad, f"no gradient flows {flow}")
        backward(output)
        reached = at.grad is not None and at.grad.abs().sum() > 0
        self.expect(reached, f"the gradient at {where} is 0 everywhere; rounding and comparisons have no gradient")
        self.finite_gradient(at, where)

    def finite_gradient(
        self, at: Tensor, where: str, advice: str = "add a small number below roots, norms, logarithms and divisions"
    ) -> None:
        if at.grad is not None:
            self.finite(at.grad, f"the gradient at {where}", advice)

    def draws_only_from(self, source: str, work: Callable[[], Sequence[Tensor]]) -> None:
        """Nothing is drawn from the global generators of torch, numpy and Python; `source` is what to draw from."""
        before = _random_states()
        work()
        for library, state in _random_states().items():
            advice = f"draw from {source} and from nothing else"
            self.expect(state == before[library], f"draws from {library}'s global generator; {advice}")
        self.independent_of_global_seeds(source, work)

    def independent_of_global_seeds(self, source: str, work: Callable[[], Sequence[Tensor]]) -> None:
        """Also of what is drawn from a global generator that is put back afterwards, which leaves no trace in it."""
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
        """Prints the median time of a call, and the peak of memory that tensors take."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the profiler's own
            peak = peak_bytes(work, torch.device("cpu"))
        seconds = median(timeit.repeat(work, number=1, repeat=3))
        print(f"{self.name}: {1000 * seconds:.2f} ms and {peak / 2**20:.1f} MiB of memory for {what}")


def skip(reason: str) -> NoReturn:
    """pytest takes it for its own."""
    raise unittest.SkipTest(reason)


def refused(work: Callable[..., Any], *arguments: Any) -> str | None:
    """The text with which a part refuses its input, by a `PartError`; None if it takes it."""
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


def backward(output: Tensor) -> None:
    """The gradients of a sum with random weights: with equal ones those of a normalised output would cancel."""
    weights = torch.randn(output.shape, generator=torch.Generator().manual_seed(0))
    (output * weights).sum().backward()  # type: ignore[no-untyped-call]


def ours(error: Exception) -> bool:
    """Whether a test has failed, not an `assert` of the part's own."""
    return isinstance(error, AssertionError) and traceback.extract_tb(error.__traceback__)[-1].filename == __file__


def told(error: Exception) -> str:
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
