"""The floor of a training step: the time that its convolutions alone take.

Every convolution of a real step is recorded, forwards and backwards, with its shapes, strides, dtype and the gradients
that were asked of it, and then run again on random numbers, with nothing in between: no padding, no normalisation, no
activation, no loss, no optimizer. A step can't be faster unless it computes fewer convolutions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

CONVOLUTIONS = {torch.ops.aten.convolution.default, torch.ops.aten.convolution_backward.default}
Call = tuple[Any, tuple[Any, ...]]


class Recorder(TorchDispatchMode):
    """Within, convolutions are noted: the operation, and its arguments with a `_Like` for every tensor."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[Call] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None) -> Any:
        if func in CONVOLUTIONS:
            self.calls.append((func, tuple(_Like(a) if isinstance(a, Tensor) else a for a in args)))
        return func(*args, **(kwargs or {}))


class _Like:
    """What a tensor looks like; equal looks share one tensor when the calls are run again."""

    def __init__(self, tensor: Tensor) -> None:
        self.key = (tuple(tensor.shape), tensor.stride(), tensor.dtype, tensor.device)

    def make(self) -> Tensor:
        shape, stride, dtype, device = self.key
        own = [side if step else 1 for side, step in zip(shape, stride, strict=True)]  # expanded ones share memory
        return torch.empty_strided(own, stride, dtype=dtype, device=device).normal_().expand(shape)


def recorded(step: Callable[[], object]) -> list[Call]:
    """The convolutions that one step computes."""
    with Recorder() as recorder:
        step()
    return recorder.calls


def replay(calls: list[Call]) -> Callable[[], None]:
    """Work that computes those convolutions and nothing else."""
    tensors: dict[Any, Tensor] = {}
    for _, arguments in calls:
        for argument in arguments:
            if isinstance(argument, _Like) and argument.key not in tensors:
                tensors[argument.key] = argument.make()
    ready = [(f, tuple(tensors[a.key] if isinstance(a, _Like) else a for a in arguments)) for f, arguments in calls]

    @torch.no_grad()
    def work() -> None:
        for function, arguments in ready:
            function(*arguments)

    return work
