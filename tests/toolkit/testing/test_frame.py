"""What the tests of all kinds have in common: without pytest, the random states, the order, what is said at the end."""

from __future__ import annotations

import random
import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import Tensor

from toonlab.scaffold.examples.objective import ExampleObjective
from toonlab.testing import TESTS, ObjectiveTests, check
from toonlab.testing.frame import globally_seeded, names

WITHOUT_PYTEST = """
import sys
sys.modules["pytest"] = None  # `import pytest` raises ImportError
from toonlab.scaffold.examples.objective import ExampleObjective
from toonlab.testing import ObjectiveTests, check
check(ObjectiveTests, ExampleObjective)
"""


def test_the_functions_need_no_pytest() -> None:
    ended = subprocess.run([sys.executable, "-c", WITHOUT_PYTEST], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert "ExampleObjective: " in ended.stdout


def test_what_a_part_costs_is_printed_last(capsys: pytest.CaptureFixture[str]) -> None:
    assert all(names(tests)[-1] == "test_cost" for tests in TESTS.values())
    check(ObjectiveTests, ExampleObjective)
    (line,) = capsys.readouterr().out.splitlines()
    assert "ms and" in line
    assert "MiB of memory for 8 maps" in line


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


class Asserting(ExampleObjective):
    """With an `assert` of its own, as parts may have."""

    def generator(self, fake_logits: Tensor) -> Tensor:
        assert fake_logits.ndim > 4
        return super().generator(fake_logits)


def test_an_assertion_of_the_parts_own_is_told_with_its_place() -> None:
    with pytest.raises(AssertionError) as caught:
        check(ObjectiveTests, Asserting)
    (shapes,) = (line for line in str(caught.value).splitlines() if line.startswith("test_losses_are_finite_scalars"))
    assert "Asserting: generator fails on logits (4, 1): AssertionError" in shapes
    assert "test_frame.py:" in shapes
