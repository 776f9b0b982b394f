"""What the plugins' tests share: the catalogue, and the weights that CartoonGAN's golden arrays were computed with."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn

from toonlab import Catalogue, discover


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    return discover()


@pytest.fixture(scope="session")
def pytorch_weights() -> Callable[[nn.Module], nn.Module]:
    """Gives a network of CartoonGAN the weights of its golden run, in place.

    Parameter i, in the order of `parameters()`, is drawn with seed 7000 + i in PyTorch's layout.
    """

    def fill(network: nn.Module) -> nn.Module:
        with torch.no_grad():
            for number, parameter in enumerate(network.parameters()):
                drawn = np.random.RandomState(7000 + number).standard_normal(tuple(parameter.shape))
                scale = np.sqrt(2 / np.prod(parameter.shape[1:])) if parameter.ndim == 4 else 0.1
                parameter.copy_(torch.from_numpy((drawn * scale).astype(np.float32)))
        return network

    return fill
