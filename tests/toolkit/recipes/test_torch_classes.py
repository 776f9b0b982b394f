"""Torch's classes by their names, and what torch does not accept of their arguments."""

import subprocess
import sys
from typing import Any

import pytest
import torch

from toonlab.recipes.torch_classes import DEFAULT_OPTIMIZER, SCHEDULES, optimizers, refusal, schedules


def test_optimizers_are_those_that_gan_training_can_use() -> None:
    assert {"Adam", "AdamW", "SGD", "RMSprop"} <= optimizers().keys()
    assert not {"LBFGS", "SparseAdam", "Optimizer"} & optimizers().keys()
    assert all(issubclass(cls, torch.optim.Optimizer) for cls in optimizers().values())
    assert DEFAULT_OPTIMIZER["use"] in optimizers()


def test_schedules_count_steps_and_take_numbers() -> None:
    assert tuple(schedules()) == SCHEDULES
    assert schedules()["StepLR"] is torch.optim.lr_scheduler.StepLR


@pytest.mark.parametrize("name", sorted(optimizers()))
def test_every_optimizer_accepts_its_defaults(name: str) -> None:
    assert refusal(optimizers()[name], {"lr": 1e-3}) is None


@pytest.mark.parametrize(
    ("name", "arguments", "says"),
    [
        ("Adam", {"lr": -1.0}, "Adam refuses it: Invalid learning rate: -1.0"),
        ("Adam", {"betas": (0.5, 1.5)}, "Adam refuses it: Invalid beta parameter at index 1: 1.5"),
        ("SGD", {"lr": 0.1, "nesterov": True}, "SGD refuses it: Nesterov momentum requires a momentum"),
        ("Adam", {"fused": True, "foreach": True}, "Adam refuses it: `fused` and `foreach` cannot be `True` together"),
    ],
)
def test_arguments_that_torch_does_not_accept(name: str, arguments: dict[str, Any], says: str) -> None:
    refused = refusal(optimizers()[name], arguments)
    assert refused is not None
    assert refused.startswith(says)


def test_schedules_are_tried_too() -> None:
    assert refusal(schedules()["StepLR"], {"step_size": 3}) is None
    refused = refusal(schedules()["ConstantLR"], {"factor": 2.0})
    assert refused is not None
    assert refused.startswith("ConstantLR refuses it: Constant multiplicative factor expected to be between 0 and 1")
    assert "missing 1 required positional argument: 'step_size'" in str(refusal(schedules()["StepLR"], {}))


def test_trying_an_optimizer_or_a_schedule_does_not_import_torchs_compiler() -> None:
    code = (
        "import sys\n"
        "from toonlab.recipes.torch_classes import optimizers, refusal, schedules\n"
        "print(refusal(optimizers()['Adam'], {'lr': 1e-3}), refusal(schedules()['StepLR'], {'step_size': 1}))\n"
        "print('torch._dynamo' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["None None", "False"]


def test_trying_an_optimizer_leaves_torchs_class_as_it_is() -> None:
    before = dict(vars(torch.optim.Adam))
    refusal(torch.optim.Adam, {"lr": 1e-3})
    assert dict(vars(torch.optim.Adam)) == before
