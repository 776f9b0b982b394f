"""What the tests of all kinds have in common: without pytest, the order, what is said at the end."""

from __future__ import annotations

import subprocess
import sys

import pytest
from torch import Tensor

from toonlab.scaffold.examples.objective import ExampleObjective
from toonlab.testing import TESTS, ObjectiveTests, check
from toonlab.testing.frame import names

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
