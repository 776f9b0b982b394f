"""What tests are written with: random states, and how tensors are compared."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch

from toonlab.scaffold.examples.objective import ExampleObjective
from toonlab.testing import ObjectiveTests
from toonlab.testing.assertions import globally_seeded


class Case(ObjectiveTests):
    factory = ExampleObjective


def drawn() -> list[float]:
    return [float(torch.rand(())), float(np.random.rand()), random.random()]  # noqa: NPY002


def test_random_states_are_what_they_were_afterwards() -> None:
    with globally_seeded(5):
        before = drawn()
    torch.manual_seed(1)
    np.random.seed(1)  # noqa: NPY002
    random.seed(1)
    expected = drawn()
    torch.manual_seed(1)
    np.random.seed(1)  # noqa: NPY002
    random.seed(1)
    with globally_seeded(5):
        assert drawn() == before
    assert drawn() == expected


@pytest.mark.parametrize("library", ["torch", "numpy", "Python"])
def test_chance_of_any_library_is_seen(library: str) -> None:
    draw = dict(zip(("torch", "numpy", "Python"), range(3), strict=True))[library]
    with pytest.raises(AssertionError, match=r"seeded otherwise; draw from the context's"):
        Case().independent_of_global_seeds("the context's", lambda: [torch.tensor(drawn()[draw])])


def test_what_differs_anyway_is_not_blamed_on_global_seeds() -> None:
    count = iter(range(99))
    Case().independent_of_global_seeds("the context's", lambda: [torch.tensor(next(count))])
    assert next(count) > 1  # it was asked more than once, and no answer was the same


def test_tensors_are_near_up_to_a_share_of_the_largest_value() -> None:
    exact = {"views": torch.tensor([0.0, 10.0])}
    Case().near({"views": torch.tensor([0.05, 10.0])}, exact, 1e-2, "there")
    with pytest.raises(AssertionError, match=r"views differ by 0\.2 there, of up to 10"):
        Case().near({"views": torch.tensor([0.2, 10.0])}, exact, 1e-2, "there")
    with pytest.raises(AssertionError, match="views differ by inf there"):
        Case().near({"views": torch.zeros(3)}, exact, 1e-2, "there")


def test_nan_is_near_to_nothing() -> None:
    with pytest.raises(AssertionError, match="views differ by nan"):
        Case().near({"views": torch.tensor([torch.nan])}, {"views": torch.ones(1)}, 1e-2, "there")
