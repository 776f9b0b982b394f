"""The exponential moving average of the networks that the generator's optimizer trains."""

from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn


class MovingAverage(nn.Module):
    """A network whose parameters and buffers are the moving average of another's.

    The first update copies; each further one is `average + (1 - decay) * (value - average)`, to the last bit what
    torch's `AveragedModel` computes, whose counter is copied to the device in every step, with a wait.

    Args:
        network: what is averaged; the average starts as a copy of it, on its device.
        decay: the share of the average that an update keeps.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        super().__init__()
        self.module, self.decay, self.updates = deepcopy(network), decay, 0

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        """Take in the network's present values."""
        average, values = _tensors(self.module), _tensors(network)
        floats = [i for i, tensor in enumerate(average) if self.updates and tensor.is_floating_point()]
        others = [i for i in range(len(average)) if i not in set(floats)]
        if floats:
            torch._foreach_lerp_([average[i] for i in floats], [values[i] for i in floats], 1 - self.decay)
        for i in others:  # whole numbers are rounded down
            mean = average[i] * self.decay + values[i] * (1 - self.decay) if self.updates else values[i]
            average[i].copy_(mean)
        self.updates += 1

    def get_extra_state(self) -> Any:
        return self.updates

    def set_extra_state(self, state: Any) -> None:
        self.updates = int(state)


def _tensors(network: nn.Module) -> list[Tensor]:
    return [tensor.detach() for tensor in (*network.parameters(), *network.buffers())]
