"""The number of kernels that a step starts on a GPU is bounded, counted without one."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch
from pretended import Watch, pretended

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
# before spectral norms were computed together: 1501, 2753, 1152, 3546, 2440
MOST = {"plain": 960, "ctss": 1620, "cartoongan": 1060, "animegan": 1860, "whitebox": 1620}


@pytest.fixture
def kernels(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The benchmark that counts them."""
    monkeypatch.setattr(sys, "path", [str(BENCHMARKS), *sys.path])
    return importlib.import_module("kernels")


@pytest.mark.parametrize("method", MOST)
def test_a_step_starts_few_kernels_and_waits_for_none(kernels: ModuleType, method: str) -> None:
    watch = kernels.count(method)
    assert watch.kernels.total() <= MOST[method], watch.kernels.most_common(12)
    assert dict(watch.waits) == {}


def test_kernels_are_counted() -> None:
    """Each operation by its number, and none for views, memory and what the CPU does."""
    with pretended():
        values, other = torch.empty(4, 4, device="cuda"), torch.ones(4, 4)
        with Watch() as watch:
            (values + values).t()[1:].mul_(2)
            torch.empty_like(values)
            other * 2
            torch.group_norm(values[None], 1)
    assert watch.kernels == {"add": 1, "mul_": 1, "native_group_norm": 3}
