"""Torch's optimizers and learning-rate schedulers, by the names of their classes."""

import inspect
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

DEFAULT_OPTIMIZER = {"use": "Adam", "lr": 2e-4, "betas": [0.5, 0.999]}  # DCGAN's, which GANs mostly keep to
UNUSABLE_OPTIMIZERS = {"LBFGS", "SparseAdam", "Optimizer"}  # need a closure; need sparse gradients
SCHEDULES = (  # those whose arguments are numbers, which YAML can give
    *("ConstantLR", "CosineAnnealingLR", "CosineAnnealingWarmRestarts", "CyclicLR", "ExponentialLR"),
    *("LinearLR", "MultiStepLR", "OneCycleLR", "PolynomialLR", "StepLR"),
)


@cache
def optimizers() -> dict[str, type]:
    import torch

    return {
        name: cls
        for name, cls in vars(torch.optim).items()
        if inspect.isclass(cls) and issubclass(cls, torch.optim.Optimizer) and name not in UNUSABLE_OPTIMIZERS
    }


@cache
def schedules() -> dict[str, type]:
    from torch.optim import lr_scheduler

    return {name: getattr(lr_scheduler, name) for name in SCHEDULES}


def refusal(cls: type, arguments: Mapping[str, Any]) -> str | None:
    """Why torch does not accept these arguments, such as a negative rate; None if it does."""
    import torch

    parameters = [torch.nn.Parameter(torch.zeros(2, 2))]
    make: Callable[..., Any] = cls
    try:
        if issubclass(cls, torch.optim.Optimizer):
            _light(cls)(parameters, **arguments)
        else:
            make(_light(torch.optim.SGD)(parameters), **arguments)
    except (TypeError, ValueError, AssertionError, RuntimeError) as error:
        return f"{cls.__name__} refuses it: {' '.join(str(error).split())}"
    return None


def _light(cls: type) -> Callable[..., Any]:
    """An optimizer's class without the decorator that imports `torch._dynamo`, a second, with the first optimizer."""
    import torch

    plain = inspect.unwrap(torch.optim.Optimizer.add_param_group)
    return type(cls.__name__, (cls,), {"add_param_group": plain})
