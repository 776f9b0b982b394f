"""What parts that compute tensors share: each shared test has a broken part that it finds."""

from __future__ import annotations

import pytest
import torch
from broken import DEFECTS
from torch import Tensor

from toonlab.scaffold.examples.objective import ExampleObjective
from toonlab.testing import ObjectiveTests, tensors
from toonlab.testing.frame import names

NEEDS_A_GPU = {"test_the_cpu_and_the_gpu_agree"}


class Case(ObjectiveTests):
    factory = ExampleObjective


def test_every_shared_test_finds_a_defect() -> None:
    found = {name for defect in DEFECTS for name in defect.found_by}
    assert set(names(tensors.ImageTests)) - found - NEEDS_A_GPU == set()


class OfTheDevice(ExampleObjective):
    """Another loss for every new tensor, as a device with other arithmetic may give."""

    calls = 0

    def generator(self, fake_logits: Tensor) -> Tensor:
        OfTheDevice.calls += 1
        return super().generator(fake_logits) * OfTheDevice.calls


def test_what_differs_on_another_device_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The CPU stands in for the GPU."""
    monkeypatch.setattr(tensors, "gpu", lambda: torch.device("cpu"))
    Case().test_the_cpu_and_the_gpu_agree()
    case = type("Of", (ObjectiveTests,), {"factory": OfTheDevice})
    with pytest.raises(AssertionError, match=r"OfTheDevice: generator differ by .* on a GPU"):
        case().test_the_cpu_and_the_gpu_agree()
